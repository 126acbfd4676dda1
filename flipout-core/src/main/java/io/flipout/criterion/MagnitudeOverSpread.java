package io.flipout.criterion;

import io.flipout.mask.Mask;
import io.flipout.tensor.Chunks;

/**
 * Magnitude measured by its layer: {@code τ = |θ| / sd}, sd the standard deviation of the layer's
 * weights alive, with their number as the denominator.
 *
 * <p>Within a layer it ranks as the magnitude does. The largest weight of a layer scores at least
 * 1, so that a threshold of up to 1 never empties it. Where all weights are equal, sd = 0, and none
 * is below any threshold: τ = ∞.
 */
public final class MagnitudeOverSpread implements Criterion {

    /** Creates the criterion. */
    public MagnitudeOverSpread() {}

    /** {@inheritDoc} */
    @Override
    public double[] score(TensorView tensor) {
        float[] weights = tensor.weights();
        double deviation = deviation(weights, tensor.mask());
        double[] scores = new double[weights.length];
        Chunks.forEach(
                weights.length,
                (chunk, from, to) -> {
                    for (int i = from; i < to; i++) {
                        // 0 divided by a deviation of 0 is no number.
                        scores[i] =
                                deviation == 0
                                        ? Double.POSITIVE_INFINITY
                                        : Math.abs(weights[i]) / deviation;
                    }
                });
        return scores;
    }

    /** One sum after the other, so that threads change nothing. */
    private static double deviation(float[] weights, Mask mask) {
        double sum = 0;
        for (int i = 0; i < weights.length; i++) {
            sum += mask.isAlive(i) ? weights[i] : 0;
        }
        double mean = sum / mask.remaining();
        double squares = 0;
        for (int i = 0; i < weights.length; i++) {
            double off = mask.isAlive(i) ? weights[i] - mean : 0;
            squares += off * off;
        }
        return Math.sqrt(squares / mask.remaining());
    }
}
