package io.flipout.criterion;

import io.flipout.mask.Mask;
import io.flipout.tensor.Chunks;
import java.util.Arrays;
import java.util.Comparator;

/**
 * Layer-adaptive saliency: {@code s / Σ s}, the sum over the weights alive of the same tensor whose
 * saliency is as large or larger, its own included.
 *
 * <p>Within a tensor it ranks as the saliency does. The highest of every tensor scores 1, so that
 * ranked globally none empties before all others are down to one weight. Of equal weights that at
 * the lowest position counts as the smallest. The sums are taken in double from the highest on; it
 * takes a sort of the tensor.
 *
 * <p>Lee, Park, Mo, Ahn and Shin, <a href="https://arxiv.org/abs/2010.07611">Layer-adaptive
 * sparsity for the Magnitude-based Pruning</a>, 2021, have it of θ².
 *
 * @param saliency what ranks the weights of one tensor, by scores of at least 0
 */
public record LayerAdaptive(Criterion saliency) implements Criterion {

    /** Bits of a score that a sort key has room for, beside the position; without the sign. */
    private static final int KEY_BITS = 32;

    private static final int POSITION_BITS = 31;
    private static final long POSITION = (1L << POSITION_BITS) - 1;

    /** As many scores that agree in a key's bits are put in order by insertion. */
    private static final int FEW = 32;

    /**
     * Creates the criterion of the paper.
     *
     * @return θ² / Σ θ²
     */
    public static LayerAdaptive magnitude() {
        return new LayerAdaptive(LayerAdaptive::squares);
    }

    private static double[] squares(TensorView tensor) {
        float[] weights = tensor.weights();
        double[] squares = new double[weights.length];
        Chunks.forEach(
                weights.length,
                (chunk, from, to) -> {
                    for (int i = from; i < to; i++) {
                        squares[i] = (double) weights[i] * weights[i];
                    }
                });
        return squares;
    }

    /** {@inheritDoc} */
    @Override
    public double[] score(TensorView tensor) {
        double[] saliencies = saliency.score(tensor);
        long[] order = order(saliencies, tensor.mask());
        double[] scores = new double[saliencies.length];
        double sum = 0;
        for (int rank = order.length - 1; rank >= 0; rank--) {
            int position = (int) (order[rank] & POSITION);
            sum += saliencies[position];
            scores[position] = sum == 0 ? 0 : saliencies[position] / sum; // All 0: no number.
        }
        return scores;
    }

    /** Returns the weights alive in ascending order of their scores, then of their positions. */
    private static long[] order(double[] scores, Mask mask) {
        long[] order = new long[mask.remaining()];
        for (int i = 0, next = 0; next < order.length; i++) {
            if (mask.isAlive(i)) {
                // Numbers of at least 0 are ordered as their bits are.
                long bits = Double.doubleToRawLongBits(scores[i] + 0.0);
                order[next++] = bits >>> (Long.SIZE - 1 - KEY_BITS) << POSITION_BITS | i;
            }
        }
        Arrays.parallelSort(order);
        for (int from = 0, to; from < order.length; from = to) {
            long key = order[from] >>> POSITION_BITS;
            to = from + 1;
            while (to < order.length && order[to] >>> POSITION_BITS == key) {
                to++;
            }
            settle(order, from, to, scores);
        }
        return order;
    }

    /** Orders scores that differ in less than a key holds; equal ones are in order by position. */
    private static void settle(long[] order, int from, int to, double[] scores) {
        if (to - from <= FEW) {
            for (int i = from + 1; i < to; i++) {
                long moved = order[i];
                double score = scores[(int) (moved & POSITION)];
                int j = i;
                for (; j > from && scores[(int) (order[j - 1] & POSITION)] > score; j--) {
                    order[j] = order[j - 1];
                }
                order[j] = moved;
            }
        } else {
            Comparator<Long> byScore =
                    Comparator.comparingDouble(key -> scores[(int) (key & POSITION)]);
            long[] sorted =
                    Arrays.stream(order, from, to)
                            .boxed()
                            .sorted(byScore)
                            .mapToLong(Long::longValue)
                            .toArray();
            System.arraycopy(sorted, 0, order, from, sorted.length);
        }
    }
}
