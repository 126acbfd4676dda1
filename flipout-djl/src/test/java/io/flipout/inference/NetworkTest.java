package io.flipout.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.basicmodelzoo.basic.Mlp;
import ai.djl.basicmodelzoo.cv.classification.AlexNet;
import ai.djl.basicmodelzoo.cv.classification.GoogLeNet;
import ai.djl.basicmodelzoo.cv.classification.MobileNetV1;
import ai.djl.basicmodelzoo.cv.classification.MobileNetV2;
import ai.djl.basicmodelzoo.cv.classification.ResNetV1;
import ai.djl.basicmodelzoo.cv.classification.SqueezeNet;
import ai.djl.basicmodelzoo.cv.classification.VGG;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.training.ParameterStore;
import com.sun.management.ThreadMXBean;
import io.flipout.djl.torchscript.Compression;
import io.flipout.djl.torchscript.TorchScriptExporter;
import io.flipout.djl.torchscript.TorchScriptGraph;
import io.flipout.models.Conv6;
import io.flipout.models.DenseNet121;
import io.flipout.models.LeNet300;
import io.flipout.models.LeNet5;
import io.flipout.models.ResNet18;
import io.flipout.models.Vgg;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Networks as they are pruned, computed here and by PyTorch. */
class NetworkTest {

    /** By the largest output. */
    private static final float TOLERANCE = 1e-4f;

    @TempDir private Path folder;

    /** Small images, as networks work on any; the sizes differ, so that rows are not columns. */
    static Stream<Arguments> networks() {
        return Stream.of(
                network(
                        "LeNet-300-100",
                        () -> LeNet300.builder().setClasses(10).build(),
                        1,
                        28,
                        28),
                network("LeNet-5", () -> LeNet5.builder().setClasses(10).build(), 1, 28, 28),
                network("Conv-6", () -> Conv6.builder().setClasses(10).build(), 3, 32, 32),
                network("ResNet-18", () -> resnet(8), 3, 20, 28),
                network(
                        "VGG-13",
                        () -> Vgg.builder().setDepth(13).setClasses(9).build(),
                        3,
                        32,
                        32),
                network(
                        "DenseNet-121",
                        () -> DenseNet121.builder().setClasses(5).build(),
                        3,
                        33,
                        40),
                network("MLP", () -> new Mlp(30, 7, new int[] {20, 10}), 30),
                network("AlexNet", () -> AlexNet.builder().build(), 1, 224, 224),
                network("GoogLeNet", () -> GoogLeNet.builder().build(), 1, 48, 40),
                network("zoo's VGG", () -> VGG.builder().build(), 1, 64, 64),
                network("SqueezeNet", () -> SqueezeNet.squeezenet(10), 3, 64, 56),
                network(
                        "MobileNetV1",
                        () -> MobileNetV1.builder().setOutSize(9).build(),
                        3,
                        32,
                        40),
                network(
                        "MobileNetV2",
                        () -> MobileNetV2.builder().setOutSize(9).build(),
                        3,
                        32,
                        40),
                network("ResNet-50", () -> zooResNet(50), 3, 32, 32));
    }

    private static Arguments network(String name, Supplier<Block> block, int... shape) {
        return Arguments.of(name, block, shape);
    }

    private static Block resnet(int width) {
        return ResNet18.builder().setClasses(10).optWidth(width).build();
    }

    private static Block zooResNet(int layers) {
        return ResNetV1.builder()
                .setNumLayers(layers)
                .setOutSize(9)
                .setImageShape(new Shape(3, 32, 32))
                .build();
    }

    private static Shape batch(int size, int... shape) {
        long[] sizes = new long[shape.length + 1];
        sizes[0] = size;
        for (int i = 0; i < shape.length; i++) {
            sizes[i + 1] = shape[i];
        }
        return new Shape(sizes);
    }

