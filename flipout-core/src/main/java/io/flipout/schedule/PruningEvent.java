package io.flipout.schedule;

/**
 * One pruning.
 *
 * @param unit what {@code at} counts
 * @param at the epoch or step, from 1, after whose end weights are pruned; 0 is before training
 * @param keep the number of weights alive afterwards
 */
public record PruningEvent(Unit unit, long at, long keep) {

    /** What time is counted in. */
    public enum Unit {
        /** Epochs: the event comes at the end of one, after its evaluation. */
        EPOCH,
        /** Optimizer steps. */
        STEP
    }
}
