package io.flipout.criterion;

import io.flipout.mask.Connections;
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
        Connections connections = tensor.info().connections();
        double[] norms = new double[connections.outputs()];
        for (int i = 0; i < weights.length; i++) {
            norms[connections.output(i)] += Math.abs(weights[i]);
        }
        double[] scores = new double[weights.length];
        Arrays.setAll(scores, i -> norms[connections.output(i)]);
        return scores;
    }
}
