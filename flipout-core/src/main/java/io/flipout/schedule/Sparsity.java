package io.flipout.schedule;

/** Turns a sparsity into a number of weights. */
final class Sparsity {

    private Sparsity() {}

    static void check(double sparsity) {
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

    /** Returns round(N·(1 − s)), and refuses to empty the network. */
    static long keep(long weights, double sparsity) {
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
     */
    static long keep(long weights, double sparsity, int pruning, int prunings) {
        double density = Math.pow(1 - sparsity, (double) pruning / prunings);
        return Math.max(Math.round(weights * density), keep(weights, sparsity));
    }
}
