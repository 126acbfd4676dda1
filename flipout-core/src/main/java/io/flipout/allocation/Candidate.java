package io.flipout.allocation;

import io.flipout.mask.Mask;

/**
 * One tensor at a pruning event.
 *
 * @param path its block path, for messages
 * @param scores a score for each weight in row-major order; the lowest go first
 * @param mask which weights are alive; pruning changes it
 */
public record Candidate(String path, double[] scores, Mask mask) {

    /**
     * Creates the candidate.
     *
     * @throws IllegalArgumentException if there is not one score for each weight
     */
    public Candidate {
        if (scores.length != mask.size()) {
            throw new IllegalArgumentException(
                    path + " has " + mask.size() + " weights but " + scores.length + " scores");
        }
    }

    /**
     * Prunes every weight that scores below a threshold.
     *
     * @param threshold the threshold; a weight that scores exactly so is kept
     */
    public void pruneBelow(double threshold) {
        for (int i = 0; i < scores.length; i++) {
            if (scores[i] < threshold) {
                mask.prune(i);
            }
        }
    }
}
