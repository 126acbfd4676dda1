package io.flipout.criterion;

import io.flipout.signal.SignFlips;
import io.flipout.tensor.Chunks;

/**
 * FlipOut's saliency (Eq. 1a): {@code τ = |θ|^p / (f + 1)}, f the number of sign flips so far.
 *
 * <p>The paper divides by f, which is undefined for a weight that never flipped. With an offset of
 * 1, as in the authors' code and by default here, it is |θ|^p. With an offset of 0 such weights
 * rank after all others, as τ = ∞ asks, and among each other by |θ|.
 *
 * @param p the power of the magnitude, at least 0; at 0 the flips alone decide
 * @param offset what is added to the flips, 1 or 0
 */
public record FlipSaliency(double p, int offset) implements Criterion {

    /** Stands for τ = ∞: above |θ|^6 of any weight under 2^66. */
    private static final double NEVER_FLIPPED = 0x1p400;

    /** Spreads |θ| over the room above, from the smallest float on. */
    private static final double SPREAD = 0x1p600;

    /**
     * Creates the criterion.
     *
     * @throws IllegalArgumentException if p is negative, NaN or above 6 (|θ|^p would leave the
     *     range of a double), or the offset is neither 0 nor 1
     */
    public FlipSaliency {
        if (!(p >= 0 && p <= 6)) {
            throw new IllegalArgumentException("The power p must lie in [0, 6], got " + p);
        }
        if (offset != 0 && offset != 1) {
            throw new IllegalArgumentException("The flip offset must be 0 or 1, got " + offset);
        }
    }

    /** {@inheritDoc} */
    @Override
    public double[] score(TensorView tensor) {
        float[] weights = tensor.weights();
        int[] flips = tensor.watch(SignFlips.Counts.class).flips();
        double[] scores = new double[weights.length];
        Chunks.forEach(
                weights.length,
                (chunk, from, to) -> {
                    for (int i = from; i < to; i++) {
                        double magnitude = Math.abs(weights[i]);
                        int divisor = flips[i] + offset;
                        scores[i] =
                                divisor == 0
                                        ? NEVER_FLIPPED + magnitude * SPREAD
                                        : power(magnitude) / divisor;
                    }
                });
        return scores;
    }

    private double power(double magnitude) {
        if (p == 2) {
            return magnitude * magnitude;
        }
        return p == 1 ? magnitude : Math.pow(magnitude, p);
    }
}
