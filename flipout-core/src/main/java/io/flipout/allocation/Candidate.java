package io.flipout.allocation;

import ai.djl.ndarray.types.Shape;
import io.flipout.mask.Mask;

/**
 * One tensor at a pruning event.
 *
 * @param path its block path, for messages
 * @param scores a score for each weight in row-major order; the lowest go first
 * @param mask which weights are alive; pruning changes it
 * @param filters the number of parts, of the same size and one after the other, that could go as
 *     wholes: filters or neurons; 1 for the network's output layer, which needs all of them
 * @param shape its shape, (out, in, ...) of layers
 */
public record Candidate(String path, double[] scores, Mask mask, int filters, Shape shape) {

    /**
     * Creates the candidate.
     *
     * @throws IllegalArgumentException if there is not one score for each weight, or the filters
     *     are not of the same size, or the shape is of another size
     */
    public Candidate {
        if (scores.length != mask.size()) {
            throw new IllegalArgumentException(
                    path + " has " + mask.size() + " weights but " + scores.length + " scores");
        }
        if (filters < 1 || mask.size() % filters != 0) {
            throw new IllegalArgumentException(
                    path + " of " + mask.size() + " weights cannot have " + filters + " filters");
        }
        if (shape.size() != mask.size()) {
            throw new IllegalArgumentException(
                    path + " of " + mask.size() + " weights cannot be of shape " + shape);
        }
    }

    /**
     * Creates the candidate of a tensor of rank 1.
     *
     * @param path its block path, for messages
     * @param scores a score for each weight
     * @param mask which weights are alive
     * @param filters the number of parts that could go as wholes
     */
    public Candidate(String path, double[] scores, Mask mask, int filters) {
        this(path, scores, mask, filters, new Shape(mask.size()));
    }

    /**
     * Creates the candidate of a tensor that is not divided into filters.
     *
     * @param path its block path, for messages
     * @param scores a score for each weight in row-major order
     * @param mask which weights are alive
     */
    public Candidate(String path, double[] scores, Mask mask) {
        this(path, scores, mask, 1);
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
