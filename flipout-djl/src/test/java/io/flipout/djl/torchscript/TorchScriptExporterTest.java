package io.flipout.djl.torchscript;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.Device;
import ai.djl.MalformedModelException;
import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.ndarray.types.SparseFormat;
import ai.djl.nn.Block;
import ai.djl.nn.LambdaBlock;
import ai.djl.nn.Parameter;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.core.Linear;
import ai.djl.nn.core.Prelu;
import ai.djl.training.ParameterStore;
import ai.djl.training.initializer.Initializer;
import io.flipout.mask.BlockPaths;
import io.flipout.models.Models;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

class TorchScriptExporterTest {

    @TempDir private Path folder;

    /** Exports without the exporter's own check, and compares at another batch size. */
    private void assertSameOutputs(Networks network, float tolerance) throws IOException {
        try (NDManager manager = NDManager.newBaseManager()) {
            Block block = network.initialize(manager);
            Path file = folder.resolve("network.pt");
            TorchScriptExporter.builder()
                    .optInputTypes(network.types())
                    .optVerify(false)
                    .build()
                    .export(block, file, network.shapes());
            NDList inputs = new NDList();
            for (int i = 0; i < network.shapes().length; i++) {
                long[] sizes = network.shapes()[i].getShape().clone();
                sizes[0] = 5;
                inputs.add(
                        network.types().length > i
                                ? manager.ones(new Shape(sizes), network.types()[i])
                                : manager.randomNormal(new Shape(sizes)));
            }
            NDList expected = forward(block, inputs, manager);
            NDList actual = load(file, inputs, manager);
            assertThat(actual).hasSameSizeAs(expected);
            for (int i = 0; i < actual.size(); i++) {
                assertThat(TorchScriptExporter.difference(expected.get(i), actual.get(i)))
                        .as("difference of output %d", i)
                        .isLessThanOrEqualTo(tolerance);
            }
        }
    }

    private static NDList forward(Block block, NDList inputs, NDManager manager) {
        NDList copies = new NDList();
        inputs.forEach(input -> copies.add(input.duplicate()));
        return block.forward(new ParameterStore(manager, false), copies, false);
    }

