package io.flipout.criterion;

import io.flipout.signal.DiagonalFisher;
import io.flipout.tensor.Chunks;

/**
 * The damage of pruning a weight alone, to second order at a minimum of the loss: {@code s =
 * θ²·F/2}, the diagonal F of the Fisher information in the place of the Hessian's.
 */
public final class DiagonalDamage implements Criterion {

    /** Creates the criterion. */
    public DiagonalDamage() {}

    /** {@inheritDoc} */
    @Override
    public double[] score(TensorView tensor) {
        float[] weights = tensor.weights();
        DiagonalFisher.Squares fisher = tensor.watch(DiagonalFisher.Squares.class);
        float[] squares = fisher.values();
        double half = 0.5 / fisher.count();
        double[] scores = new double[weights.length];
        Chunks.forEach(
                weights.length,
                (chunk, from, to) -> {
                    for (int i = from; i < to; i++) {
                        double weight = weights[i];
                        scores[i] = weight * weight * squares[i] * half;
                    }
                });
        return scores;
    }
}
