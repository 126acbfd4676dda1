package io.flipout.method;

import io.flipout.criterion.Criterion;
import io.flipout.criterion.FlipSaliency;
import io.flipout.criterion.LayerAdaptive;
import io.flipout.rewiring.PeriodicRewiring;
import io.flipout.rewiring.PeriodicRewiring.Growth;
import io.flipout.rewiring.Rewiring;
import io.flipout.signal.SignFlips;
import io.flipout.signal.Signal;
import java.util.List;
import java.util.Optional;

/**
 * FlipOut made to hold at every sparsity: the weights with the lowest τ / Στ go, with FlipOut's
 * saliency {@code τ = |θ|^p / (flips + 1)} and the sum over those of the same tensor whose τ is as
 * large or larger; and every so many steps, a share of the weights alive with the lowest |θ| is
 * exchanged for as many pruned ones of the same tensor with the largest gradient. Disconnected
 * weights go before all others, by either.
 *
 * <p>It is meant for {@link io.flipout.schedule.Schedule#gradual gradual} pruning. What each part
 * is for: the schedule, that a weight goes when the network can do without those that went before;
 * the sum, that no layer empties ({@link LayerAdaptive}); the exchange, that a weight which went
 * too early comes back ({@link PeriodicRewiring}, as in RigL, to whose share of 0.3 every 100
 * steps, falling to 0 along a cosine until the training ends, it keeps); and that what is left all
 * has a say: of a few weights, many may lie on no path from the input to the output (Vysogorets and
 * Kempe, <a href="https://arxiv.org/abs/2107.02306">Connectivity Matters</a>, 2021, who count them
 * as pruned). FlipOut's noise is left out: where so little goes at a time, it earns nothing.
 *
 * <p>A training step costs what FlipOut's does without noise; one that rewires brings weights and
 * gradients to the host and ranks them. A pruning takes a sort of each tensor; either looks at
 * every mask once for the paths. For these, the network is traced at the first pruning, as for an
 * export.
 */
public final class AdaptiveFlipOut implements PruningMethod {

    private final Criterion criterion;
    private final Optional<Rewiring> rewiring;

    private AdaptiveFlipOut(Builder builder) {
        criterion = new LayerAdaptive(new FlipSaliency(builder.p, builder.flipOffset));
        rewiring =
                builder.share == 0
                        ? Optional.empty()
                        : Optional.of(
                                new PeriodicRewiring(
                                        Growth.GRADIENT,
                                        builder.share,
                                        true,
                                        builder.period,
                                        builder.until));
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
        return "flipout-adaptive";
    }

    /** {@inheritDoc} */
    @Override
    public Criterion criterion() {
        return criterion;
    }

    /** {@inheritDoc} */
    @Override
    public List<Signal> signals() {
        return List.of(new SignFlips());
    }

    /** {@inheritDoc} */
    @Override
    public boolean prunesDisconnectedFirst() {
        return true;
    }

    /** {@inheritDoc} */
    @Override
    public Optional<Rewiring> rewiring() {
        return rewiring;
    }

    /** Builds {@link AdaptiveFlipOut}. */
    public static final class Builder extends RewiringBuilder<Builder> {

        private double p = 2;
        private int flipOffset = 1;

        private Builder() {}

        @Override
        Builder self() {
            return this;
        }

        /**
         * Sets the steps of the training, at whose end the exchange has faded to none.
         *
         * @param steps T, at least 1: the epochs times the batches of an epoch
         * @return this builder
         */
        public Builder setSteps(long steps) {
            return optUntil(steps);
        }

        /**
         * Sets the share of the weights alive that is exchanged.
         *
         * @param share the share, in (0, 1], default 0.3; 0 exchanges none, for allocations that an
         *     exchange would not keep to, such as N of every M weights
         * @return this builder
         */
        @Override
        public Builder optShare(double share) {
            return super.optShare(share);
        }

        /**
         * Sets the power of the magnitude.
         *
         * @param p the power, 0 to 6, default 2; at 0 the flips alone decide
         * @return this builder
         */
        public Builder optP(double p) {
            this.p = p;
            return this;
        }

        /**
         * Sets what is added to the flips before dividing by them.
         *
         * @param flipOffset 1, the default, or 0 for the paper's printed formula
         * @return this builder
         */
        public Builder optFlipOffset(int flipOffset) {
            this.flipOffset = flipOffset;
            return this;
        }

        /**
         * Builds the method.
         *
         * @return the method
         * @throws IllegalArgumentException if the steps are missing, or a value is out of its range
         */
        public AdaptiveFlipOut build() {
            if (until == Long.MAX_VALUE) {
                throw new IllegalArgumentException(
                        "The exchange of weights is to fade until the training ends: give its steps,"
                                + " setSteps(epochs * batches).");
            }
            return new AdaptiveFlipOut(this);
        }
    }
}
