package io.flipout.method;

import io.flipout.criterion.Criterion;
import io.flipout.criterion.FilterNorm;

/**
 * Filter pruning: whole filters of convolutions go, those with the lowest L1 norm Σ|w|, and whole
 * neurons of linear layers.
 *
 * <p>Li, Kadav, Durdanovic, Samet and Graf, <a href="https://arxiv.org/abs/1608.08710">Pruning
 * Filters for Efficient ConvNets</a>, 2017. It wants {@code Allocation.perFilter()}, which removes
 * nothing but whole filters, and the same share of each layer's. Any schedule will do; the paper
 * prunes a trained network once, {@code Schedule.oneShot(sparsity, unit, at)}, and fine-tunes it.
 * Of residual blocks it prunes the first convolution only, which is for the selector of weights to
 * say.
 *
 * <p>A filter is what makes one output, along whichever axis that lies: of a transposed convolution
 * it is (in, 1, height, width). Output layers keep all of them, as do embeddings and recurrent
 * layers, whose rows are tokens and gates.
 *
 * <p>What goes is the filter's weights. Its bias, or the normalisation behind it, stays and makes
 * of its output a constant; the weights of the next layer that read it stay too and count as alive.
 * The network keeps its shapes.
 *
 * <p>A training step costs the masking and nothing more.
 */
public final class FilterPruning implements PruningMethod {

    /** Creates the method. */
    public FilterPruning() {}

    /** {@inheritDoc} */
    @Override
    public String name() {
        return "filter-pruning";
    }

    /** {@inheritDoc} */
    @Override
    public Criterion criterion() {
        return new FilterNorm();
    }
}
