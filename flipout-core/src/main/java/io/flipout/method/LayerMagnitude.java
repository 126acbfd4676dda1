package io.flipout.method;

import io.flipout.criterion.Criterion;
import io.flipout.criterion.MagnitudeOverSpread;

/**
 * Magnitude pruning layer by layer: the weights with the lowest |θ| of each layer go, and what is
 * left is trained on.
 *
 * <p>Han, Pool, Tran and Dally, <a href="https://arxiv.org/abs/1506.02626">Learning both Weights
 * and Connections for Efficient Neural Networks</a>, 2015. Their rule prunes {@code |θ| < q·sd} of
 * each layer, q the quality and sd the standard deviation of the layer's weights alive; the
 * schedule is {@code Schedule.belowThreshold(q, unit, period, prunings)}, and no sparsity can be
 * aimed at. With {@code Allocation.perLayer()} and a schedule that counts, every layer keeps the
 * same share of its weights instead. With {@code Allocation.global()} the weights of all layers
 * compete by |θ|/sd: the one q that comes to just the number of weights asked for.
 *
 * <p>A training step costs the masking and nothing more.
 */
public final class LayerMagnitude implements PruningMethod {

    /** Creates the method. */
    public LayerMagnitude() {}

    /** {@inheritDoc} */
    @Override
    public String name() {
        return "layer-magnitude";
    }

    /** {@inheritDoc} */
    @Override
    public Criterion criterion() {
        return new MagnitudeOverSpread();
    }
}
