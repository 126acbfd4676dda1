package io.flipout.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.training.ParameterStore;
import com.sun.management.ThreadMXBean;
import io.flipout.djl.torchscript.Compression;
import io.flipout.djl.torchscript.TorchScriptExporter;
import io.flipout.djl.torchscript.TorchScriptGraph;
import io.flipout.models.LeNet5;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Networks as they are pruned, computed here and by PyTorch. */
class NetworkTest {

    /** By the largest output. */
    private static final float TOLERANCE = 1e-4f;

    @TempDir private Path folder;

    private static float[] forward(Block block, float[] images, Shape shape, NDManager manager) {
        NDList input = new NDList(manager.create(images, shape));
        return block.forward(new ParameterStore(manager, false), input, false)
                .singletonOrThrow()
                .toFloatArray();
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
    @MethodSource("io.flipout.inference.PrunedNetworks#all")
    void outputsArePyTorchs(String name, Supplier<Block> supplier, int[] shape) {
        for (double sparsity : new double[] {0.5, 0.9}) {
            try (NDManager manager = NDManager.newBaseManager()) {
                Block block = PrunedNetworks.pruned(supplier.get(), manager, sparsity, shape);
                TorchScriptGraph source =
                        TorchScriptExporter.builder()
                                .build()
                                .graph(block, PrunedNetworks.batch(1, shape));
                int count = shape.length == 3 && shape[1] > 100 ? 1 : 3;
                float[] images = PrunedNetworks.images(count, shape);
                float[] expected =
                        forward(block, images, PrunedNetworks.batch(count, shape), manager);
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
            Block block = PrunedNetworks.pruned(PrunedNetworks.resnet(4), manager, 0.6, shape);
            TorchScriptGraph source =
                    TorchScriptExporter.builder()
                            .build()
                            .graph(block, PrunedNetworks.batch(1, shape));
            try (Network one = Network.of(source, 1);
                    Network three = Network.of(source, 3)) {
                for (int count : new int[] {1, 2, 7, 8, 15, 16, 17, 33, 41}) {
                    float[] images = PrunedNetworks.images(count, shape);
                    float[] outputs = one.predict(images, count, shape);
                    assertClose(
                            count + " images",
                            outputs,
                            forward(block, images, PrunedNetworks.batch(count, shape), manager));
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
                Block block = PrunedNetworks.pruned(PrunedNetworks.resnet(4), manager, 0.3, shape);
                block.getParameters()
                        .forEach(
                                pair -> {
                                    if (pair.getKey().contains(empty)
                                            && pair.getValue().getType() == Parameter.Type.WEIGHT) {
                                        pair.getValue().getArray().muli(0);
                                    }
                                });
                TorchScriptGraph source =
                        TorchScriptExporter.builder()
                                .build()
                                .graph(block, PrunedNetworks.batch(1, shape));
                float[] images = PrunedNetworks.images(9, shape);
                try (Network network = Network.of(source, 2)) {
                    assertClose(
                            empty,
                            network.predict(images, 9, shape),
                            forward(block, images, PrunedNetworks.batch(9, shape), manager));
                }
            }
        }
    }

    @Test
    void undefinedNumbersComeOutAsInPyTorch() {
        int[] shape = {1, 28, 28};
        try (NDManager manager = NDManager.newBaseManager()) {
            Block block =
                    PrunedNetworks.pruned(
                            LeNet5.builder().setClasses(10).build(), manager, 0, shape);
            TorchScriptGraph source =
                    TorchScriptExporter.builder()
                            .build()
                            .graph(block, PrunedNetworks.batch(1, shape));
            try (Network network = Network.of(source, 1)) {
                for (float number :
                        new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY}) {
                    float[] images = PrunedNetworks.images(2, shape);
                    images[300] = number;
                    float[] expected =
                            forward(block, images, PrunedNetworks.batch(2, shape), manager);
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
            Block block = PrunedNetworks.pruned(PrunedNetworks.resnet(4), manager, 0.6, shape);
            Path file = folder.resolve("network.pt");
            TorchScriptExporter.builder()
                    .optCompression(Compression.SPARSE)
                    .optVerify(false)
                    .build()
                    .export(block, file, PrunedNetworks.batch(1, shape));
            float[] images = PrunedNetworks.images(40, shape);
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
            Block block = PrunedNetworks.pruned(PrunedNetworks.resnet(4), manager, 0.6, shape);
            TorchScriptGraph source =
                    TorchScriptExporter.builder()
                            .build()
                            .graph(block, PrunedNetworks.batch(1, shape));
            ThreadMXBean memory = (ThreadMXBean) ManagementFactory.getThreadMXBean();
            try (Network network = Network.of(source, 1)) {
                float[] images = PrunedNetworks.images(17, shape);
                // Ten arrays of 170 floats, and of arguments; vectors are on the heap until C2 has
                // compiled what uses them, which on a busy machine takes its time.
                long bound = 10 * (170 * 4 + 100) + 4096;
                long taken = Long.MAX_VALUE;
                long end = System.nanoTime() + TimeUnit.MINUTES.toNanos(1);
                while (taken >= bound && System.nanoTime() < end) {
                    for (int i = 0; i < 300; i++) {
                        network.predict(images, 17, shape);
                    }
                    long before = memory.getCurrentThreadAllocatedBytes();
                    for (int i = 0; i < 10; i++) {
                        network.predict(images, 17, shape);
                    }
                    taken = memory.getCurrentThreadAllocatedBytes() - before;
                }
                assertThat(taken).isLessThan(bound);
            }
        }
    }

    @Test
    void imagesOfAnotherShapeAreRefused() throws Exception {
        try (NDManager manager = NDManager.newBaseManager()) {
            Block block = PrunedNetworks.pruned(PrunedNetworks.resnet(2), manager, 0.5, 3, 16, 16);
            Path file = folder.resolve("network.pt");
            TorchScriptExporter.builder()
                    .optVerify(false)
                    .build()
                    .export(block, file, PrunedNetworks.batch(1, 3, 16, 16));
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
