package io.flipout.schedule;

/** Turns a sparsity into a number of weights, as all schedules here do. */
public final class Sparsity {

    private Sparsity() {}

    /**
     * Makes sure that a number is a sparsity.
     *
     * @param sparsity the number
     * @throws IllegalArgumentException if it does not lie in [0, 1)
     */
    public static void check(double sparsity) {
        if (!(sparsity >= 0 && sparsity < 1)) {
            throw new IllegalArgumentException(
                    "The sparsity must lie in [0, 1), where 0.99 removes 99 of 100 weights; got "
                            + sparsity);
        }
    }

    static void checkRate(double rate) {
        if (!(rate > 0 && rate < 1)) {
            throw new IllegalArgumentException(
                    "The pruning rate must lie in (0, 1), where 0.5 removes half of the weights"
                            + " that are left; got "
                            + rate);
        }
    }

    /**
     * Returns how many weights are left: round(N·(1 − s)).
     *
     * @param weights N, the number of prunable weights
     * @param sparsity s, the share of them that is removed, in [0, 1)
     * @return the number of weights to keep
     * @throws IllegalArgumentException if it is 0
     */
    public static long keep(long weights, double sparsity) {
        long keep = Math.round(weights * (1 - sparsity));
        if (keep < 1) {
            throw new IllegalArgumentException(
                    "A sparsity of "
                            + sparsity
                            + " leaves none of "
                            + weights
                            + " weights; "
                            + (1 - 1.0 / weights)
                            + " leaves one.");
        }
        return keep;
    }

    /**
     * Returns what the i-th of n prunings of the same rate keeps: round(N·(1 − s)^(i/n)), which is
     * at the end what a single pruning would keep.
     *
     * @param weights N, the number of prunable weights
     * @param sparsity s, the share of them that is removed in the end, in [0, 1)
     * @param pruning i, from 1
     * @param prunings n
     * @return the number of weights to keep
     * @throws IllegalArgumentException if none is left in the end
     */
    public static long keep(long weights, double sparsity, int pruning, int prunings) {
        double density = Math.pow(1 - sparsity, (double) pruning / prunings);
        return Math.max(Math.round(weights * density), keep(weights, sparsity));
    }
}
