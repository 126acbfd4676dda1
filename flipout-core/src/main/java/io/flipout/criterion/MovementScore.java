package io.flipout.criterion;

import io.flipout.signal.Movement;
import io.flipout.tensor.Chunks;

/** Scores a weight by how far training moved it away from 0, {@code S = −Σ g·θ}. */
public final class MovementScore implements Criterion {

    /** Creates the criterion. */
    public MovementScore() {}

    /** {@inheritDoc} */
    @Override
    public double[] score(TensorView tensor) {
        float[] sums = tensor.watch(Movement.Scores.class).values();
        double[] scores = new double[sums.length];
        Chunks.forEach(
                scores.length,
                (chunk, from, to) -> {
                    for (int i = from; i < to; i++) {
                        scores[i] = sums[i];
                    }
                });
        return scores;
    }
}
