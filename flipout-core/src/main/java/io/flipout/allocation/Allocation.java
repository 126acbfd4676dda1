package io.flipout.allocation;

import java.util.List;

/** Decides how many weights each tensor keeps, and prunes the lowest scores of those alive. */
@FunctionalInterface
public interface Allocation {

    /**
     * Prunes weights until exactly {@code keep} are alive over all tensors together, or as few more
     * as the allocation allows. Ties go to the lowest position, tensors in order.
     *
     * @param tensors the prunable tensors in block order
     * @param keep the number of weights alive afterwards, at least 1
     * @throws IllegalArgumentException if more are to be kept than are alive, or the floors of the
     *     layers add up to more
     * @throws IllegalStateException if the score of a weight alive is NaN
     */
    void prune(List<Candidate> tensors, long keep);

    /**
     * Checks, before training begins, that so few weights can be kept.
     *
     * @param sizes the number of weights of each prunable tensor
     * @param keep the number of weights alive in the end
     * @throws IllegalArgumentException if the floors of the layers add up to more
     */
    default void check(int[] sizes, long keep) {}

    /**
     * Checks, before training begins, that so few weights can be kept of tensors that are divided
     * into filters.
     *
     * @param sizes the number of weights of each prunable tensor
     * @param filters the number of filters of each that could go as wholes
     * @param keep the number of weights alive in the end
     * @throws IllegalArgumentException if they cannot
     */
    default void check(int[] sizes, int[] filters, long keep) {
        check(sizes, keep);
    }

    /**
     * Tells whether exactly as many weights are kept as asked for, and not a few more, as where
     * they go in groups.
     *
     * @return true if so; an allocation of your own that keeps more must say that it does
     */
    default boolean isExact() {
        return true;
    }

    /**
     * Ranks all weights of the network together.
     *
     * @return the allocation
     */
    static GlobalAllocation global() {
        return new GlobalAllocation(0);
    }

    /**
     * Ranks each tensor by itself and takes the same share of each.
     *
     * @return the allocation
     */
    static LayerwiseAllocation perLayer() {
        return new LayerwiseAllocation(0);
    }

    /**
     * Prunes whole filters or neurons, the same share of each layer's.
     *
     * @return the allocation
     */
    static FilterAllocation perFilter() {
        return new FilterAllocation();
    }
}
