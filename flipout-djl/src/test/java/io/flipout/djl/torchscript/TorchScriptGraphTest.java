package io.flipout.djl.torchscript;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.LambdaBlock;
import ai.djl.nn.Parameter;
import ai.djl.training.ParameterStore;
import io.flipout.graph.Graph;
import io.flipout.graph.Interpreter;
import io.flipout.models.Conv6;
import io.flipout.models.LeNet300;
import io.flipout.models.LeNet5;
import io.flipout.models.ResNet18;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What is exported, read back and computed by the graph's definition. */
class TorchScriptGraphTest {

    /** By the largest output. */
    private static final float TOLERANCE = 1e-5f;

    /** Of DJL's blocks and methods, those that are no image networks' business. */
    private static final Set<String> REFUSED =
            Set.of(
                    "Attention",
                    "BertBlock",
                    "BertPretrainingBlock",
                    "ConstantEmbedding",
                    "Conv3d",
                    "GRU",
                    "GhostBatchNorm",
                    "IdEmbedding",
                    "LSTM",
                    "LSTM with its state",
                    "LayerNorm",
                    "Linear over a sequence",
                    "LinearCollection",
                    "Multiplication",
                    "RNN",
                    "SparseMax",
                    "TrainableWordEmbedding",
                    "TransformerEncoderBlock",
                    "argmax, onehot",
                    "broadcast",
                    "elementwise",
                    "gather",
                    "globalAvgPool3d",
                    "interpolation",
                    "matrix products",
                    "maxPool3d",
                    "normalize",
                    "pad",
                    "reductions",
                    "reshape, transpose",
                    "set",
                    "several inputs and outputs",
                    "slices",
                    "sort, argsort, cumsum",
                    "split",
                    "split at indices",
                    "stack, concat",
                    "sums over everything",
                    "take",
                    "tile, repeat",
                    "topk",
                    "zeros, ones, full, arange");

    @TempDir private Path folder;

    private static float[] forward(Block block, NDArray input, NDManager manager) {
        NDList copy = new NDList(input.duplicate());
        NDList outputs = block.forward(new ParameterStore(manager, false), copy, false);
        return outputs.singletonOrThrow().toFloatArray();
    }

    private static int[] axes(Shape shape) {
        return shape.slice(1).stream().mapToInt(p -> Math.toIntExact(p.getKey())).toArray();
    }

    /** Compares outputs, NaN and infinities too. */
    private static void assertClose(String name, float[] actual, float[] expected) {
        assertThat(actual).as(name).hasSameSizeAs(expected);
        float largest = 0;
        for (float value : expected) {
            if (Float.isFinite(value)) {
                largest = Math.max(largest, Math.abs(value));
            }
        }
        for (int i = 0; i < expected.length; i++) {
            if (Float.isFinite(expected[i])) {
                assertThat(actual[i])
                        .as(name + " at " + i)
                        .isBetween(
                                expected[i] - TOLERANCE * largest,
                                expected[i] + TOLERANCE * largest);
            } else {
                assertThat(Float.valueOf(actual[i]))
                        .as(name + " at " + i)
                        .isEqualTo(Float.valueOf(expected[i]));
            }
        }
    }

    private static void assertComputes(Graph graph, Block block, NDArray input, NDManager manager) {
        float[] expected = forward(block, input, manager);
        int batch = Math.toIntExact(input.size(0));
        float[] actual = Interpreter.run(graph, input.toFloatArray(), batch);
        assertClose(block.getClass().getSimpleName(), actual, expected);
    }

