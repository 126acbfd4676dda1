package io.flipout.allocation;

import ai.djl.ndarray.types.Shape;
import io.flipout.mask.Mask;
import java.util.function.IntUnaryOperator;

/**
 * One tensor at a pruning event.
 *
 * @param path its block path, for messages
 * @param scores a score for each weight in row-major order; the lowest go first
 * @param mask which weights are alive; pruning changes it
 * @param filters the number of parts of the same size that could go as wholes: filters or neurons;
 *     1 for a tensor that is kept or ranked as a whole, such as the network's output layer
 * @param filter the filter that a weight belongs to, 0 to {@code filters} exclusive, by the
 *     weight's position
 * @param shape its shape
 * @param inputAxis the axis of the shape along which a layer's inputs lie; −1 if there is none
 */
public record Candidate(
        String path,
        double[] scores,
        Mask mask,
        int filters,
        IntUnaryOperator filter,
        Shape shape,
        int inputAxis) {

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
        if (shape.size() != mask.size() || inputAxis >= shape.dimension()) {
            throw new IllegalArgumentException(
                    path + " of " + mask.size() + " weights cannot be of shape " + shape);
        }
    }

    /**
     * Creates the candidate of a tensor that is divided into filters.
     *
     * @param path its block path, for messages
     * @param scores a score for each weight in row-major order
     * @param mask which weights are alive
     * @param filters the number of filters
     * @param filter the filter that a weight belongs to, by the weight's position
     */
    public Candidate(
            String path, double[] scores, Mask mask, int filters, IntUnaryOperator filter) {
        this(path, scores, mask, filters, filter, new Shape(mask.size()), -1);
    }

    /**
     * Creates the candidate of a tensor whose filters lie one after the other.
     *
     * @param path its block path, for messages
     * @param scores a score for each weight in row-major order
     * @param mask which weights are alive
     * @param filters the number of filters
     */
    public Candidate(String path, double[] scores, Mask mask, int filters) {
        this(path, scores, mask, filters, index -> index / (mask.size() / filters));
    }

    /**
     * Creates the candidate of a tensor that is not divided into filters.
     *
     * @param path its block path, for messages
     * @param scores a score for each weight in row-major order
     * @param mask which weights are alive
     */
    public Candidate(String path, double[] scores, Mask mask) {
        this(path, scores, mask, new Shape(mask.size()), -1);
    }

    /**
     * Creates the candidate of a tensor of that shape which is not divided into filters.
     *
     * @param path its block path, for messages
     * @param scores a score for each weight in row-major order
     * @param mask which weights are alive
     * @param shape its shape
     * @param inputAxis the axis along which a layer's inputs lie; −1 if there is none
     */
    public Candidate(String path, double[] scores, Mask mask, Shape shape, int inputAxis) {
        this(path, scores, mask, 1, index -> 0, shape, inputAxis);
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
