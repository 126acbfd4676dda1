package io.flipout.graph;

import java.util.List;

/** Softmax along one axis, or its logarithm. */
public final class Softmax extends Node {

    private final int axis;
    private final boolean logarithm;

    /**
     * Creates the node.
     *
     * @param input what it reads
     * @param axis which of PyTorch's axes after the batch, from 0
     * @param logarithm whether the logarithm is taken
     */
    public Softmax(Node input, int axis, boolean logarithm) {
        super(List.of(input), input.dims());
        if (axis < 0 || axis > dims().rank() - 2) {
            throw new IllegalArgumentException("a softmax along axis " + (axis + 1));
        }
        this.axis = axis;
        this.logarithm = logarithm;
    }

    /**
     * The axis.
     *
     * @return which of PyTorch's axes after the batch, from 0
     */
    public int axis() {
        return axis;
    }

    /**
     * Whether the logarithm is taken.
     *
     * @return true for log-softmax
     */
    public boolean isLogarithm() {
        return logarithm;
    }

    @Override
    public Softmax on(List<Node> others) {
        return new Softmax(others.get(0), axis, logarithm);
    }
}
