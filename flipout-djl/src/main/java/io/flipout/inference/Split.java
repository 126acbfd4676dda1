package io.flipout.inference;

import io.flipout.graph.Constant;
import io.flipout.graph.Convolution;
import io.flipout.graph.Graph;
import io.flipout.graph.Input;
import io.flipout.graph.Node;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A graph in two, where its planes become small: one computes what the other takes. The second,
 * with images side by side, makes them small where a convolution does, as it reads with strides at
 * no cost then.
 */
final class Split {

    /** Numbers of a plane. Of 8 × 8 images side by side are as fast as one by one. */
    private static final int SMALL = 64;

    private Split() {}

    /**
     * The last node with large planes, if all goes through it and a convolution makes small ones of
     * them; else the first node with small planes through which all goes that comes later.
     *
     * @return the node; null if planes are small from the beginning, or there is none
     */
    static Node at(Graph graph) {
        if (graph.input().dims().area() <= SMALL) {
            return null;
        }
        Map<Node, List<Node>> readers = graph.readers();
        Set<Node> open = Collections.newSetFromMap(new IdentityHashMap<>()); // Read by later ones.
        Node last = null; // Through which all goes.
        for (Node node : graph.nodes()) {
            if (node instanceof Constant) {
                continue; // Both parts may have it.
            }
            boolean small = node.dims().area() <= SMALL && node.dims().channels() > 0;
            if (small && node instanceof Convolution && node.inputs().get(0) == last) {
                return last;
            }
            open.removeIf(read -> isLastReader(readers.get(read), node));
            if (node == graph.output()) {
                return null;
            }
            boolean alone = open.isEmpty() && !(node instanceof Input);
            if (alone && small) {
                return node;
            }
            last = alone ? node : last;
            open.add(node);
        }
        return null;
    }

    /** Readers are in the order of the graph. */
    private static boolean isLastReader(List<Node> readers, Node node) {
        return readers.get(readers.size() - 1) == node;
    }

    /** What leads to the node. */
    static Graph before(Graph graph, Node cut) {
        return new Graph(graph.input(), cut);
    }

    /** What follows the node, which becomes the input. */
    static Graph after(Graph graph, Node cut) {
        Input input = new Input(cut.dims());
        return new Graph(input, graph.rewrite((n, in) -> n == cut ? input : null).output());
    }
}
