package io.flipout.schedule;

/**
 * One pruning: down to a number of weights, or of all weights that score below a threshold.
 *
 * @param unit what {@code at} counts
 * @param at the epoch or step, from 1, after whose end weights are pruned; 0 is before training
 * @param keep the number of weights alive afterwards; 0 where the threshold decides
 * @param threshold the score below which weights go, however many; 0 where the number decides
 */
public record PruningEvent(Unit unit, long at, long keep, double threshold) {

    /**
     * Creates a pruning down to a number of weights.
     *
     * @param unit what {@code at} counts
     * @param at the epoch or step
     * @param keep the number of weights alive afterwards
     */
    public PruningEvent(Unit unit, long at, long keep) {
        this(unit, at, keep, 0);
    }

    /**
     * Tells whether a threshold decides how many weights go.
     *
     * @return true if so
     */
    public boolean isByThreshold() {
        return threshold > 0;
    }

    /** What time is counted in. */
    public enum Unit {
        /** Epochs: the event comes at the end of one, after its evaluation. */
        EPOCH,
        /** Optimizer steps. */
        STEP
    }
}
