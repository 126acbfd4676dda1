package io.flipout.cli.comparison;

import java.util.List;

/**
 * What an arm came to at one sparsity, over seeds.
 *
 * @param sparsity the share of weights removed
 * @param accuracies the accuracy of each seed, in [0, 1]; at least one
 */
public record Point(double sparsity, List<Double> accuracies) {

    /**
     * Returns the mean.
     *
     * @return the mean accuracy, in [0, 1]
     */
    public double mean() {
        return accuracies.stream().mapToDouble(a -> a).average().orElseThrow();
    }

    /**
     * Returns the sample standard deviation, with n − 1 in the denominator.
     *
     * @return the deviation; NaN of a single seed
     */
    public double deviation() {
        double mean = mean();
        double squares = accuracies.stream().mapToDouble(a -> (a - mean) * (a - mean)).sum();
        return accuracies.size() < 2 ? Double.NaN : Math.sqrt(squares / (accuracies.size() - 1));
    }
}