    @ParameterizedTest
    @EnumSource(Compression.class)
    void networksAreReadBackWhateverTheCompression(Compression compression) throws Exception {
        Map<Block, Shape> networks = new LinkedHashMap<>();
        networks.put(LeNet300.builder().setClasses(10).build(), new Shape(2, 1, 28, 28));
        networks.put(LeNet5.builder().setClasses(10).build(), new Shape(2, 1, 28, 28));
        networks.put(Conv6.builder().setClasses(10).build(), new Shape(1, 3, 32, 32));
        networks.put(
                ResNet18.builder().setClasses(10).optWidth(4).build(), new Shape(2, 3, 16, 20));
        for (Map.Entry<Block, Shape> entry : networks.entrySet()) {
            Block block = entry.getKey();
            Shape shape = entry.getValue();
            try (NDManager manager = NDManager.newBaseManager()) {
                block.initialize(manager, DataType.FLOAT32, shape);
                prune(block, manager);
                Path file = folder.resolve("network.pt");
                TorchScriptExporter.builder()
                        .optCompression(compression)
                        .optVerify(false)
                        .build()
                        .export(block, file, shape);
                NDArray input = manager.randomNormal(shape);
                Graph graph = TorchScriptGraph.open(file).graph(axes(shape));
                assertComputes(graph, block, input, manager);
            }
        }
    }

    private static void prune(Block block, NDManager manager) {
        for (Parameter parameter : block.getParameters().values()) {
            NDArray array = parameter.getArray();
            if (array.getShape().dimension() > 1) {
                NDArray kept = manager.randomUniform(0, 1, array.getShape()).gt(0.8);
                array.muli(kept.toType(DataType.FLOAT32, false));
            } else {
                NDArray noise = manager.randomUniform(0.1f, 1, array.getShape());
                noise.copyTo(array);
            }
        }
    }

    @Test
    void heightAndWidthStayFree() throws Exception {
        Block block = ResNet18.builder().setClasses(10).optWidth(2).build();
        try (NDManager manager = NDManager.newBaseManager()) {
            block.initialize(manager, DataType.FLOAT32, new Shape(1, 3, 32, 32));
            TorchScriptGraph network =
                    TorchScriptExporter.builder().build().graph(block, new Shape(1, 3, 32, 32));
            assertThat(network.inputAxes()).containsExactly(3, -1, -1);
            for (Shape shape : List.of(new Shape(1, 3, 9, 17), new Shape(3, 3, 24, 8))) {
                NDArray input = manager.randomNormal(shape);
                assertComputes(network.graph(axes(shape)), block, input, manager);
            }
            assertThatThrownBy(() -> network.graph(1, 32, 32))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage(
                            "The network takes input of shape (batch, 3, any, any), not [1, 32,"
                                    + " 32]: it has an image of another size.");
        }
    }

    @Test
    void blocksAreComputedOrRefusedInOneSentence() {
        Set<String> refused = new TreeSet<>();
        for (Networks network : Networks.blocks()) {
            try (NDManager manager = NDManager.newBaseManager()) {
                Block block = network.initialize(manager);
                Path file = folder.resolve("block.pt");
                TorchScriptExporter.builder()
                        .optVerify(false)
                        .optInputTypes(network.types())
                        .build()
                        .export(block, file, network.shapes());
                NDArray input = network.inputs(manager, 3).get(0);
                try {
                    Graph graph = TorchScriptGraph.open(file).graph(axes(input.getShape()));
                    assertComputes(graph, block, input, manager);
                } catch (TorchScriptException e) {
                    assertThat(e).hasMessageEndingWith(": the PyTorch engine does.");
                    refused.add(network.name());
                }
            } catch (java.io.IOException e) {
                throw new java.io.UncheckedIOException(e);
            }
        }
        // DJL's older versions lack some of them.
        Set<String> there =
                Networks.blocks().stream().map(Networks::name).collect(Collectors.toSet());
        assertThat(refused)
                .containsExactlyInAnyOrderElementsOf(
                        REFUSED.stream().filter(there::contains).toList());
    }

