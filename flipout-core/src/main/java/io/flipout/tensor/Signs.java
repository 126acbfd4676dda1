package io.flipout.tensor;

/** Signs of weights in the host's memory: −1, 0 or 1. */
public final class Signs {

    private Signs() {}

    /**
     * Returns the sign of a weight.
     *
     * @param weight the weight
     * @return −1, 0 or 1; NaN has the sign that its bits have
     */
    public static byte of(float weight) {
        // Without a branch: the sign bit tells −1 from 1, the other bits 0.
        int bits = Float.floatToRawIntBits(weight);
        int magnitude = bits << 1;
        int isNonZero = (magnitude | -magnitude) >> 31;
        return (byte) (((bits >> 31) | 1) & isNonZero);
    }

    /**
     * Writes down the signs of weights.
     *
     * @param weights the weights
     * @param size how many
     * @param signs takes the signs, of the whole tensor
     * @param from the position of the first weight in the tensor
     */
    public static void look(float[] weights, int size, byte[] signs, int from) {
        StepLoops.best(size).signs(weights, size, signs, from);
    }

    /**
     * Forgets the counts of weights that are pruned.
     *
     * @param flips the counts
     * @param alive 1 for each weight alive, 0 for each pruned
     * @param from the first position
     * @param to the position after the last
     */
    public static void forget(int[] flips, byte[] alive, int from, int to) {
        StepLoops.best(to - from).mask(flips, alive, from, to);
    }

    /**
     * Counts which weights have another sign than before.
     *
     * @param weights the weights now
     * @param size how many
     * @param signs the signs before, of the whole tensor; takes those of now
     * @param flips the counts, of the whole tensor
     * @param from the position of the first weight in the tensor
     */
    public static void countFlips(float[] weights, int size, byte[] signs, int[] flips, int from) {
        StepLoops.best(size).countFlips(weights, size, signs, flips, from);
    }
}
