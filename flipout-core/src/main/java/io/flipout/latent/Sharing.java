package io.flipout.latent;

import ai.djl.ndarray.types.Shape;
import io.flipout.mask.ParameterInfo;
import io.flipout.mask.ParameterRole.Kind;
import java.util.stream.IntStream;

/**
 * Which weights of a tensor share a number that is learned beside them: those that differ only in
 * their positions along some axes.
 *
 * @param from the first of the axes
 * @param to the axis after the last
 */
public record Sharing(int from, int to) {

    /** Every weight has a number of its own. */
    public static final Sharing NONE = new Sharing(0, 0);

    /**
     * Shares a number among the weights that lead to an output, a neuron or a convolution's filter.
     * Of a transposed convolution they are those that lead from an input channel, of an embedding
     * those of a token.
     *
     * @param info the parameter, a matrix of weights
     * @return the sharing
     */
    public static Sharing ofOutputs(ParameterInfo info) {
        int rank = info.shape().dimension();
        return switch (info.role().kind()) {
            case TRANSPOSED_WEIGHT -> rank == 2 ? new Sharing(0, 1) : new Sharing(1, rank);
            case WEIGHT_COLLECTION -> new Sharing(rank - 2, rank - 1);
            default -> new Sharing(Math.min(1, rank), rank);
        };
    }

    /**
     * Shares a number among the weights of a linear layer that lead from an input, and among those
     * of a convolution's filter. Of a transposed convolution they are those that lead from an input
     * channel, of an embedding those of a token.
     *
     * @param info the parameter, a matrix of weights
     * @return the sharing
     */
    public static Sharing ofNeurons(ParameterInfo info) {
        int rank = info.shape().dimension();
        Kind kind = info.role().kind();
        if (kind == Kind.WEIGHT_COLLECTION) {
            return new Sharing(rank - 1, rank);
        }
        boolean isLinear = rank == 2 && (kind == Kind.WEIGHT || kind == Kind.RECURRENT_WEIGHT);
        return isLinear ? new Sharing(0, 1) : new Sharing(Math.min(1, rank), rank);
    }

    /** Returns the shape of the numbers of a tensor, which broadcasts to the tensor's. */
    Shape shape(Shape weights) {
        long[] sizes = weights.getShape().clone();
        for (int axis : axes()) {
            sizes[axis] = 1;
        }
        return new Shape(sizes);
    }

    int[] axes() {
        return IntStream.range(from, to).toArray();
    }

    /** Returns the product of the sizes of a tensor's axes that are shared. */
    int shared(Shape weights) {
        return Math.toIntExact(weights.slice(from, to).size());
    }

    /** Returns the product of the sizes of the axes after those. */
    int inner(Shape weights) {
        return Math.toIntExact(weights.slice(to).size());
    }
}
