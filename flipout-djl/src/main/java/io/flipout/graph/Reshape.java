package io.flipout.graph;

import java.util.List;

/** The same numbers in the same order in other axes. */
public final class Reshape extends Node {

    /**
     * Creates the node.
     *
     * @param input what it reads
     * @param dims the new sizes, of as many numbers
     */
    public Reshape(Node input, Dims dims) {
        super(List.of(input), dims);
        if (input.dims().size() != dims.size()) {
            throw new IllegalArgumentException(
                    "a reshape of " + input.dims().size() + " numbers to " + dims.size());
        }
    }

    @Override
    public Reshape on(List<Node> others) {
        return new Reshape(others.get(0), dims());
    }
}
