package io.flipout.schedule;

import io.flipout.schedule.PruningEvent.Unit;
import java.util.ArrayList;
import java.util.List;

/**
 * Gradual pruning along a cubic: after the i-th of n prunings the sparsity is {@code s_i = s·(1 −
 * (1 − i/n)³)}.
 *
 * <p>Zhu and Gupta, <a href="https://arxiv.org/abs/1710.01878">To prune, or not to prune</a>, 2017,
 * with an initial sparsity of 0, so that the first of their n + 1 events prunes nothing and is left
 * out.
 */
public final class CubicSchedule implements Schedule {

    private final double sparsity;
    private final Unit unit;
    private final long begin;
    private final long end;
    private final long period;

    private CubicSchedule(Builder builder, Unit unit, long begin, long end, long period) {
        this.sparsity = builder.sparsity;
        this.unit = unit;
        this.begin = begin;
        this.end = end;
        this.period = period;
    }

    /** {@inheritDoc} */
    @Override
    public List<PruningEvent> events(long weights) {
        List<PruningEvent> events = new ArrayList<>();
        long last = Sparsity.keep(weights, sparsity);
        long n = (end - begin) / period;
        for (long i = 1; i <= n; i++) {
            double left = 1 - (double) i / n;
            double reached = sparsity * (1 - left * left * left);
            long keep = i == n ? last : Math.round(weights * (1 - reached));
            events.add(new PruningEvent(unit, begin + i * period, Math.max(keep, last)));
        }
        return events;
    }

    /** Builds a {@link CubicSchedule}. */
    public static final class Builder {

        private final double sparsity;

        Builder(double sparsity) {
            Sparsity.check(sparsity);
            this.sparsity = sparsity;
        }

        /**
         * Builds the schedule.
         *
         * @param unit epochs or steps
         * @param begin t0, when pruning begins, at least 0
         * @param end when the final sparsity is reached at the latest
         * @param period Δt, the time from one pruning to the next, at least 1
         * @return the schedule; its last pruning comes at the last multiple of the period
         * @throws IllegalArgumentException if the times leave no room for a pruning
         */
        public CubicSchedule between(Unit unit, long begin, long end, long period) {
            if (begin < 0 || period < 1 || end - begin < period) {
                throw new IllegalArgumentException(
                        "No pruning every "
                                + period
                                + " fits between "
                                + begin
                                + " and "
                                + end
                                + ": the begin must be at least 0, the period at least 1, the end"
                                + " a period later.");
            }
            return new CubicSchedule(this, unit, begin, end, period);
        }
    }
}
