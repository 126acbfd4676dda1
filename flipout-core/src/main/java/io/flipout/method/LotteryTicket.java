package io.flipout.method;

import io.flipout.criterion.Criterion;
import io.flipout.criterion.Magnitude;
import io.flipout.rewind.Rewind;
import java.util.Optional;

/**
 * The lottery ticket, by iterative magnitude pruning: trains, prunes the lowest |θ|, sets what is
 * left back to its initial values, and again; the last round trains the ticket.
 *
 * <pre>
 * θ ← θ₀; m ← 1
 * repeat n times:
 *     train θ·m for E epochs
 *     m ← m without the share r of the weights alive that has the lowest |θ|
 *     θ ← θ₀·m
 * train θ·m for E epochs
 * </pre>
 *
 * <p>Frankle and Carbin, <a href="https://arxiv.org/abs/1803.03635">The Lottery Ticket Hypothesis:
 * Finding Sparse, Trainable Neural Networks</a>, 2019, with r = 0.2. θ₀ may be the weights after a
 * few steps instead (Frankle, Dziugaite, Roy and Carbin, <a
 * href="https://arxiv.org/abs/1912.05671">Linear Mode Connectivity and the Lottery Ticket
 * Hypothesis</a>, 2020), which larger networks need. Their code prunes at least one weight more
 * than r asks for; here the count is exact.
 *
 * <p>The schedule is {@code Schedule.toSparsity(s).atRate(0.2).inRoundsOf(epochs)}, and the
 * training takes that schedule's {@code epochs()}. Each round should see what the first one saw:
 * learning rates by {@code Milestones.inRounds} and images by {@code ImageDataset}'s {@code
 * optRounds} start anew with it.
 *
 * <p>A training step costs the masking and nothing more, but there are n + 1 trainings.
 */
public final class LotteryTicket implements PruningMethod {

    private final Rewind rewind;

    private LotteryTicket(Builder builder) {
        rewind = new Rewind(builder.step);
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
        return "lottery-ticket";
    }

    /** {@inheritDoc} */
    @Override
    public Criterion criterion() {
        return new Magnitude();
    }

    /** {@inheritDoc} */
    @Override
    public Optional<Rewind> rewind() {
        return Optional.of(rewind);
    }

    /** Builds {@link LotteryTicket}. */
    public static final class Builder {

        private long step;

        private Builder() {}

        /**
         * Sets the step to go back to.
         *
         * @param step k, at least 0 and before the first pruning; default 0, the initialisation
         * @return this builder
         */
        public Builder optRewindStep(long step) {
            this.step = step;
            return this;
        }

        /**
         * Builds the method.
         *
         * @return the method
         * @throws IllegalArgumentException if the step is negative
         */
        public LotteryTicket build() {
            return new LotteryTicket(this);
        }
    }
}
