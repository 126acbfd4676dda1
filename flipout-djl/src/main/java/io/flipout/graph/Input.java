package io.flipout.graph;

import java.util.List;

/** The images that the network is given. */
public final class Input extends Node {

    /**
     * Creates the input.
     *
     * @param dims the sizes of an image
     */
    public Input(Dims dims) {
        super(List.of(), dims);
    }

    @Override
    public Input on(List<Node> others) {
        return this;
    }
}