    /**
     * Random weights, biases and statistics; then prunes weights at random, with whole filters and
     * channels among them, so that some channels are constant and some are not read.
     */
    private static Block pruned(Block block, NDManager manager, double sparsity, int... shape) {
        Engine.getInstance().setRandomSeed(7);
        block.initialize(manager, DataType.FLOAT32, batch(1, shape));
        Random random = new Random(11);
        for (Parameter parameter : block.getParameters().values()) {
            NDArray array = parameter.getArray();
            float[] numbers = array.toFloatArray();
            boolean isWeight = array.getShape().dimension() > 1;
            int filters = (int) array.getShape().get(0);
            int size = numbers.length / filters;
            for (int filter = 0; filter < filters; filter++) {
                boolean gone = random.nextDouble() < sparsity / 2;
                for (int i = 0; i < size; i++) {
                    int at = filter * size + i;
                    if (isWeight) {
                        boolean kept = !gone && random.nextDouble() >= sparsity;
                        numbers[at] = kept ? numbers[at] * 2 : 0;
                    } else if (parameter.getType() == Parameter.Type.RUNNING_VAR) {
                        numbers[at] = 0.5f + random.nextFloat();
                    } else {
                        numbers[at] += 0.3f * (random.nextFloat() - 0.5f);
                    }
                }
            }
            NDArray changed = manager.create(numbers, array.getShape());
            changed.copyTo(array);
            changed.close();
        }
        return block;
    }

    private static float[] forward(Block block, float[] images, Shape shape, NDManager manager) {
        NDList input = new NDList(manager.create(images, shape));
        return block.forward(new ParameterStore(manager, false), input, false)
                .singletonOrThrow()
                .toFloatArray();
    }

    private static float[] images(int count, int... shape) {
        Random random = new Random(3);
        float[] images = new float[count * Arrays.stream(shape).reduce(1, (a, b) -> a * b)];
        for (int i = 0; i < images.length; i++) {
            images[i] = (float) random.nextGaussian();
        }
        return images;
    }

    private static void assertClose(String name, float[] actual, float[] expected) {
        assertThat(actual).as(name).hasSameSizeAs(expected);
        float largest = 0;
        float difference = 0;
        for (int i = 0; i < expected.length; i++) {
            largest = Math.max(largest, Math.abs(expected[i]));
            difference = Math.max(difference, Math.abs(expected[i] - actual[i]));
        }
        assertThat(difference).as(name).isLessThanOrEqualTo(TOLERANCE * largest);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("networks")
    void outputsArePyTorchs(String name, Supplier<Block> supplier, int[] shape) {
        for (double sparsity : new double[] {0.5, 0.9}) {
            try (NDManager manager = NDManager.newBaseManager()) {
                Block block = pruned(supplier.get(), manager, sparsity, shape);
                TorchScriptGraph source =
                        TorchScriptExporter.builder().build().graph(block, batch(1, shape));
                int count = shape.length == 3 && shape[1] > 100 ? 1 : 3;
                float[] images = images(count, shape);
                float[] expected = forward(block, images, batch(count, shape), manager);
                try (Network network = Network.of(source, 1)) {
                    String what = name + " at " + sparsity;
                    assertClose(what, network.predict(images, count, shape), expected);
                }
            }
        }
    }

    @Test
    void batchesAreComputedWhateverTheirSizeAndTheThreads() {
        int[] shape = {3, 12, 10};
        try (NDManager manager = NDManager.newBaseManager()) {
            Block block = pruned(resnet(4), manager, 0.6, shape);
            TorchScriptGraph source =
                    TorchScriptExporter.builder().build().graph(block, batch(1, shape));
            try (Network one = Network.of(source, 1);
                    Network three = Network.of(source, 3)) {
                for (int count : new int[] {1, 2, 7, 8, 15, 16, 17, 33, 41}) {
                    float[] images = images(count, shape);
                    float[] outputs = one.predict(images, count, shape);
                    assertClose(
                            count + " images",
                            outputs,
                            forward(block, images, batch(count, shape), manager));
                    assertThat(three.predict(images, count, shape)).isEqualTo(outputs);
                }
                assertThat(one.predict(new float[0], 0, shape)).isEmpty();
            }
        }
    }

    @Test
    void aLayerWithoutWeightsLeavesAConstant() {
        int[] shape = {3, 12, 12};
        try (NDManager manager = NDManager.newBaseManager()) {
            for (String empty : List.of("layer3", "conv1", "linear", "layer")) {
                Block block = pruned(resnet(4), manager, 0.3, shape);
                block.getParameters()
                        .forEach(
                                pair -> {
                                    if (pair.getKey().contains(empty)
                                            && pair.getValue().getType() == Parameter.Type.WEIGHT) {
                                        pair.getValue().getArray().muli(0);
                                    }
                                });
                TorchScriptGraph source =
                        TorchScriptExporter.builder().build().graph(block, batch(1, shape));
                float[] images = images(9, shape);
                try (Network network = Network.of(source, 2)) {
                    assertClose(
                            empty,
                            network.predict(images, 9, shape),
                            forward(block, images, batch(9, shape), manager));
                }
            }
        }
    }

    @Test
    void undefinedNumbersComeOutAsInPyTorch() {
        int[] shape = {1, 28, 28};
        try (NDManager manager = NDManager.newBaseManager()) {
            Block block = pruned(LeNet5.builder().setClasses(10).build(), manager, 0, shape);
            TorchScriptGraph source =
                    TorchScriptExporter.builder().build().graph(block, batch(1, shape));
            try (Network network = Network.of(source, 1)) {
                for (float number :
                        new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY}) {
                    float[] images = images(2, shape);
                    images[300] = number;
                    float[] expected = forward(block, images, batch(2, shape), manager);
                    float[] actual = network.predict(images, 2);
                    for (int i = 0; i < expected.length; i++) {
                        assertThat(Float.isFinite(actual[i]))
                                .isEqualTo(Float.isFinite(expected[i]));
                        if (!Float.isFinite(expected[i])) {
                            assertThat(Float.valueOf(actual[i]))
                                    .isEqualTo(Float.valueOf(expected[i]));
                        }
                    }
                }
            }
        }
    }

