package io.flipout.criterion;

import io.flipout.tensor.Chunks;

/** Scores a weight by its magnitude, |θ|. */
public final class Magnitude implements Criterion {

    /** Creates the criterion. */
    public Magnitude() {}

    /** {@inheritDoc} */
    @Override
    public double[] score(TensorView tensor) {
        float[] weights = tensor.weights();
        double[] scores = new double[weights.length];
        Chunks.forEach(
                weights.length,
                (chunk, from, to) -> {
                    for (int i = from; i < to; i++) {
                        scores[i] = Math.abs(weights[i]);
                    }
                });
        return scores;
    }
}
