package io.flipout.schedule;

import io.flipout.schedule.PruningEvent.Unit;
import java.util.ArrayList;
import java.util.List;

/**
 * Reaches an exact sparsity s a few percent of the weights at a time, from the beginning of the
 * training on, and leaves the last part of it for what is left to recover.
 *
 * <p>It takes m = ⌈log(1 − s) / log(1 − r)⌉ prunings of the same rate, r or a little less, over the
 * first u·T of T steps or epochs: the i-th comes after round(u·T·(i/m)^1.5) and keeps round(N·(1 −
 * s)^(i/m)) weights. So the fewer are left, the longer the network has to do without those that
 * went before. Where time is short, m is 2·u·T at most, and those that would come after the same
 * step or epoch are one pruning, at a higher rate. The last step or epoch never prunes.
 *
 * <p>The many small cuts are what it is for. Halving the weights a few times, as the paper does,
 * ends at lower accuracies, the more so the higher the sparsity.
 */
public final class GradualSchedule implements Schedule {

    /** How much later prunings come the fewer weights are left: 1 would be evenly. */
    private static final double PACE = 1.5;

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
        double needed = Math.ceil(Math.log1p(-sparsity) / Math.log1p(-rate));
        int prunings = (int) Math.min(2.0 * end, needed); // Of more, more would fall together.
        for (int i = 1; i <= prunings; i++) {
            long keep = Sparsity.keep(weights, sparsity, i, prunings);
            if (keep < before) { // Of few weights, a small share may be none.
                long at = Math.max(1, Math.round(end * Math.pow((double) i / prunings, PACE)));
                int last = events.size() - 1;
                if (last >= 0 && events.get(last).at() == at) {
                    events.remove(last);
                }
                events.add(new PruningEvent(unit, at, keep));
                before = keep;
            }
        }
        return events;
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
