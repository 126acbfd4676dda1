package io.flipout.cli.bench;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import io.flipout.mask.BlockPaths;
import io.flipout.tensor.Transfers;
import java.util.SplittableRandom;

/** Makes a network that was never trained look like one that was pruned. */
final class RandomPruning {

    private static final long SEED = 1;

    private RandomPruning() {}

    /**
     * Removes the same share of every layer's weights, at random, to the weight, and gives batch
     * norm such numbers as training does.
     */
    static void apply(Block block, double sparsity) {
        SplittableRandom random = new SplittableRandom(SEED);
        for (Parameter parameter : BlockPaths.parameters(block).values()) {
            NDArray array = parameter.getArray();
            float[] values = Transfers.floats(array);
            switch (parameter.getType()) {
                case WEIGHT -> {
                    if (array.getShape().dimension() >= 2) {
                        prune(values, Math.round(values.length * sparsity), random);
                        scale(values, 1 / Math.sqrt(1 - sparsity));
                    }
                }
                case GAMMA, RUNNING_VAR -> fill(values, .5, 1.5, random);
                case BETA, RUNNING_MEAN -> fill(values, -.2, .2, random);
                default -> {}
            }
            set(array, values);
        }
    }

    /** Sets an array; PyTorch warns of the way in which DJL sets arrays to numbers of Java. */
    static void set(NDArray array, float[] values) {
        try (NDArray copy = array.getManager().create(values, array.getShape())) {
            array.set(new NDIndex("..."), copy);
        }
    }

    /** Of those that are left to look at, each is removed with the share that is left to remove. */
    private static void prune(float[] values, long count, SplittableRandom random) {
        long left = count;
        for (int i = 0; i < values.length; i++) {
            if (random.nextLong(values.length - i) < left) {
                values[i] = 0;
                left--;
            }
        }
    }

    /** What is left must carry as much as all did, or nothing but biases reaches the output. */
    private static void scale(float[] values, double factor) {
        for (int i = 0; i < values.length; i++) {
            values[i] *= (float) factor;
        }
    }

    private static void fill(float[] values, double low, double high, SplittableRandom random) {
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextDouble(low, high);
        }
    }
}
