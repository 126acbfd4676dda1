package io.flipout.allocation;

import ai.djl.ndarray.types.Shape;
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
     * Checks, before training begins, that so few weights can be kept of tensors of these shapes.
     *
     * @param shapes the shapes of the prunable tensors, (out, in, ...) of layers
     * @param filters the number of filters of each that could go as wholes
     * @param keep the number of weights alive in the end
     * @throws IllegalArgumentException if they cannot
     */
    default void check(List<Shape> shapes, int[] filters, long keep) {
        check(shapes.stream().mapToInt(s -> Math.toIntExact(s.size())).toArray(), filters, keep);
    }

    /**
     * Checks, before training begins, that a threshold may decide how many weights go.
     *
     * @throws IllegalArgumentException if it may not, where weights do not go one by one
     */
    default void checkThreshold() {}

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
     * Ranks each tensor by itself, and takes the larger a share of each the larger it is.
     *
     * @return the allocation
     */
    static ErdosRenyiAllocation erdosRenyi() {
        return new ErdosRenyiAllocation(0);
    }

    /**
     * Keeps n of every m consecutive weights along the input of a layer.
     *
     * @param n the weights kept of each group, at least 1
     * @param m the weights of a group, more than n
     * @return the allocation
     */
    static GroupAllocation ofEvery(int n, int m) {
        return new GroupAllocation(n, m);
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
