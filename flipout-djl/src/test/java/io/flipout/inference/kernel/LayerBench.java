package io.flipout.inference.kernel;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.convolutional.Conv2d;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/**
 * Times each shape of layer of ResNet-18 and VGG-19 at each sparsity beside LibTorch's dense
 * convolution, interleaved in one process on one thread: prints ratios of medians.
 *
 * <p>Arguments: images (1), a part of the shape's name (all).
 */
public final class LayerBench {

    private static final double[] SPARSITIES = {0, 0.8, 0.9, 0.95, 0.99, 0.999};

    /** Channels, filters, input size, kernel, stride. */
    private static final int[][] SHAPES = {
        {3, 64, 32, 3, 1},
        {64, 64, 32, 3, 1},
        {64, 128, 32, 3, 2},
        {64, 128, 32, 1, 2},
        {128, 128, 16, 3, 1},
        {128, 256, 16, 3, 2},
        {128, 256, 16, 1, 2},
        {256, 256, 8, 3, 1},
        {256, 512, 8, 3, 2},
        {256, 512, 8, 1, 2},
        {512, 512, 4, 3, 1},
        {64, 128, 16, 3, 1},
        {128, 256, 8, 3, 1},
        {256, 512, 4, 3, 1},
        {512, 512, 2, 3, 1},
    };

    private LayerBench() {}

    public static void main(String[] args) {
        int images = args.length > 0 ? Integer.parseInt(args[0]) : 1;
        String only = args.length > 1 ? args[1] : "";
        double budget = Double.parseDouble(System.getProperty("budget", "0.25"));
        try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
            ai.djl.pytorch.jni.JniUtils.setGradMode(false);
            ai.djl.pytorch.jni.JniUtils.setNumThreads(1);
            for (int[] shape : SHAPES) {
                String name =
                        String.format(
                                "%d→%d %d² k%d s%d",
                                shape[0], shape[1], shape[2], shape[3], shape[4]);
                if (name.contains(only)) {
                    layer(manager, images, shape, name, budget);
                }
            }
        }
    }

    private static void layer(
            NDManager manager, int images, int[] shape, String name, double budget) {
        Random random = new Random(1);
        int kernel = shape[3];
        int padding = kernel / 2;
        int size = shape[2];
        float[] weights = new float[shape[1] * shape[0] * kernel * kernel];
        for (int i = 0; i < weights.length; i++) {
            weights[i] = (float) random.nextGaussian();
        }
        float[] input = new float[images * shape[0] * size * size];
        for (int i = 0; i < input.length; i++) {
            input[i] = (float) random.nextGaussian();
        }
        List<Runnable> ours = new ArrayList<>();
        for (double sparsity : SPARSITIES) {
            ours.add(ours(images, shape, weights, input, sparsity));
        }
        NDArray x = manager.create(input, new Shape(images, shape[0], size, size));
        NDArray w = manager.create(weights, new Shape(shape[1], shape[0], kernel, kernel));
        Shape stride = new Shape(shape[4], shape[4]);
        Shape pad = new Shape(padding, padding);
        Runnable torch =
                () -> {
                    Conv2d.conv2d(x, w, null, stride, pad, new Shape(1, 1), 1).close();
                };
        List<Runnable> all = new ArrayList<>(ours);
        all.add(torch);
        double[] medians = interleaved(all, budget);
        StringBuilder line =
                new StringBuilder(
                        String.format(
                                "%-20s x%d torch %8.1f us |",
                                name, images, medians[ours.size()] * 1e6));
        for (int i = 0; i < ours.size(); i++) {
            line.append(
                    String.format(
                            " %5.1f%%: %7.1f us %6.2fx |",
                            SPARSITIES[i] * 100,
                            medians[i] * 1e6,
                            medians[ours.size()] / medians[i]));
        }
        System.out.println(line);
    }

    private static Runnable ours(
            int images, int[] shape, float[] weights, float[] input, double sparsity) {
        Random random = new Random(2);
        float[] kept = weights.clone();
        for (int i = 0; i < kept.length; i++) {
            if (random.nextDouble() < sparsity) {
                kept[i] = 0;
            }
        }
        int kernel = shape[3];
        int size = shape[2];
        int padding = kernel / 2;
        Convolution convolution =
                Convolution.builder()
                        .setFilters(Filters.dense(kept, shape[1]))
                        .setKernel(kernel, kernel)
                        .optPadding(padding, padding)
                        .optStride(shape[4], shape[4])
                        .optBias(new float[shape[1]])
                        .optActivation(Activation.RELU)
                        .build();
        int lanes = Integer.getInteger("lanes", 1);
        Planes in = Planes.of(images, shape[0], size, size).withBorder(1).withLanes(lanes).at(12);
        int outSize = convolution.outputHeight(size);
        Planes out =
                Planes.of(images, shape[1], outSize, outSize)
                        .withBorder(1)
                        .withLanes(lanes)
                        .at((in.offset() + in.size() + 15) / 16 * 16 + 12);
        int scratch = (out.offset() + out.size() + 15) / 16 * 16 + 12;
        float[] arena = new float[scratch + convolution.scratch(in, out)];
        in.load(input, 0, arena);
        Kernel[] kernels = convolution.plan(in, out, null, scratch).toArray(new Kernel[0]);
        return () -> {
            for (Kernel one : kernels) {
                one.run(arena, 0, one.units());
            }
        };
    }

    /** Medians in seconds of runs by turns, each batch of runs long enough to be timed. */
    static double[] interleaved(List<Runnable> runs, double budget) {
        int n = runs.size();
        int[] repeats = new int[n];
        for (int i = 0; i < n; i++) {
            long start = System.nanoTime();
            int count = 0;
            while (System.nanoTime() - start < budget * 1e9 || count < 20) {
                runs.get(i).run();
                count++;
            }
            double each = (System.nanoTime() - start) / 1e9 / count;
            repeats[i] = (int) Math.max(1, 5e-4 / each);
        }
        int rounds = 31;
        double[][] times = new double[n][rounds];
        for (int round = 0; round < rounds; round++) {
            for (int i = 0; i < n; i++) {
                runs.get(i).run();
                long start = System.nanoTime();
                for (int k = 0; k < repeats[i]; k++) {
                    runs.get(i).run();
                }
                times[i][round] = (System.nanoTime() - start) / 1e9 / repeats[i];
            }
        }
        double[] medians = new double[n];
        for (int i = 0; i < n; i++) {
            Arrays.sort(times[i]);
            medians[i] = times[i][rounds / 4];
        }
        return medians;
    }
}
