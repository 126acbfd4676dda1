package io.flipout.cli.comparison;

import java.util.Collections;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.TreeMap;

/**
 * Accuracy against sparsity, for methods that cannot aim at a sparsity: between two neighbours the
 * accuracy is taken as linear in {@link Sparsities#halvings}, and beyond them as unknown. A run
 * that another beats in both is no trade-off, such as one that learnt nothing: the better one's
 * accuracy stands in its place.
 */
public final class TradeOff {

    /** Accuracies by halvings of the density. */
    private final TreeMap<Double, Double> curve = new TreeMap<>();

    /**
     * Adds what a run came to. One that pruned nothing or all tells nothing of what lies between
     * and is left out.
     *
     * @param sparsity the share of weights removed
     * @param accuracy the accuracy
     */
    public void add(double sparsity, double accuracy) {
        if (sparsity > 0 && sparsity < 1) {
            curve.merge(Sparsities.halvings(sparsity), accuracy, Math::max);
        }
    }

    /**
     * Returns the accuracy at a sparsity.
     *
     * @param sparsity the sparsity, in (0, 1)
     * @return the accuracy; empty outside of what was measured
     */
    public OptionalDouble at(double sparsity) {
        double x = Sparsities.halvings(sparsity);
        Map.Entry<Double, Double> left = curve.floorEntry(x);
        Map.Entry<Double, Double> right = curve.ceilingEntry(x);
        if (left == null || right == null) {
            return OptionalDouble.empty();
        }
        double width = right.getKey() - left.getKey();
        double share = width == 0 ? 0 : (x - left.getKey()) / width;
        double accuracy = best(left.getKey());
        return OptionalDouble.of(accuracy + share * (best(right.getKey()) - accuracy));
    }

    /** The highest accuracy of all runs that are at least as sparse. */
    private double best(double halvings) {
        return Collections.max(curve.tailMap(halvings).values());
    }
}