    private static NDList load(Path file, NDList inputs, NDManager manager) throws IOException {
        try (Model model = Model.newInstance("loaded", Device.cpu(), "PyTorch");
                InputStream in = Files.newInputStream(file)) {
            model.load(in);
            NDList outputs = forward(model.getBlock(), inputs, manager);
            outputs.attach(manager);
            return outputs;
        } catch (MalformedModelException e) {
            throw new IOException(e);
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

    @ParameterizedTest
    @MethodSource("io.flipout.djl.torchscript.Networks#blocks")
    void blocksComputeTheSame(Networks network) throws IOException {
        // TorchScript takes a linear layer over sequences apart, so its bias is rounded
        // differently;
        // BERT has twenty of them in a row.
        assertSameOutputs(network, network.name().startsWith("Bert") ? 1e-4f : 2e-6f);
    }

    private static Block prunedResNet(NDManager manager, double sparsity) {
        Block block = Models.RESNET18.newBlock(3, 10);
        block.initialize(manager, DataType.FLOAT32, new Shape(1, 3, 32, 32));
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
        try (NDManager manager = NDManager.newBaseManager()) {
            Block block = prunedResNet(manager, 0.999);
            Path file = folder.resolve("small.pt");
            TorchScriptExporter.builder()
                    .optCompression(compression)
                    .build()
                    .export(block, file, new Shape(1, 3, 32, 32));

            NDList inputs = new NDList(manager.randomNormal(new Shape(3, 3, 32, 32)));
            NDArray expected = forward(block, inputs, manager).head();
            assertThat(TorchScriptExporter.difference(expected, load(file, inputs, manager).head()))
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
    }

    @Test
    void heightAndWidthAreFreeBehindAGlobalPool() throws IOException {
        try (NDManager manager = NDManager.newBaseManager()) {
            Block block = Models.RESNET18.newBlock(3, 10);
            block.initialize(manager, DataType.FLOAT32, new Shape(1, 3, 32, 32));
            Path file = folder.resolve("free.pt");
            TorchScriptExporter.builder().build().export(block, file, new Shape(1, 3, 32, 32));

            NDList other = new NDList(manager.randomNormal(new Shape(2, 3, 40, 56)));
            assertThat(
                            TorchScriptExporter.difference(
                                    forward(block, other, manager).head(),
                                    load(file, other, manager).head()))
                    .isZero();
        }
    }

    @Test
    void heightAndWidthAreCheckedWhereTheNetworkFixesThem() throws IOException {
        try (NDManager manager = NDManager.newBaseManager()) {
            Block block = Models.LENET5.newBlock(1, 10);
            block.initialize(manager, DataType.FLOAT32, new Shape(1, 1, 28, 28));
            Path file = folder.resolve("fixed.pt");
            TorchScriptExporter.builder().build().export(block, file, new Shape(1, 1, 28, 28));

            NDList other = new NDList(manager.randomNormal(new Shape(2, 1, 32, 28)));
            assertThatThrownBy(() -> load(file, other, manager))
                    .hasMessageContaining("takes input of shape (batch, 1, 28, 28)");
        }
    }

    private Path export(Block block, Shape shape, NDManager manager) throws IOException {
        block.initialize(manager, DataType.FLOAT32, shape);
        Path file = folder.resolve("block.pt");
        TorchScriptExporter.builder().build().export(block, file, shape);
        return file;
    }

    @Test
    void multiplesAndFractionsOfSizesFollowTheInput() throws IOException {
        try (NDManager manager = NDManager.newBaseManager()) {
            Block block =
                    new LambdaBlock(
                            x -> {
                                NDArray a = x.head();
                                Shape s = a.getShape();
                                NDArray b = a.reshape(s.get(0), 6, s.get(2) / 2, s.get(3));
                                NDArray c = b.reshape(s.get(0), 3, 2 * s.get(3), -1);
                                return new NDList(c.reshape(s.get(0), -1, s.get(2) * s.get(3)));
                            });
            Path file = export(block, new Shape(1, 3, 8, 8), manager);

            NDList other = new NDList(manager.randomNormal(new Shape(3, 3, 20, 12)));
            NDArray expected = forward(block, other, manager).head();
            assertThat(TorchScriptExporter.difference(expected, load(file, other, manager).head()))
                    .isZero();
        }
    }

    @Test
    void aConstantThatIsChangedStartsAnewEveryTime() throws IOException {
        try (NDManager manager = NDManager.newBaseManager()) {
            Block block =
                    new LambdaBlock(
                            x -> {
                                NDArray one = x.head().getManager().create(new float[] {1, 1});
                                one.addi(x.head().sum());
                                return new NDList(x.head().mul(one));
                            });
            Path file = export(block, new Shape(1, 2), manager);
            NDList inputs = new NDList(manager.ones(new Shape(1, 2)));
            try (Model model = Model.newInstance("twice", Device.cpu(), "PyTorch")) {
                model.load(file);
                for (int run = 0; run < 3; run++) {
                    assertThat(forward(model.getBlock(), inputs, manager).head().toFloatArray())
                            .containsExactly(3f, 3f);
                }
            } catch (MalformedModelException e) {
                throw new IOException(e);
            }
        }
    }

    @Test
    void preprocessingTakesPixels() throws IOException {
        try (NDManager manager = NDManager.newBaseManager()) {
            Block block = Models.RESNET18.newBlock(3, 10);
            block.initialize(manager, DataType.FLOAT32, new Shape(1, 3, 32, 32));
            Path file = folder.resolve("pixels.pt");
            float[] mean = {0.4f, 0.5f, 0.6f};
            float[] std = {0.1f, 0.2f, 0.3f};
            TorchScriptExporter.builder()
                    .optPreprocessing(mean, std)
                    .build()
                    .export(block, file, new Shape(1, 3, 32, 32));

            NDArray pixels = manager.full(new Shape(2, 3, 32, 32), 51f);
            NDArray channels = manager.create(mean, new Shape(1, 3, 1, 1));
            NDArray normal =
                    pixels.mul(0)
                            .add(0.2f)
                            .sub(channels)
                            .div(manager.create(std, new Shape(1, 3, 1, 1)));
            assertThat(
                            TorchScriptExporter.difference(
                                    forward(block, new NDList(normal), manager).head(),
                                    load(file, new NDList(pixels), manager).head()))
                    .isLessThan(1e-5f);
        }
    }

    @Test
    void equalNetworksAreEqualFiles() throws IOException {
        try (NDManager manager = NDManager.newBaseManager()) {
            Block block = prunedResNet(manager, 0.99);
            Path first = folder.resolve("a.pt");
            Path second = folder.resolve("sub");
            Files.createDirectory(second);
            second = second.resolve("a.pt");
            TorchScriptExporter exporter =
                    TorchScriptExporter.builder().optCompression(Compression.SPARSE).build();
            exporter.export(block, first, new Shape(1, 3, 32, 32));
            exporter.export(block, second, new Shape(7, 3, 32, 32));

            assertThat(Files.mismatch(first, second)).isEqualTo(-1);
        }
    }

    @Test
    void anUnsupportedOperationNamesBlockAndOperationAndLeavesNoFile() throws IOException {
        try (NDManager manager = NDManager.newBaseManager()) {
            SequentialBlock block =
                    new SequentialBlock()
                            .add(Linear.builder().setUnits(3).build())
                            .add(x -> new NDList(x.head().toSparse(SparseFormat.COO).toDense()));
            block.initialize(manager, DataType.FLOAT32, new Shape(1, 4));
            Path file = folder.resolve("none.pt");

            assertThatThrownBy(
                            () ->
                                    TorchScriptExporter.builder()
                                            .build()
                                            .export(block, file, new Shape(1, 4)))
                    .isInstanceOf(TorchScriptException.class)
                    .hasMessage(
                            "The block 02LambdaBlock (LambdaBlock) calls toSparse, for which"
                                    + " there is no translation to TorchScript: register one with"
                                    + " optOperation(\"toSparse\", ...).");
            assertThat(folder).isEmptyDirectory();
        }
    }

    @Test
    void aRegisteredOperationIsUsed() throws IOException {
        Networks network =
                new Networks(
                        "median",
                        () -> new LambdaBlock(x -> new NDList(x.head().median(new int[] {1}))),
                        new Shape[] {new Shape(1, 5)},
                        new DataType[0]);
        try (NDManager manager = NDManager.newBaseManager()) {
            Path file = folder.resolve("median.pt");
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
                    .export(network.initialize(manager), file, network.shapes());

            NDList inputs = new NDList(manager.create(new float[] {3, 1, 2}, new Shape(1, 3)));
            assertThat(file).exists();
            assertThat(inputs.head().median(new int[] {1}).toFloatArray()).containsExactly(2f);
        }
    }

    @Test
    void controlFlowByNumbersIsRefused() {
        try (NDManager manager = NDManager.newBaseManager()) {
            SequentialBlock block =
                    new SequentialBlock()
                            .add(
                                    x ->
                                            x.head().sum().getFloat() > 0
                                                    ? x
                                                    : new NDList(x.head().neg()));
            block.initialize(manager, DataType.FLOAT32, new Shape(1, 4));

            assertThatThrownBy(
                            () ->
                                    TorchScriptExporter.builder()
                                            .build()
                                            .export(
                                                    block,
                                                    folder.resolve("none.pt"),
                                                    new Shape(1, 4)))
                    .hasMessageContaining("calls getFloat")
                    .hasMessageContaining("which a trace cannot follow");
        }
    }

    @Test
    void aWrongTranslationIsFoundAndLeavesTheOldFile() throws IOException {
        try (NDManager manager = NDManager.newBaseManager()) {
            Block block = ai.djl.nn.Activation.reluBlock();
            block.initialize(manager, DataType.FLOAT32, new Shape(1, 4));
            Path file = folder.resolve("old.pt");
            Files.writeString(file, "old");

            assertThatThrownBy(
                            () ->
                                    TorchScriptExporter.builder()
                                            .optOperation(
                                                    "relu",
                                                    (x, a) -> Expression.of("torch.sigmoid", x))
                                            .build()
                                            .export(block, file, new Shape(1, 4)))
                    .hasMessageContaining("computes something else than the network");
            assertThat(file).hasContent("old");
            assertThat(folder.toFile().list()).hasSize(1);
        }
    }

    @Test
    void aSharedParameterStaysOne() throws IOException {
        try (NDManager manager = NDManager.newBaseManager()) {
            Block shared = Linear.builder().setUnits(4).build();
            SequentialBlock block = new SequentialBlock().add(shared).add(shared);
            block.initialize(manager, DataType.FLOAT32, new Shape(1, 4));
            Path file = folder.resolve("tied.pt");
            TorchScriptExporter.builder().build().export(block, file, new Shape(1, 4));

            try (Model model = Model.newInstance("tied", Device.cpu(), "PyTorch");
                    InputStream in = Files.newInputStream(file)) {
                model.load(in);
                assertThat(model.getBlock().getParameters().size()).isEqualTo(2);
            } catch (MalformedModelException e) {
                throw new IOException(e);
            }
        }
    }

    @Test
    void blocksThatTheEngineLacksSayWhich() {
        try (NDManager manager = NDManager.newBaseManager()) {
            SequentialBlock block = new SequentialBlock().add(new Prelu());
            block.setInitializer(Initializer.ONES, Parameter.Type.OTHER);
            block.setInitializer(Initializer.ONES, Parameter.Type.WEIGHT);
            block.initialize(manager, DataType.FLOAT32, new Shape(1, 4));

            assertThatThrownBy(
                            () ->
                                    TorchScriptExporter.builder()
                                            .build()
                                            .export(
                                                    block,
                                                    folder.resolve("none.pt"),
                                                    new Shape(1, 4)))
                    .hasMessageContaining("The block 01Prelu (Prelu) calls prelu");
        }
    }
}