    private static Map<String, UnaryOperator<NDArray>> functions() {
        Map<String, UnaryOperator<NDArray>> all = new LinkedHashMap<>();
        all.put("neg", NDArray::neg);
        all.put("sign", NDArray::sign);
        all.put("abs", NDArray::abs);
        all.put("square", NDArray::square);
        all.put("sqrt", NDArray::sqrt);
        all.put("floor", NDArray::floor);
        all.put("ceil", NDArray::ceil);
        all.put("round", NDArray::round);
        all.put("trunc", NDArray::trunc);
        all.put("exp", NDArray::exp);
        all.put("log", NDArray::log);
        all.put("log10", NDArray::log10);
        all.put("log2", NDArray::log2);
        all.put("sin", NDArray::sin);
        all.put("cos", NDArray::cos);
        all.put("tan", NDArray::tan);
        all.put("asin", NDArray::asin);
        all.put("acos", NDArray::acos);
        all.put("atan", NDArray::atan);
        all.put("sinh", NDArray::sinh);
        all.put("cosh", NDArray::cosh);
        all.put("tanh", NDArray::tanh);
        all.put("erfinv", NDArray::erfinv);
        all.put("gammaln", NDArray::gammaln);
        all.put("cbrt", NDArray::cbrt);
        all.put("toDegrees", NDArray::toDegrees);
        all.put("toRadians", NDArray::toRadians);
        all.put("relu", x -> x.getNDArrayInternal().relu());
        all.put("sigmoid", x -> x.getNDArrayInternal().sigmoid());
        all.put("softPlus", x -> x.getNDArrayInternal().softPlus());
        all.put("softSign", x -> x.getNDArrayInternal().softSign());
        all.put("selu", x -> x.getNDArrayInternal().selu());
        all.put("gelu", x -> x.getNDArrayInternal().gelu());
        all.put("leakyRelu", x -> x.getNDArrayInternal().leakyRelu(0.2f));
        all.put("elu", x -> x.getNDArrayInternal().elu(0.7f));
        all.put("swish", x -> x.getNDArrayInternal().swish(1.5f));
        all.put("mish", x -> x.getNDArrayInternal().mish());
        all.put("clip", x -> x.clip(-0.5, 1.5));
        all.put("add", x -> x.add(2).add(x));
        all.put("sub", x -> x.sub(0.5).sub(x.mul(3)));
        all.put("mul", x -> x.mul(0.5).mul(x));
        all.put("div", x -> x.div(3).div(x.add(4)));
        all.put("mod", x -> x.mod(0.7).add(x.mod(-0.3)).add(x.mod(x.sub(0.6))));
        all.put("pow", x -> x.pow(2).add(x.pow(3)).add(x.abs().pow(x)));
        all.put("maximum", x -> x.maximum(0.3).add(x.maximum(x.neg())));
        all.put("minimum", x -> x.minimum(0.3).add(x.minimum(x.neg())));
        newer("atan2").ifPresent(atan2 -> all.put("atan2", x -> call(atan2, x, x.add(1))));
        all.put(
                "comparisons",
                x -> {
                    NDArray y = x.mul(x);
                    NDArray sum = null;
                    for (NDArray truth :
                            List.of(
                                    x.eq(y),
                                    x.neq(y),
                                    x.gt(y),
                                    x.gte(y),
                                    x.lt(y),
                                    x.lte(y),
                                    x.eq(1),
                                    x.neq(1),
                                    x.gt(0),
                                    x.gte(0),
                                    x.lt(1),
                                    x.lte(1),
                                    x.isNaN(),
                                    x.isInfinite(),
                                    x.logicalNot())) {
                        NDArray number = truth.toType(DataType.FLOAT32, false);
                        sum = sum == null ? number : sum.mul(2).add(number);
                    }
                    return sum;
                });
        all.put(
                "logic",
                x -> {
                    NDArray a = x.gt(0);
                    NDArray b = x.lt(1);
                    return a.logicalAnd(b)
                            .toType(DataType.FLOAT32, false)
                            .add(a.logicalOr(b).toType(DataType.FLOAT32, false).mul(2))
                            .add(a.logicalXor(b).toType(DataType.FLOAT32, false).mul(4));
                });
        all.put("where", x -> ai.djl.ndarray.NDArrays.where(x.gt(0), x, x.mul(0.1)));
        return all;
    }

