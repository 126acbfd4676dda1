package io.flipout.adjustment;

import io.flipout.criterion.TensorView;

/**
 * Moves the weights that stay when others go, so that they make up for them. It is asked once at
 * each pruning, of every tensor that is pruned, and all devices take what it says; what the
 * optimizer keeps of the weights stays as it is.
 */
@FunctionalInterface
public interface Adjustment {

    /**
     * Returns the weights after a pruning.
     *
     * @param tensor the tensor: its weights as they were before, and the mask of those that stay
     * @return a new array of all weights in row-major order, of which those of weights that are
     *     pruned are not looked at
     */
    float[] adjust(TensorView tensor);
}
