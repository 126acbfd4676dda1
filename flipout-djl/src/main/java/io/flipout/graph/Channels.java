package io.flipout.graph;

import java.util.List;

/**
 * Channels taken by index, and channels of one number in between: what makes all channels out of
 * those that are computed.
 */
public final class Channels extends Node {

    private final int[] index;
    private final float[] fill;

    /**
     * Creates the node.
     *
     * @param input what it reads
     * @param index which channel of the input each channel is, below 0 for a constant; not copied
     * @param fill the constants; looked at only where the index is below 0; not copied
     */
    public Channels(Node input, int[] index, float[] fill) {
        super(List.of(input), input.dims().withChannels(index.length));
        this.index = index;
        this.fill = fill;
    }

    /**
     * Where the channels come from.
     *
     * @return a channel of the input for each, below 0 for a constant; not to be changed
     */
    public int[] index() {
        return index;
    }

    /**
     * The constants.
     *
     * @return a number for each channel, of use where the index is below 0; not to be changed
     */
    public float[] fill() {
        return fill;
    }

    @Override
    public Channels on(List<Node> others) {
        return new Channels(others.get(0), index, fill);
    }
}
