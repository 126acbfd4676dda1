package io.flipout.criterion;

/** Scores the weights of a tensor; the lowest are pruned first. */
@FunctionalInterface
public interface Criterion {

    /**
     * Scores one tensor.
     *
     * @param tensor the tensor at a pruning event
     * @return a score for every weight in row-major order; the scores of pruned weights are
     *     ignored, those of weights alive must not be NaN
     */
    double[] score(TensorView tensor);
}
