package io.flipout.schedule;

import io.flipout.schedule.PruningEvent.Unit;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/** When weights are pruned, and down to how many. */
@FunctionalInterface
public interface Schedule {

    /**
     * Lists the prunings of a training run.
     *
     * @param weights the number of prunable weights, N
     * @return the events in order of time, each keeping fewer weights than the one before or as
     *     many
     * @throws IllegalArgumentException if the schedule would leave no weight
     */
    List<PruningEvent> events(long weights);

    /**
     * The paper's own form: prunes the rate r of the weights alive every f epochs.
     *
     * @param rate r, the share of the weights alive that each pruning removes, in (0, 1)
     * @return the schedule, once it knows its epochs
     * @see PeriodicSchedule
     */
    static PeriodicSchedule.Builder atRate(double rate) {
        return new PeriodicSchedule.Builder(rate);
    }

    /**
     * Prunes in steps of about r, spread over the training, to an exact sparsity.
     *
     * @param sparsity s, the share of the prunable weights that is removed in the end, in [0, 1)
     * @return the schedule, once it knows its epochs
     * @see ToSparsitySchedule
     */
    static ToSparsitySchedule.Builder toSparsity(double sparsity) {
        return new ToSparsitySchedule.Builder(sparsity);
    }

    /**
     * Prunes a few percent at a time from the beginning of the training on, to an exact sparsity.
     *
     * @param sparsity s, the share of the prunable weights that is removed in the end, in [0, 1)
     * @return the schedule, once it knows the steps or epochs of the training
     * @see GradualSchedule
     */
    static GradualSchedule.Builder gradual(double sparsity) {
        return new GradualSchedule.Builder(sparsity);
    }

    /**
     * Prunes once.
     *
     * @param sparsity the share of the prunable weights that is removed, in [0, 1)
     * @param unit epochs or steps
     * @param at the epoch or step after whose end weights are pruned; 0 is before training
     * @return the schedule
     * @throws IllegalArgumentException if a value is out of its range
     */
    static Schedule oneShot(double sparsity, Unit unit, long at) {
        Sparsity.check(sparsity);
        if (at < 0) {
            throw new IllegalArgumentException(
                    "The time of a one-shot pruning must be at least 0, got " + at);
        }
        return weights -> List.of(new PruningEvent(unit, at, Sparsity.keep(weights, sparsity)));
    }

    /**
     * Prunes before training: at once, or by several prunings of the same rate one after the other,
     * the i-th of n keeping {@code round(N·(1 − s)^(i/n))} weights.
     *
     * @param sparsity s, the share of the prunable weights that is removed in the end, in [0, 1)
     * @param prunings n, at least 1
     * @return the schedule
     * @throws IllegalArgumentException if a value is out of its range
     */
    static Schedule beforeTraining(double sparsity, int prunings) {
        Sparsity.check(sparsity);
        if (prunings < 1) {
            throw new IllegalArgumentException(
                    "The prunings before training must be at least 1, got " + prunings);
        }
        return weights ->
                IntStream.rangeClosed(1, prunings)
                        .mapToLong(i -> Sparsity.keep(weights, sparsity, i, prunings))
                        .mapToObj(keep -> new PruningEvent(Unit.STEP, 0, keep))
                        .toList();
    }

    /**
     * Prunes once, however many weights score below a threshold.
     *
     * @param threshold the score below which weights go, greater than 0; for magnitudes, 1e-4
     * @param unit epochs or steps
     * @param at the epoch or step after whose end weights are pruned, at least 1
     * @return the schedule
     * @throws IllegalArgumentException if a value is out of its range
     */
    static Schedule belowThreshold(double threshold, Unit unit, long at) {
        return belowThreshold(threshold, unit, at, 1);
    }

    /**
     * Prunes several times, however many weights score below a threshold by then.
     *
     * @param threshold the score below which weights go, greater than 0
     * @param unit epochs or steps
     * @param period the epochs or steps from one pruning to the next, at least 1
     * @param prunings the number of prunings, at least 1
     * @return the schedule
     * @throws IllegalArgumentException if a value is out of its range
     */
    static Schedule belowThreshold(double threshold, Unit unit, long period, int prunings) {
        if (!(threshold > 0 && Double.isFinite(threshold))) {
            throw new IllegalArgumentException(
                    "The threshold must be a number greater than 0, got " + threshold);
        }
        if (period < 1) {
            throw new IllegalArgumentException(
                    "The time of a pruning by threshold must be at least 1, got " + period);
        }
        if (prunings < 1) {
            throw new IllegalArgumentException(
                    "The prunings by threshold must be at least 1, got " + prunings);
        }
        return weights ->
                LongStream.rangeClosed(1, prunings)
                        .mapToObj(i -> new PruningEvent(unit, i * period, 0, threshold))
                        .toList();
    }

    /**
     * Prunes gradually, fast at first and ever slower, along a cubic.
     *
     * @param sparsity the sparsity reached in the end, in [0, 1)
     * @return the schedule, once it knows its times
     * @see CubicSchedule
     */
    static CubicSchedule.Builder cubic(double sparsity) {
        return new CubicSchedule.Builder(sparsity);
    }

    /**
     * Prunes nothing.
     *
     * @return the schedule of a dense network
     */
    static Schedule none() {
        return weights -> List.of();
    }
}
