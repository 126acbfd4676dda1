package io.flipout.method;

import io.flipout.criterion.Criterion;
import io.flipout.criterion.RandomOrder;

/**
 * Random pruning: weights alive go with equal chance, drawn over all tensors together unless the
 * allocation says otherwise. The baseline that every criterion has to beat.
 */
public final class RandomPruning implements PruningMethod {

    /** Creates the method. */
    public RandomPruning() {}

    /** {@inheritDoc} */
    @Override
    public String name() {
        return "random";
    }

    /** {@inheritDoc} */
    @Override
    public Criterion criterion() {
        return new RandomOrder();
    }
}
