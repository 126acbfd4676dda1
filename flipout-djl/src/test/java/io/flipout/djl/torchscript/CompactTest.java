package io.flipout.djl.torchscript;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.nn.convolutional.Conv2d;
import ai.djl.nn.core.Linear;
import ai.djl.training.ParameterStore;
import io.flipout.inference.Network;
import io.flipout.inference.PrunedNetworks;
import io.flipout.models.LeNet5;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Supplier;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Modules whose dead and constant channels are gone. */
class CompactTest {

    /** The gain from which a convolution is a product: any. */
    private static final double PRODUCTS = 0;

    private static boolean isOld() {
        return Engine.getEngine("PyTorch").getVersion().startsWith("2.0.");
    }

    @BeforeEach
    void checkVersion(TestInfo test) {
        assumeTrue(isOld() == test.getTags().contains("old"), "LibTorch 2.0 is refused, no other");
    }

    @Test
    @Tag("old")
    void anOldLibTorchIsRefused() throws Exception {
        try (NDManager manager = NDManager.newBaseManager()) {
            Block block = Linear.builder().setUnits(2).build();
            block.initialize(manager, DataType.FLOAT32, new Shape(1, 3));
            Path file = folder.resolve("old.pt");
            assertThatThrownBy(
                            () ->
                                    TorchScriptExporter.builder()
                                            .optCompact(true)
                                            .build()
                                            .export(block, file, new Shape(1, 3)))
                    .hasMessage(
                            "LibTorch 2.0.1 crashes on compacted files: export with PyTorch 2.1 or"
                                    + " newer, or without compaction.");
            assertThat(file).doesNotExist();
        }
    }

    @TempDir private Path folder;

    private static NDArray forward(Block block, NDArray input, NDManager manager) {
        return block.forward(new ParameterStore(manager, false), new NDList(input), false)
                .singletonOrThrow();
    }

    /** Without products, and with all that there can be. */
    private List<CompactedLayer> assertSame(Block block, Shape shape, Shape other, String name)
            throws Exception {
        assertSame(block, shape, other, name + ", by its weights alone", PRODUCTS);
        return assertSame(block, shape, other, name, Double.POSITIVE_INFINITY);
    }

