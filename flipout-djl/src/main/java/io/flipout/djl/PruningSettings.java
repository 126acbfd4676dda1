package io.flipout.djl;

import io.flipout.allocation.Allocation;
import io.flipout.mask.WeightSelector;
import io.flipout.method.PruningMethod;
import io.flipout.schedule.Schedule;

/**
 * What the builder of a pruner was told.
 *
 * @param method how weights are ranked, and what is done to gradients
 * @param schedule when weights are pruned, and down to how many
 * @param allocation who competes with whom
 * @param weights which weights may be pruned
 * @param seed the seed of whatever is drawn at random
 * @param keepZeros whether the zeros that a network arrives with stay
 * @param advice how the user is told what to do about a fault
 */
record PruningSettings(
        PruningMethod method,
        Schedule schedule,
        Allocation allocation,
        WeightSelector weights,
        long seed,
        boolean keepZeros,
        Advice advice) {}
