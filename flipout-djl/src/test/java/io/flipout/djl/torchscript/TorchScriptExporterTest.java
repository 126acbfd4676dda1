package io.flipout.djl.torchscript;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.ndarray.types.SparseFormat;
import ai.djl.nn.Activation;
import ai.djl.nn.Block;
import ai.djl.nn.LambdaBlock;
import ai.djl.nn.Parameter;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.core.Linear;
import ai.djl.nn.core.Prelu;
import ai.djl.training.ParameterStore;
import ai.djl.training.initializer.Initializer;
import io.flipout.djl.data.Normalization;
import io.flipout.mask.BlockPaths;
import io.flipout.models.Models;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

class TorchScriptExporterTest {

    private static final Shape IMAGE = new Shape(1, 3, 32, 32);

    @TempDir private Path folder;
    private Path file;
    private NDManager manager;

    @BeforeEach
    void open() {
        file = folder.resolve("network.pt");
        manager = NDManager.newBaseManager();
    }

    @AfterEach
    void close() {
        manager.close();
    }

    private Block initialized(Block block, Shape shape) {
        block.initialize(manager, DataType.FLOAT32, shape);
        return block;
    }

    private void export(Block block, Shape shape) throws IOException {
        TorchScriptExporter.builder().build().export(initialized(block, shape), file, shape);
    }

    private NDList forward(Block block, NDList inputs) {
        NDList copies = new NDList();
        inputs.forEach(input -> copies.add(input.duplicate()));
        NDList outputs = block.forward(new ParameterStore(manager, false), copies, false);
        outputs.attach(manager);
        return outputs;
    }

    /** Computes with what lies in the file. */
    private NDList load(NDList inputs) throws IOException {
        try (Model model = TorchScriptModels.open(file, Device.cpu())) {
            return forward(model.getBlock(), inputs);
        }
    }

    private float difference(Block block, NDList inputs) throws IOException {
        return TorchScriptExporter.difference(forward(block, inputs).head(), load(inputs).head());
    }

    /** Exports without the exporter's own check, and compares at another batch size. */
    private void assertSameOutputs(Networks network, float tolerance) throws IOException {
        Block block = network.initialize(manager);
        TorchScriptExporter.builder()
                .optInputTypes(network.types())
                .optVerify(false)
                .build()
                .export(block, file, network.shapes());
        NDList inputs = network.inputs(manager, 5);
        NDList expected = forward(block, inputs);
        NDList actual = load(inputs);
        assertThat(actual).hasSameSizeAs(expected);
        for (int i = 0; i < actual.size(); i++) {
            assertThat(TorchScriptExporter.difference(expected.get(i), actual.get(i)))
                    .as("difference of output %d", i)
                    .isLessThanOrEqualTo(tolerance);
        }
    }

    @ParameterizedTest
    @MethodSource("io.flipout.djl.torchscript.Networks#own")
    void ownNetworksComputeTheSame(Networks network) throws IOException {
        assertSameOutputs(network, 0);
    }

    @ParameterizedTest
    @MethodSource("io.flipout.djl.torchscript.Networks#zoo")
    void theModelZooComputesTheSame(Networks network) throws IOException {
        assertSameOutputs(network, 0);
    }

    /**
     * TorchScript takes a linear layer over sequences apart, so its bias is rounded differently;
     * BERT has twenty of them in a row.
     */
    @ParameterizedTest
    @MethodSource("io.flipout.djl.torchscript.Networks#blocks")
    void blocksComputeTheSame(Networks network) throws IOException {
        assertSameOutputs(network, network.name().startsWith("Bert") ? 1e-4f : 2e-6f);
    }

    private Block prunedResNet(double sparsity) {
        Block block = initialized(Models.RESNET18.newBlock(3, 10), IMAGE);
        Random random = new Random(1);
        for (Parameter parameter : BlockPaths.parameters(block).values()) {
            NDArray array = parameter.getArray();
            if (array.getShape().dimension() >= 2) {
                float[] values = array.toFloatArray();
                for (int i = 0; i < values.length; i++) {
                    values[i] = random.nextDouble() < sparsity ? 0 : values[i];
                }
                array.set(values);
            }
        }
        return block;
    }