    private List<CompactedLayer> assertSame(
            Block block, Shape shape, Shape other, String name, double sparseFrom)
            throws Exception {
        Path file = folder.resolve("compact.pt");
        List<CompactedLayer> layers =
                TorchScriptExporter.builder()
                        .optCompact(true)
                        .optSparseFrom(sparseFrom)
                        .build()
                        .export(block, file, shape);
        try (NDManager manager = NDManager.newBaseManager(Device.cpu());
                Model model = Model.newInstance("compact", Device.cpu(), "PyTorch")) {
            model.load(file);
            NDArray input = manager.randomNormal(other);
            NDArray expected = forward(block, input.duplicate(), manager);
            NDArray actual = forward(model.getBlock(), input, manager);
            assertThat(TorchScriptExporter.difference(expected, actual))
                    .as(name)
                    .isLessThanOrEqualTo(1e-4f);
        }
        return layers;
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("io.flipout.inference.PrunedNetworks#all")
    void outputsAreTheSame(String name, Supplier<Block> supplier, int[] shape) throws Exception {
        for (double sparsity : new double[] {0.3, 0.9}) {
            try (NDManager manager = NDManager.newBaseManager()) {
                Block block = PrunedNetworks.pruned(supplier.get(), manager, sparsity, shape);
                Shape one = PrunedNetworks.batch(1, shape);
                Shape four = PrunedNetworks.batch(4, shape);
                String what = name + " at " + sparsity;
                if (sparsity > 0.5) {
                    assertSame(block, one, four, what + ", by its weights alone", PRODUCTS);
                }
                List<CompactedLayer> layers =
                        assertSame(block, one, four, what, Double.POSITIVE_INFINITY);
                assertThat(layers)
                        .anyMatch(layer -> layer.filtersLeft() < layer.filters())
                        .anyMatch(layer -> layer.channelsLeft() < layer.channels());
            }
        }
    }

    @Test
    void heightAndWidthStayFree() throws Exception {
        try (NDManager manager = NDManager.newBaseManager()) {
            for (double sparsity : new double[] {0.3, 0.6, 0.9, 0.97}) {
                Block block =
                        PrunedNetworks.pruned(
                                PrunedNetworks.resnet(4), manager, sparsity, 3, 16, 16);
                Shape shape = new Shape(1, 3, 16, 16);
                assertSame(block, shape, new Shape(3, 3, 21, 11), "at " + sparsity);
            }
        }
    }

    @Test
    void aLayerWithoutWeightsLeavesAConstant() throws Exception {
        Shape shape = new Shape(1, 3, 12, 12);
        try (NDManager manager = NDManager.newBaseManager()) {
            for (String empty : List.of("layer3", "conv1", "linear", "")) {
                Block block =
                        PrunedNetworks.pruned(PrunedNetworks.resnet(4), manager, 0.3, 3, 12, 12);
                block.getParameters()
                        .forEach(
                                pair -> {
                                    if (pair.getKey().contains(empty)
                                            && pair.getValue().getType() == Parameter.Type.WEIGHT) {
                                        pair.getValue().getArray().muli(0);
                                    }
                                });
                assertSame(block, shape, new Shape(5, 3, 9, 14), empty);
            }
        }
    }

    @Test
    void whatWentIsToldLayerByLayer() throws Exception {
        try (NDManager manager = NDManager.newBaseManager()) {
            Block block = LeNet5.builder().setClasses(10).build();
            Shape shape = new Shape(1, 1, 28, 28);
            block.initialize(manager, ai.djl.ndarray.types.DataType.FLOAT32, shape);
            NDArray weight =
                    block.getParameters().stream()
                            .filter(pair -> pair.getKey().contains("conv2_weight"))
                            .findFirst()
                            .orElseThrow()
                            .getValue()
                            .getArray();
            int filters = (int) weight.getShape().get(0);
            int channels = (int) weight.getShape().get(1);
            // Two filters go, and the channels 0, 1 and 2 are read by none.
            weight.set(new ai.djl.ndarray.index.NDIndex("0:2"), 0);
            weight.set(new ai.djl.ndarray.index.NDIndex(":, 0:3"), 0);
            List<CompactedLayer> layers = assertSame(block, shape, shape, "LeNet-5");
            assertThat(layers.get(0))
                    .isEqualTo(new CompactedLayer("conv1", channels, channels - 3, 1, 1, false));
            assertThat(layers.get(1))
                    .isEqualTo(
                            new CompactedLayer(
                                    "conv2", filters, filters - 2, channels, channels - 3, false));
            int area = layers.get(2).channels() / filters;
            assertThat(layers.get(2).channelsLeft()).isEqualTo((filters - 2) * area);
            ScriptMetadata metadata =
                    TorchScriptFile.open(folder.resolve("compact.pt")).metadata().orElseThrow();
            assertThat(metadata.compacted()).isTrue();
            assertThatThrownBy(() -> TorchScriptModels.load(folder.resolve("compact.pt")))
                    .hasMessageContaining(
                            "compact.pt is compacted, for inference: train what it was exported"
                                    + " from.");
        }
    }

    /** A convolution alone, with a share of its weights, in both engines. */
    private void assertProduct(Conv2d.Builder builder, double share, boolean isSparse)
            throws Exception {
        int[] image = {6, 61, 70}; // More than a piece.
        Engine.getInstance().setRandomSeed(5);
        try (NDManager manager = NDManager.newBaseManager()) {
            Block block = builder.build();
            block.initialize(manager, DataType.FLOAT32, new Shape(1, 6, 32, 30));
            NDArray weight = block.getDirectParameters().get("weight").getArray();
            try (NDArray drawn = manager.randomUniform(0, 1, weight.getShape());
                    NDArray kept = drawn.lt(share)) {
                weight.muli(kept.toType(DataType.FLOAT32, false));
            }
            Shape shape = new Shape(1, 6, 32, 30);
            Shape other = PrunedNetworks.batch(3, image);
            String name = weight.getShape() + " with a share of " + share;
            assertThat(assertSame(block, shape, other, name, PRODUCTS))
                    .as(name)
                    .allMatch(layer -> layer.isSparse() == isSparse);
            float[] images = PrunedNetworks.images(3, image);
            float[] expected =
                    forward(block, manager.create(images, other), manager).toFloatArray();
            try (Network network = Network.load(folder.resolve("compact.pt"))) {
                assertThat(network.predict(images, 3, image))
                        .as(name)
                        .containsExactly(expected, within(1e-4f));
            }
        }
    }

    @Test
    void productsAreConvolutions() throws Exception {
        for (double share : new double[] {0.2, 1}) {
            for (int stride : new int[] {1, 2, 3}) {
                for (int dilation : new int[] {1, 2}) {
                    for (boolean biased : new boolean[] {true, false}) {
                        assertProduct(
                                Conv2d.builder()
                                        .setFilters(9)
                                        .setKernelShape(new Shape(3, 4))
                                        .optStride(new Shape(stride, stride))
                                        .optPadding(new Shape(2, 1))
                                        .optDilation(new Shape(dilation, dilation))
                                        .optBias(biased),
                                share,
                                true);
                    }
                }
            }
            assertProduct(
                    Conv2d.builder()
                            .setFilters(9)
                            .setKernelShape(new Shape(1, 1))
                            .optGroups(3)
                            .optStride(new Shape(2, 2)),
                    share,
                    true);
            assertProduct(
                    Conv2d.builder()
                            .setFilters(12)
                            .setKernelShape(new Shape(3, 3))
                            .optGroups(6)
                            .optDilation(new Shape(2, 1)),
                    share,
                    true);
        }
        assertProduct(
                Conv2d.builder()
                        .setFilters(9)
                        .setKernelShape(new Shape(3, 3))
                        .optStride(new Shape(1, 2)),
                0.2,
                false);
    }

    @Test
    void convolutionsOfFewWeightsAreProductsUnlessAskedOtherwise() throws Exception {
        Shape shape = new Shape(1, 3, 32, 32);
        Path file = folder.resolve("compact.pt");
        try (NDManager manager = NDManager.newBaseManager()) {
            Block block =
                    PrunedNetworks.pruned(PrunedNetworks.resnet(64), manager, 0.97, 3, 32, 32);
            TorchScriptExporter.Builder builder =
                    TorchScriptExporter.builder().optCompact(true).optVerify(false);
            assertThat(builder.build().export(block, file, shape))
                    .anyMatch(CompactedLayer::isSparse)
                    .anyMatch(layer -> !layer.isSparse());
            assertThat(builder.optSparseProducts(false).build().export(block, file, shape))
                    .noneMatch(CompactedLayer::isSparse);
        }
    }
}
