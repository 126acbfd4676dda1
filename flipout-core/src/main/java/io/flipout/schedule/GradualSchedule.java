package io.flipout.schedule;

import io.flipout.schedule.PruningEvent.Unit;
import java.util.ArrayList;
import java.util.List;

/**
 * Reaches an exact sparsity s a few percent of the weights at a time, from the beginning of the
 * training on, and leaves the last part of it for what is left to recover.
 *
 * <p>It takes m = ⌈log(1 − s) / log(1 − r)⌉ prunings, r a rate that none of them exceeds, spread
 * evenly over the first u·T of T steps or epochs: the i-th comes after round(i·u·T / m) and keeps
 * round(N·(1 − s)^(i/m)) weights. Where that is more than one in a step or epoch, there is one in
 * each, at a higher rate. The last step or epoch never prunes.
 *
 * <p>The many small cuts are what it is for: a weight goes when the network has had time to do
 * without those that went before. Halving the weights a few times, as the paper does, ends at lower
 * accuracies, the more so the higher the sparsity.
 */
public final class GradualSchedule implements Schedule {

    private final double sparsity;
    private final double rate;
    private final Unit unit;
    private final long end;

    private GradualSchedule(Builder builder, Unit unit, long end) {
        sparsity = builder.sparsity;
        rate = builder.rate;
        this.unit = unit;
        this.end = end;
    }

    /**
     * Returns the step or epoch after which the sparsity is reached.
     *
     * @return the time, at least 1
     */
    public long end() {
        return end;
    }

    /** {@inheritDoc} */
    @Override
    public List<PruningEvent> events(long weights) {
        List<PruningEvent> events = new ArrayList<>();
        long before = weights;
        int prunings = prunings();
        for (int i = 1; i <= prunings; i++) {
            long keep = Sparsity.keep(weights, sparsity, i, prunings);
            if (keep < before) { // Of few weights, a small share may be none.
                long at = Math.round((double) end * i / prunings);
                events.add(new PruningEvent(unit, at, keep));
                before = keep;
            }
        }
        return events;
    }

    private int prunings() {
        double needed = Math.ceil(Math.log1p(-sparsity) / Math.log1p(-rate));
        return (int) Math.min((double) end, needed);
    }

    /** Builds a {@link GradualSchedule}. */
    public static final class Builder {

        private final double sparsity;
        private double rate = 0.05;
        private double share = 0.5;

        Builder(double sparsity) {
            Sparsity.check(sparsity);
            this.sparsity = sparsity;
        }

        /**
         * Sets r, the largest share of the weights alive that a pruning should remove.
         *
         * @param rate r, in (0, 1), default 0.05
         * @return this builder
         */
        public Builder atRate(double rate) {
            Sparsity.checkRate(rate);
            this.rate = rate;
            return this;
        }

        /**
         * Sets u, the share of the training after which the sparsity is reached.
         *
         * @param share u, in (0, 1), default 0.5
         * @return this builder
         */
        public Builder until(double share) {
            if (!(share > 0 && share < 1)) {
                throw new IllegalArgumentException(
                        "The share of the training that prunes must lie in (0, 1), where 0.5 leaves"
                                + " half of it to recover; got "
                                + share);
            }
            this.share = share;
            return this;
        }

        /**
         * Builds the schedule of a training whose steps are known, which prunes between steps.
         *
         * @param steps T, the number of optimizer steps of the training, at least 2: the epochs
         *     times the batches of an epoch
         * @return the schedule
         * @throws IllegalArgumentException if there are fewer steps
         */
        public GradualSchedule overSteps(long steps) {
            return over(Unit.STEP, steps);
        }

        /**
         * Builds the schedule of a training whose epochs alone are known, which prunes between
         * epochs. Where the steps are known, {@link #overSteps} does better.
         *
         * @param epochs T, the number of epochs of the training, at least 2
         * @return the schedule
         * @throws IllegalArgumentException if there are fewer epochs
         */
        public GradualSchedule overEpochs(int epochs) {
            return over(Unit.EPOCH, epochs);
        }

        /**
         * Builds the schedule that reaches its sparsity after a certain step or epoch.
         *
         * @param unit steps or epochs
         * @param end the step or epoch after whose end the last pruning comes, at least 1
         * @return the schedule
         * @throws IllegalArgumentException if the end comes before the first step or epoch
         */
        public GradualSchedule endingAt(Unit unit, long end) {
            if (end < 1) {
                throw new IllegalArgumentException(
                        "The last pruning must come after at least 1 step or epoch, got " + end);
            }
            return new GradualSchedule(this, unit, end);
        }

        private GradualSchedule over(Unit unit, long time) {
            if (time < 2) {
                throw new IllegalArgumentException(
                        "Gradual pruning needs a training of at least 2 "
                                + (unit == Unit.STEP ? "steps" : "epochs")
                                + ", as the last one does not prune; got "
                                + time);
            }
            return endingAt(unit, Math.max(1, Math.min(time - 1, Math.round(share * time))));
        }
    }
}
