package io.flipout.graph;

import java.util.List;

/** The axes after the batch in another order. */
public final class Permute extends Node {

    private final int[] order;

    /**
     * Creates the node.
     *
     * @param input what it reads
     * @param order for each of PyTorch's axes after the batch, which of the input's it is, from 0
     */
    public Permute(Node input, int[] order) {
        super(List.of(input), dims(input.dims().axes(), order));
        this.order = order.clone();
    }

    private static Dims dims(int[] axes, int[] order) {
        int[] permuted = new int[order.length];
        for (int i = 0; i < order.length; i++) {
            permuted[i] = axes[order[i]];
        }
        return Dims.of(permuted);
    }

    /**
     * Where each axis comes from.
     *
     * @return for each of PyTorch's axes after the batch, which of the input's it is
     */
    public int[] order() {
        return order.clone();
    }

    @Override
    public Permute on(List<Node> others) {
        return new Permute(others.get(0), order);
    }
}