    @ParameterizedTest
    @EnumSource(Compression.class)
    void compressionChangesNoOutput(Compression compression) throws IOException {
        Block block = prunedResNet(0.999);
        TorchScriptExporter.builder()
                .optCompression(compression)
                .build()
                .export(block, file, IMAGE);

        assertThat(difference(block, new NDList(manager.randomNormal(new Shape(3, 3, 32, 32)))))
                .isZero();
        long dense = 44_779_469;
        assertThat(Files.size(file))
                .isLessThan(
                        switch (compression) {
                            case NONE -> dense + 1000;
                            case DEFLATE -> dense / 100;
                            case SPARSE -> dense / 250;
                        });
    }

    @Test
    void heightAndWidthAreFreeBehindAGlobalPool() throws IOException {
        Block block = Models.RESNET18.newBlock(3, 10);
        export(block, IMAGE);

        assertThat(difference(block, new NDList(manager.randomNormal(new Shape(2, 3, 40, 56)))))
                .isZero();
    }

    @Test
    void heightAndWidthAreCheckedWhereTheNetworkFixesThem() throws IOException {
        export(Models.LENET5.newBlock(1, 10), new Shape(1, 1, 28, 28));

        NDList other = new NDList(manager.randomNormal(new Shape(2, 1, 32, 28)));
        assertThatThrownBy(() -> load(other))
                .hasMessageContaining("takes input of shape (batch, 1, 28, 28)");
    }

    @Test
    void multiplesAndFractionsOfSizesFollowTheInput() throws IOException {
        Block block =
                new LambdaBlock(
                        x -> {
                            NDArray a = x.head();
                            Shape s = a.getShape();
                            NDArray b = a.reshape(s.get(0), 6, s.get(2) / 2, s.get(3));
                            NDArray c = b.reshape(s.get(0), 3, 2 * s.get(3), -1);
                            return new NDList(c.reshape(s.get(0), -1, s.get(2) * s.get(3)));
                        });
        export(block, new Shape(1, 3, 8, 8));

        assertThat(difference(block, new NDList(manager.randomNormal(new Shape(3, 3, 20, 12)))))
                .isZero();
    }

    @Test
    void aConstantThatIsChangedStartsAnewEveryTime() throws IOException {
        Block block =
                new LambdaBlock(
                        x -> {
                            NDArray one = x.head().getManager().create(new float[] {1, 1});
                            one.addi(x.head().sum());
                            return new NDList(x.head().mul(one));
                        });
        export(block, new Shape(1, 2));

        NDList inputs = new NDList(manager.ones(new Shape(1, 2)));
        try (Model model = TorchScriptModels.open(file, Device.cpu())) {
            for (int run = 0; run < 3; run++) {
                assertThat(forward(model.getBlock(), inputs).head().toFloatArray())
                        .containsExactly(3f, 3f);
            }
        }
    }

    @Test
    void preprocessingTakesPixels() throws IOException {
        Block block = initialized(Models.RESNET18.newBlock(3, 10), IMAGE);
        float[] mean = {0.4f, 0.5f, 0.6f};
        float[] std = {0.1f, 0.2f, 0.3f};
        TorchScriptExporter.builder()
                .optPreprocessing(new Normalization(mean, std))
                .build()
                .export(block, file, IMAGE);

        NDArray pixels = manager.full(new Shape(2, 3, 32, 32), 51f);
        Shape channels = new Shape(1, 3, 1, 1);
        NDArray normal =
                pixels.mul(0)
                        .add(0.2f)
                        .sub(manager.create(mean, channels))
                        .div(manager.create(std, channels));
        assertThat(
                        TorchScriptExporter.difference(
                                forward(block, new NDList(normal)).head(),
                                load(new NDList(pixels)).head()))
                .isLessThan(1e-5f);
    }

