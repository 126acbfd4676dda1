package io.flipout.method;

import io.flipout.criterion.Criterion;
import io.flipout.criterion.Magnitude;

/**
 * Gradual magnitude pruning: the weights with the lowest |θ| go, little by little while the network
 * trains, fast at first and ever slower along a cubic.
 *
 * <p>Zhu and Gupta, <a href="https://arxiv.org/abs/1710.01878">To prune, or not to prune: exploring
 * the efficacy of pruning for model compression</a>, 2017. The schedule is {@code
 * Schedule.cubic(sparsity).between(unit, begin, end, period)}, in the paper every 100 to 1,000
 * steps, and the allocation {@code Allocation.perLayer()}: each layer has the same sparsity.
 *
 * <p>A training step costs the masking and nothing more.
 */
public final class GradualMagnitude implements PruningMethod {

    /** Creates the method. */
    public GradualMagnitude() {}

    /** {@inheritDoc} */
    @Override
    public String name() {
        return "gmp";
    }

    /** {@inheritDoc} */
    @Override
    public Criterion criterion() {
        return new Magnitude();
    }
}
