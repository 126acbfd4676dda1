package io.flipout.report;

import ai.djl.ndarray.types.Shape;

/**
 * What is left of one prunable tensor.
 *
 * @param name its block path
 * @param shape its shape: (out, in) of a linear layer, (out, in per group, height, width) of a
 *     convolution, (in, out per group, height, width) of a transposed one
 * @param weights the number of weights
 * @param remaining the number of weights alive
 * @param deadInputs input channels from which no weight alive leads on
 * @param deadOutputs output channels to which no weight alive leads
 * @param multiplyAdds multiply–adds of one forward pass of one sample through the dense tensor; -1
 *     where the block does not tell its shapes
 * @param remainingMultiplyAdds those of the weights alive; -1 where unknown
 */
public record LayerReport(
        String name,
        Shape shape,
        long weights,
        long remaining,
        long deadInputs,
        long deadOutputs,
        long multiplyAdds,
        long remainingMultiplyAdds) {

    /**
     * Returns the share of the weights that is pruned.
     *
     * @return the sparsity, 0 to 1
     */
    public double sparsity() {
        return 1 - (double) remaining / weights;
    }
}
