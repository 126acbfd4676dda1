package io.flipout.criterion;

import io.flipout.mask.Mask;
import java.util.Arrays;

/**
 * Layer-adaptive magnitude: {@code s = θ² / Σ θ²}, the sum over the weights alive of the same
 * tensor that are as large or larger, itself included.
 *
 * <p>Within a tensor it ranks as the magnitude does. The largest weight of every tensor scores 1,
 * so that ranked globally none empties before all others are down to one weight. Of equal weights
 * that at the lowest position counts as the smallest. The sums are taken in double from the largest
 * weight on; it takes a sort of the tensor.
 */
public final class LayerAdaptiveMagnitude implements Criterion {

    /** Creates the criterion. */
    public LayerAdaptiveMagnitude() {}

    /** {@inheritDoc} */
    @Override
    public double[] score(TensorView tensor) {
        float[] weights = tensor.weights();
        long[] order = order(weights, tensor.mask());
        double[] scores = new double[weights.length];
        double sum = 0;
        for (int rank = order.length - 1; rank >= 0; rank--) {
            int index = (int) order[rank];
            double square = (double) weights[index] * weights[index];
            sum += square;
            scores[index] = sum == 0 ? 0 : square / sum; // Where all are 0, no number.
        }
        return scores;
    }

    /**
     * Returns the weights alive in ascending order: their magnitude's bits, then their position.
     */
    private static long[] order(float[] weights, Mask mask) {
        long[] order = new long[mask.remaining()];
        for (int i = 0, next = 0; next < order.length; i++) {
            if (mask.isAlive(i)) {
                order[next++] = (long) Float.floatToRawIntBits(Math.abs(weights[i])) << 32 | i;
            }
        }
        Arrays.parallelSort(order);
        return order;
    }
}