    @Test
    void threadsPredictAtOnce() throws Exception {
        int[] shape = {3, 16, 16};
        try (NDManager manager = NDManager.newBaseManager()) {
            Block block = pruned(resnet(4), manager, 0.6, shape);
            Path file = folder.resolve("network.pt");
            TorchScriptExporter.builder()
                    .optCompression(Compression.SPARSE)
                    .optVerify(false)
                    .build()
                    .export(block, file, batch(1, shape));
            float[] images = images(40, shape);
            ExecutorService threads = Executors.newFixedThreadPool(4);
            try (Network network = Network.load(file, 2)) {
                float[] expected = network.predict(images, 40, shape);
                List<Callable<float[]>> tasks = new ArrayList<>();
                for (int i = 0; i < 24; i++) {
                    tasks.add(() -> network.predict(images, 40, shape));
                }
                for (Future<float[]> result : threads.invokeAll(tasks)) {
                    assertThat(result.get()).isEqualTo(expected);
                }
            } finally {
                threads.shutdown();
            }
        }
    }

    @Test
    void aWarmPredictionAllocatesItsResultOnly() {
        int[] shape = {3, 16, 16};
        try (NDManager manager = NDManager.newBaseManager()) {
            Block block = pruned(resnet(4), manager, 0.6, shape);
            TorchScriptGraph source =
                    TorchScriptExporter.builder().build().graph(block, batch(1, shape));
            ThreadMXBean memory = (ThreadMXBean) ManagementFactory.getThreadMXBean();
            try (Network network = Network.of(source, 1)) {
                float[] images = images(17, shape);
                for (int i = 0; i < 300; i++) {
                    network.predict(images, 17, shape);
                }
                long before = memory.getCurrentThreadAllocatedBytes();
                for (int i = 0; i < 10; i++) {
                    network.predict(images, 17, shape);
                }
                long taken = memory.getCurrentThreadAllocatedBytes() - before;
                // Ten arrays of 170 floats, and of arguments; vectors are on the heap until C2
                // has compiled what uses them.
                assertThat(taken).isLessThan(10 * (170 * 4 + 100) + 4096);
            }
        }
    }

    @Test
    void imagesOfAnotherShapeAreRefused() throws Exception {
        try (NDManager manager = NDManager.newBaseManager()) {
            Block block = pruned(resnet(2), manager, 0.5, 3, 16, 16);
            Path file = folder.resolve("network.pt");
            TorchScriptExporter.builder()
                    .optVerify(false)
                    .build()
                    .export(block, file, batch(1, 3, 16, 16));
            try (Network network = Network.load(file)) {
                assertThatThrownBy(() -> network.predict(new float[768], 1))
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessageStartingWith("The network takes images of any size");
                assertThatThrownBy(() -> network.predict(new float[767], 1, 3, 16, 16))
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessage("1 images of shape [3, 16, 16] have 768 numbers, not 767.");
                assertThatThrownBy(() -> network.predict(new float[256], 1, 1, 16, 16))
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessageContaining("(batch, 3, any, any), not [1, 16, 16]");
                assertThat(network.inputShape()).containsExactly(3, -1, -1);
                assertThat(network.outputShape(3, 16, 16)).containsExactly(10);
            }
        }
    }
}
