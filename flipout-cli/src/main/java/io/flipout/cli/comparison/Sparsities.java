package io.flipout.cli.comparison;

import java.util.List;
import java.util.Locale;

/** Sparsities as the paper's comparison has them, and as people read them. */
public final class Sparsities {

    /** What 2, 4, 6, 8 and 10 prunings of half the weights come to: the points of the figures. */
    public static final List<Double> PAPER =
            List.of(0.75, 0.9375, 0.984375, 0.99609375, 0.9990234375);

    /** Sparsities whose halvings differ by less are the same point: 0.999 is 0.9990234375. */
    private static final double SAME_HALVINGS = 0.05;

    private Sparsities() {}

    /**
     * Returns how often the density was halved: the axis on which accuracy is shown and
     * interpolated.
     *
     * @param sparsity the share of weights removed, in [0, 1)
     * @return log2(1 / (1 − s)), 0 for a dense network
     */
    public static double halvings(double sparsity) {
        return -Math.log(1 - sparsity) / Math.log(2);
    }

    /**
     * Tells whether two sparsities are the same point of a comparison.
     *
     * @param a a sparsity
     * @param b a sparsity
     * @return true if their densities differ by less than 3.5 %
     */
    public static boolean isSame(double a, double b) {
        return Math.abs(halvings(a) - halvings(b)) < SAME_HALVINGS;
    }

    /**
     * Writes a sparsity in percent.
     *
     * @param sparsity the share of weights removed
     * @return with two decimals where it has any, such as {@code 75 %} or {@code 99.90 %}
     */
    public static String percent(double sparsity) {
        double percent = 100 * sparsity;
        return String.format(
                Locale.ROOT, percent == Math.rint(percent) ? "%.0f %%" : "%.2f %%", percent);
    }
}