    @Test
    void everyFunctionIsPyTorchsOnEveryKindOfNumber() {
        float[] numbers = {
            0,
            -0f,
            1,
            -1,
            0.5f,
            -0.5f,
            1.5f,
            2.5f,
            -2.5f,
            3.7f,
            -3.7f,
            0.9999f,
            5,
            -4,
            17,
            -21,
            30,
            -0.001f,
            Float.NaN,
            Float.POSITIVE_INFINITY,
            Float.NEGATIVE_INFINITY
        };
        List<String> tested = new ArrayList<>();
        Map<String, UnaryOperator<NDArray>> functions = functions();
        if (newer("atan2").isEmpty()) {
            functions.remove("gammaln"); // DJL's older versions have its name only.
        }
        functions.forEach(
                (name, function) -> {
                    try (NDManager manager = NDManager.newBaseManager()) {
                        Block block = new LambdaBlock(x -> new NDList(function.apply(x.get(0))));
                        block.initialize(manager, DataType.FLOAT32, new Shape(1, numbers.length));
                        Graph graph =
                                TorchScriptExporter.builder()
                                        .build()
                                        .graph(block, new Shape(1, numbers.length))
                                        .graph(numbers.length);
                        NDArray input = manager.create(numbers, new Shape(1, numbers.length));
                        float[] expected = forward(block, input, manager);
                        float[] actual = Interpreter.run(graph, numbers, 1);
                        for (int i = 0; i < numbers.length; i++) {
                            float e = expected[i];
                            String where = name + "(" + numbers[i] + ")";
                            if (name.equals("gelu") && Float.isInfinite(numbers[i])) {
                                continue; // LibTorch's kernels differ among themselves.
                            }
                            if (Float.isFinite(e)) {
                                float room = 2e-6f * Math.max(1, Math.abs(e));
                                assertThat(actual[i]).as(where).isBetween(e - room, e + room);
                            } else {
                                assertThat(Float.valueOf(actual[i]))
                                        .as(where)
                                        .isEqualTo(Float.valueOf(e));
                            }
                        }
                        tested.add(name);
                    }
                });
        assertThat(tested).hasSize(functions.size());
    }

    @Test
    void filesOfOtherOriginAreRefused() throws Exception {
        Block block = LeNet300.builder().setClasses(10).build();
        Path file = folder.resolve("other.pt");
        try (NDManager manager = NDManager.newBaseManager()) {
            block.initialize(manager, DataType.FLOAT32, new Shape(1, 1, 28, 28));
            TorchScriptExporter.builder().build().export(block, file, new Shape(1, 1, 28, 28));
        }
        TorchScriptModels.save(
                TorchScriptModels.load(file), folder.resolve("saved.pt"), Compression.NONE);
        assertThatThrownBy(() -> TorchScriptGraph.open(folder.resolve("saved.pt")))
                .isInstanceOf(TorchScriptException.class)
                .hasMessage(
                        folder.resolve("saved.pt")
                                + " was not written by this project's export, or was changed"
                                + " since: the PyTorch engine runs it.");
        assertThat(Files.exists(file)).isTrue();
    }

    /** A method that DJL's older versions lack. */
    private static Optional<Method> newer(String name) {
        return Arrays.stream(NDArray.class.getMethods())
                .filter(method -> method.getName().equals(name))
                .findFirst();
    }

    private static NDArray call(Method method, NDArray array, NDArray argument) {
        try {
            return (NDArray) method.invoke(array, argument);
        } catch (ReflectiveOperationException e) {
            throw new LinkageError(method.getName(), e);
        }
    }
}
