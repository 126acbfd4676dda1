package io.flipout.criterion;

import io.flipout.signal.ConnectionGradient;
import io.flipout.tensor.Chunks;

/**
 * Connection sensitivity: {@code s = |θ·g|}, how much the loss would change if a factor before the
 * weight began to move from 1, g the gradient of the loss.
 *
 * <p>Lee et al. divide by the sum of all s, which changes no order and is left out.
 */
public final class Sensitivity implements Criterion {

    /** Creates the criterion. */
    public Sensitivity() {}

    /** {@inheritDoc} */
    @Override
    public double[] score(TensorView tensor) {
        float[] gradient = tensor.watch(ConnectionGradient.Sum.class).values();
        double[] scores = new double[gradient.length];
        Chunks.forEach(
                scores.length,
                (chunk, from, to) -> {
                    for (int i = from; i < to; i++) {
                        scores[i] = Math.abs(gradient[i]);
                    }
                });
        return scores;
    }
}
