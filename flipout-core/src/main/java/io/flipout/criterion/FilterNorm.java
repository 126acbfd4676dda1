package io.flipout.criterion;

import java.util.Arrays;

/**
 * Scores every weight by the L1 norm of its filter, {@code s = Σ|w|} over the filter's weights
 * alive: a convolution's filter, or a neuron of a linear layer, is what makes one output.
 */
public final class FilterNorm implements Criterion {

    /** Creates the criterion. */
    public FilterNorm() {}

    /** {@inheritDoc} */
    @Override
    public double[] score(TensorView tensor) {
        float[] weights = tensor.weights(); // 0 where pruned.
        double[] scores = new double[weights.length];
        int size = weights.length / Math.toIntExact(tensor.info().shape().get(0));
        for (int from = 0; from < scores.length; from += size) {
            double norm = 0;
            for (int i = from; i < from + size; i++) {
                norm += Math.abs(weights[i]);
            }
            Arrays.fill(scores, from, from + size, norm);
        }
        return scores;
    }
}
