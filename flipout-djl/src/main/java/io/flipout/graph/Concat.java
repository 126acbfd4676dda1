package io.flipout.graph;

import java.util.List;

/** The channels of several nodes, one after the other. */
public final class Concat extends Node {

    /**
     * Creates the node.
     *
     * @param parts nodes of the same height and width
     */
    public Concat(List<Node> parts) {
        super(parts, dims(parts));
    }

    private static Dims dims(List<Node> parts) {
        Dims first = parts.get(0).dims();
        int channels = 0;
        for (Node part : parts) {
            if (!part.dims().withChannels(first.channels()).equals(first)) {
                throw new IllegalArgumentException("planes of different sizes joined");
            }
            channels = Math.addExact(channels, part.dims().channels());
        }
        return first.withChannels(channels);
    }

    @Override
    public Concat on(List<Node> others) {
        return new Concat(others);
    }
}
