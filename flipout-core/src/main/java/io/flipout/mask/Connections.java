package io.flipout.mask;

import ai.djl.ndarray.types.Shape;

/**
 * Which input and which output of a layer each weight of a tensor connects.
 *
 * <p>Inputs and outputs are channels of a convolution, features of a linear layer; the outputs of a
 * recurrent layer are its state, whose every gate has weights of its own, and those of an embedding
 * are its features, as its inputs are the tokens. A tensor of rank 1 connects each with itself.
 */
public final class Connections {

    private final ParameterRole.Kind kind;
    private final int rows;
    private final int columns;
    private final int inner;
    private final int parts;

    private Connections(ParameterRole role, int rows, int columns, int inner) {
        this.kind = role.kind();
        this.rows = rows;
        this.columns = columns;
        this.inner = inner;
        // A shape that does not fall into the parts is taken as a whole.
        this.parts = rows % role.parts() == 0 ? role.parts() : 1;
    }

    static Connections of(ParameterRole role, Shape shape) {
        int rank = shape.dimension();
        if (rank < 2) {
            return new Connections(
                    new ParameterRole(ParameterRole.Kind.OTHER), size(shape, 0, rank), 1, 1);
        }
        // A collection's layers come first, and the kernel's place is taken by the outputs.
        int second = role.kind() == ParameterRole.Kind.WEIGHT_COLLECTION ? rank - 2 : 1;
        return new Connections(
                role,
                size(shape, 0, second),
                size(shape, second, second + 1),
                size(shape, second + 1, rank));
    }

    private static int size(Shape shape, int from, int to) {
        long size = 1;
        for (int i = from; i < to; i++) {
            size *= shape.get(i);
        }
        return Math.toIntExact(size);
    }

    /**
     * Returns the number of inputs.
     *
     * @return the number of inputs
     */
    public int inputs() {
        return switch (kind) {
            case WEIGHT -> parts * columns;
            case WEIGHT_COLLECTION -> rows * columns;
            case RECURRENT_WEIGHT -> columns;
            default -> rows;
        };
    }

    /**
     * Returns the number of outputs.
     *
     * @return the number of outputs
     */
    public int outputs() {
        return switch (kind) {
            case TRANSPOSED_WEIGHT -> parts * columns;
            case WEIGHT_COLLECTION -> rows * inner;
            case RECURRENT_WEIGHT -> rows / parts;
            case EMBEDDING -> columns;
            default -> rows;
        };
    }

    /**
     * Returns the input that a weight leads from.
     *
     * @param index the weight's position, row-major
     * @return the input, 0 to {@link #inputs()} exclusive
     */
    public int input(int index) {
        int row = index / (columns * inner);
        int column = index / inner % columns;
        return switch (kind) {
            case WEIGHT -> group(row) * columns + column;
            case WEIGHT_COLLECTION -> row * columns + column;
            case RECURRENT_WEIGHT -> column;
            default -> row;
        };
    }

    /**
     * Returns the output that a weight leads to.
     *
     * @param index the weight's position, row-major
     * @return the output, 0 to {@link #outputs()} exclusive
     */
    public int output(int index) {
        int row = index / (columns * inner);
        int column = index / inner % columns;
        return switch (kind) {
            case TRANSPOSED_WEIGHT -> group(row) * columns + column;
            case WEIGHT_COLLECTION -> row * inner + index % inner;
            case RECURRENT_WEIGHT -> row % (rows / parts);
            case EMBEDDING -> column;
            default -> row;
        };
    }

    private int group(int row) {
        return row / (rows / parts);
    }
}
