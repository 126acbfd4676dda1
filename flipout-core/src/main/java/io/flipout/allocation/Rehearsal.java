package io.flipout.allocation;

import java.util.List;
import java.util.function.Supplier;

/**
 * Tries an allocation of a user's own before training begins, so that a fault is not found at its
 * first pruning.
 */
public final class Rehearsal {

    private Rehearsal() {}

    /**
     * Lets an allocation prune tensors of the network's sizes by scores drawn at random. The
     * project's own need no rehearsal.
     *
     * @param allocation the allocation
     * @param tensors the tensors, made only where they are needed
     * @param keeps the numbers of weights that the prunings of the training keep, in order
     * @throws IllegalArgumentException if the allocation keeps other numbers
     */
    public static void of(Allocation allocation, Supplier<List<Candidate>> tensors, long[] keeps) {
        boolean isOurs =
                allocation instanceof GlobalAllocation
                        || allocation instanceof LayerwiseAllocation
                        || allocation instanceof ErdosRenyiAllocation
                        || allocation instanceof GroupAllocation
                        || allocation instanceof FilterAllocation;
        if (keeps.length == 0 || isOurs) {
            return;
        }
        List<Candidate> candidates = tensors.get();
        for (long keep : keeps) {
            if (keep < alive(candidates)) {
                allocation.prune(candidates, keep);
                check(allocation, candidates, keep);
            }
        }
    }

    /**
     * Makes sure of what an allocation has kept.
     *
     * @param allocation the allocation
     * @param tensors the tensors after a pruning
     * @param keep the number of weights to keep
     * @throws IllegalArgumentException if the allocation has kept fewer, or more though it is exact
     */
    public static void check(Allocation allocation, List<Candidate> tensors, long keep) {
        long kept = alive(tensors);
        if (kept < keep || (kept > keep && allocation.isExact())) {
            throw new IllegalArgumentException(
                    "The allocation "
                            + allocation
                            + " keeps "
                            + kept
                            + " weights where "
                            + keep
                            + " are asked for"
                            + (kept > keep
                                    ? ": let it prune the rest, or tell by isExact() that it"
                                            + " keeps more."
                                    : "."));
        }
    }

    private static long alive(List<Candidate> tensors) {
        return tensors.stream().mapToLong(tensor -> tensor.mask().remaining()).sum();
    }
}
