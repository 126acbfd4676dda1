package io.flipout.graph;

/** The passes in the order in which one leaves work for the next. */
public final class Passes {

    private Passes() {}

    /**
     * Makes a graph as small as it gets, for kernels that take filters of any weights, add and
     * apply functions in their last write.
     *
     * @param graph a graph
     * @return one that computes the same
     */
    public static Graph forKernels(Graph graph) {
        return Fusion.of(ChannelRemoval.of(Folding.of(graph), false));
    }

    /**
     * Makes a graph smaller, of nodes that PyTorch has functions for.
     *
     * @param graph a graph
     * @return one that computes the same
     */
    public static Graph forPyTorch(Graph graph) {
        return ChannelRemoval.of(Folding.of(graph), true);
    }

    /**
     * Puts batch norm into the layers before it and leaves all else as it is.
     *
     * @param graph a graph
     * @return one that computes the same
     */
    public static Graph folded(Graph graph) {
        return Folding.of(graph);
    }
}