    @Test
    void equalNetworksAreEqualFiles() throws IOException {
        Block block = prunedResNet(0.99);
        Path other = Files.createDirectory(folder.resolve("sub")).resolve("network.pt");
        TorchScriptExporter exporter =
                TorchScriptExporter.builder().optCompression(Compression.SPARSE).build();
        exporter.export(block, file, IMAGE);
        exporter.export(block, other, new Shape(7, 3, 32, 32));

        assertThat(Files.mismatch(file, other)).isEqualTo(-1);
    }

    @Test
    void anUnsupportedOperationNamesBlockAndOperationAndLeavesNoFile() {
        SequentialBlock block =
                new SequentialBlock()
                        .add(Linear.builder().setUnits(3).build())
                        .add(x -> new NDList(x.head().toSparse(SparseFormat.COO).toDense()));

        assertThatThrownBy(() -> export(block, new Shape(1, 4)))
                .isInstanceOf(TorchScriptException.class)
                .hasMessage(
                        "The block 02LambdaBlock (LambdaBlock) calls toSparse, for which"
                                + " there is no translation to TorchScript: register one with"
                                + " optOperation(\"toSparse\", ...).");
        assertThat(folder).isEmptyDirectory();
    }

    @Test
    void aRegisteredOperationIsUsed() throws IOException {
        Shape shape = new Shape(1, 3);
        Block block = new LambdaBlock(x -> new NDList(x.head().median(new int[] {1})));
        TorchScriptExporter.builder()
                .optOperation(
                        "median",
                        (array, arguments) ->
                                Expression.of(
                                                "torch.median",
                                                array,
                                                ((int[]) arguments[0])[0],
                                                false)
                                        .item(0))
                .build()
                .export(initialized(block, shape), file, shape);

        NDList inputs = new NDList(manager.create(new float[] {3, 1, 2}, shape));
        assertThat(load(inputs).head().toFloatArray()).containsExactly(2f);
    }

    @Test
    void controlFlowByNumbersIsRefused() {
        SequentialBlock block =
                new SequentialBlock()
                        .add(x -> x.head().sum().getFloat() > 0 ? x : new NDList(x.head().neg()));

        assertThatThrownBy(() -> export(block, new Shape(1, 4)))
                .hasMessageContaining("calls getFloat")
                .hasMessageContaining("which a trace cannot follow");
    }

    @Test
    void aWrongTranslationIsFoundAndLeavesTheOldFile() throws IOException {
        Shape shape = new Shape(1, 4);
        Block block = initialized(Activation.reluBlock(), shape);
        Files.writeString(file, "old");

        assertThatThrownBy(
                        () ->
                                TorchScriptExporter.builder()
                                        .optOperation(
                                                "relu", (x, a) -> Expression.of("torch.sigmoid", x))
                                        .build()
                                        .export(block, file, shape))
                .hasMessageContaining("computes something else than the network");
        assertThat(file).hasContent("old");
        assertThat(folder.toFile().list()).hasSize(1);
    }

    @Test
    void aSharedParameterStaysOne() throws IOException {
        Block shared = Linear.builder().setUnits(4).build();
        export(new SequentialBlock().add(shared).add(shared), new Shape(1, 4));

        try (Model model = TorchScriptModels.open(file, Device.cpu())) {
            assertThat(model.getBlock().getParameters().size()).isEqualTo(2);
        }
    }

    @Test
    void blocksThatTheEngineLacksSayWhich() {
        SequentialBlock block = new SequentialBlock().add(new Prelu());
        block.setInitializer(Initializer.ONES, Parameter.Type.OTHER);
        block.setInitializer(Initializer.ONES, Parameter.Type.WEIGHT);

        assertThatThrownBy(() -> export(block, new Shape(1, 4)))
                .hasMessageContaining("The block 01Prelu (Prelu) calls prelu");
    }

    /** A split into one part hands on the array itself, as two steps of the trace. */
    @Test
    void anArrayThatIsHandedOnStaysOpen() throws IOException {
        Block block =
                new SequentialBlock()
                        .add(Linear.builder().setUnits(3).build())
                        .add(x -> new NDList(x.head().split(new long[0], 1)));
        export(block, new Shape(1, 4));

        assertThat(difference(block, new NDList(manager.randomNormal(new Shape(5, 4))))).isZero();
    }
}
