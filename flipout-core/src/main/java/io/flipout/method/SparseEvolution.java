package io.flipout.method;

import io.flipout.criterion.Criterion;
import io.flipout.criterion.RandomOrder;
import io.flipout.rewiring.PeriodicRewiring;
import io.flipout.rewiring.PeriodicRewiring.Growth;
import io.flipout.rewiring.Rewiring;
import java.util.Optional;

/**
 * SET, sparse evolutionary training: trains with as few weights from the first step to the last,
 * and every so often takes a share of the positive and of the negative weights nearest 0 away and
 * brings as many back at random.
 *
 * <p>Mocanu, Mocanu, Stone, Nguyen, Gibescu and Liotta, <a
 * href="https://arxiv.org/abs/1707.04780">Scalable training of artificial neural networks with
 * adaptive sparse connectivity inspired by network science</a>, 2018. The share is ζ = 0.3, and the
 * authors rewire after every epoch: the period is to be the steps of one. Weights come back as 0.
 *
 * <p>The schedule is {@code Schedule.beforeTraining(sparsity, 1)}, done by {@code
 * Pruner.pruneBeforeTraining()}, and the allocation {@code Allocation.erdosRenyi()}. From then on
 * each tensor keeps its number of weights.
 *
 * <p>A training step costs the masking, and one that rewires reads the weights and ranks them on
 * the host.
 */
public final class SparseEvolution implements PruningMethod {

    private final PeriodicRewiring rewiring;

    private SparseEvolution(Builder builder) {
        rewiring =
                new PeriodicRewiring(
                        Growth.RANDOM, builder.share, false, builder.period, builder.until);
    }

    /**
     * Creates a builder.
     *
     * @return a new builder
     */
    public static Builder builder() {
        return new Builder();
    }

    /** {@inheritDoc} */
    @Override
    public String name() {
        return "set";
    }

    /** {@inheritDoc} */
    @Override
    public Criterion criterion() {
        return new RandomOrder();
    }

    /** {@inheritDoc} */
    @Override
    public Optional<Rewiring> rewiring() {
        return Optional.of(rewiring);
    }

    /** Builds {@link SparseEvolution}. */
    public static final class Builder extends RewiringBuilder<Builder> {

        private Builder() {}

        @Override
        Builder self() {
            return this;
        }

        /**
         * Builds the method.
         *
         * @return the method
         * @throws IllegalArgumentException if a value is out of its range
         */
        public SparseEvolution build() {
            return new SparseEvolution(this);
        }
    }
}
