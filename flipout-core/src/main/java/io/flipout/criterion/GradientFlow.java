package io.flipout.criterion;

import io.flipout.signal.ConnectionGradient;
import io.flipout.tensor.Chunks;

/**
 * How much of the gradient's norm goes with a weight, to first order: {@code s = θ·v}, v the
 * product H·g that the signal was shown. Weights of the lowest s go first: without them the squared
 * norm of the gradient grows most, or falls least.
 */
public final class GradientFlow implements Criterion {

    /** Creates the criterion. */
    public GradientFlow() {}

    /** {@inheritDoc} */
    @Override
    public double[] score(TensorView tensor) {
        float[] products = tensor.watch(ConnectionGradient.Sum.class).values();
        double[] scores = new double[products.length];
        Chunks.forEach(
                scores.length,
                (chunk, from, to) -> {
                    for (int i = from; i < to; i++) {
                        scores[i] = products[i];
                    }
                });
        return scores;
    }
}
