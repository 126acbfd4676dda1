package io.flipout.criterion;

import io.flipout.signal.LastValues;
import io.flipout.tensor.Chunks;
import java.util.List;

/**
 * Magnitude and uncertainty: {@code τ = |θ| / (λ + sd)}, sd the standard deviation of the last n
 * values of a weight, with a denominator of n − 1.
 *
 * <p>With λ = 0 it is the Wald statistic of the hypothesis θ = 0. A weight that did not move then
 * has τ = ∞ and goes last, but one that lies still at 0 has τ = 0.
 *
 * @param lambda λ, at least 0: the larger, the more the magnitude alone decides
 */
public record MagnitudeOverDeviation(double lambda) implements Criterion {

    /**
     * Creates the criterion.
     *
     * @throws IllegalArgumentException if λ is not a number of at least 0
     */
    public MagnitudeOverDeviation {
        if (!(lambda >= 0 && Double.isFinite(lambda))) {
            throw new IllegalArgumentException(
                    "The λ added to the deviation must be a number of at least 0, got " + lambda);
        }
    }

    /** {@inheritDoc} */
    @Override
    public double[] score(TensorView tensor) {
        float[] weights = tensor.weights();
        List<float[]> records = tensor.watch(LastValues.Values.class).values();
        double[] scores = new double[weights.length];
        Chunks.forEach(
                weights.length,
                (chunk, from, to) -> {
                    for (int i = from; i < to; i++) {
                        // 0 divided by a deviation of 0 is no number.
                        scores[i] =
                                weights[i] == 0
                                        ? 0
                                        : Math.abs(weights[i]) / (lambda + deviation(records, i));
                    }
                });
        return scores;
    }

    private static double deviation(List<float[]> records, int index) {
        double sum = 0;
        for (float[] values : records) {
            sum += values[index];
        }
        double mean = sum / records.size();
        double squares = 0;
        for (float[] values : records) {
            double off = values[index] - mean;
            squares += off * off;
        }
        return Math.sqrt(squares / (records.size() - 1));
    }
}
