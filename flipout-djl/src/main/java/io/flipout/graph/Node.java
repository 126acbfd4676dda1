package io.flipout.graph;

import java.util.List;

/**
 * A step of a network's computation: what it does to which other nodes' results. Nodes do not
 * change; a pass makes new ones. Two nodes are the same only if they are one object.
 */
public abstract sealed class Node
        permits Input,
                Constant,
                Convolution,
                Affine,
                Elementwise,
                Pool,
                Reshape,
                Permute,
                Concat,
                Softmax,
                Channels {

    private final List<Node> inputs;
    private final Dims dims;

    Node(List<Node> inputs, Dims dims) {
        this.inputs = List.copyOf(inputs);
        this.dims = dims;
    }

    /**
     * What the step works on.
     *
     * @return nodes; none for the network's input and for constants
     */
    public final List<Node> inputs() {
        return inputs;
    }

    /**
     * The sizes of the result.
     *
     * @return the sizes, without the batch
     */
    public final Dims dims() {
        return dims;
    }

    /**
     * The same step on other nodes.
     *
     * @param others as many nodes as {@link #inputs}
     * @return a new node
     */
    public abstract Node on(List<Node> others);

    final Node input() {
        return inputs.get(0);
    }
}
