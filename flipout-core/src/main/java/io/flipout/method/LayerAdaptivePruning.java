package io.flipout.method;

import io.flipout.criterion.Criterion;
import io.flipout.criterion.LayerAdaptive;

/**
 * LAMP, layer-adaptive magnitude-based pruning: the weights with the lowest θ² / Σθ² go, the sum
 * over those of the same tensor that are as large or larger, ranked over all tensors together.
 *
 * <p>Lee, Park, Mo, Ahn and Shin, <a href="https://arxiv.org/abs/2010.07611">Layer-adaptive
 * sparsity for the Magnitude-based Pruning</a>, 2021. Any schedule will do. The authors' code
 * reckons a number of weights for each layer by a threshold, which ties may miss; here the number
 * is exact.
 *
 * <p>A training step costs the masking and nothing more, a pruning a sort of each tensor.
 */
public final class LayerAdaptivePruning implements PruningMethod {

    /** Creates the method. */
    public LayerAdaptivePruning() {}

    /** {@inheritDoc} */
    @Override
    public String name() {
        return "lamp";
    }

    /** {@inheritDoc} */
    @Override
    public Criterion criterion() {
        return LayerAdaptive.magnitude();
    }
}
