package io.flipout.method;

import io.flipout.criterion.Criterion;
import io.flipout.criterion.RandomOrder;
import io.flipout.rewiring.PeriodicRewiring;
import io.flipout.rewiring.PeriodicRewiring.Growth;
import io.flipout.rewiring.Rewiring;
import java.util.Optional;

/**
 * RigL: trains with as few weights from the first step to the last, and every so often takes those
 * of the lowest |θ| away and brings as many back, those of which the gradient is largest.
 *
 * <p>Evci, Gale, Menick, Castro and Elsen, <a href="https://arxiv.org/abs/1911.11134">Rigging the
 * Lottery: Making All Tickets Winners</a>, 2020. Of each tensor a share of {@code α/2·(1 + cos(π·t
 * / T))} goes after t steps, α = 0.3, every 100 steps until T, in the paper three quarters of the
 * training. Without an end T the share stays α. The gradient is that of the step; the paper leaves
 * the step itself out. Weights come back as 0, also those that have just gone.
 *
 * <p>The schedule is {@code Schedule.beforeTraining(sparsity, 1)}, done by {@code
 * Pruner.pruneBeforeTraining()}, and the allocation {@code Allocation.erdosRenyi()}. From then on
 * each tensor keeps its number of weights.
 *
 * <p>A training step costs the masking; one that rewires brings weights and gradients to the host
 * and ranks them, once in a hundred.
 */
public final class RigL implements PruningMethod {

    private final PeriodicRewiring rewiring;

    private RigL(Builder builder) {
        rewiring =
                new PeriodicRewiring(
                        Growth.GRADIENT, builder.share, true, builder.period, builder.until);
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
        return "rigl";
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

    /** Builds {@link RigL}. */
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
        public RigL build() {
            return new RigL(this);
        }
    }
}
