package io.flipout.graph;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import java.util.function.BiFunction;

/**
 * What a network computes in evaluation mode, for images of one size: nodes that read each other's
 * results, from the input to the output. The size of the batch is open.
 */
public final class Graph {

    private final Input input;
    private final Node output;
    private final List<Node> nodes;

    /**
     * Creates a graph of all nodes that the output depends on.
     *
     * @param input the images
     * @param output the result
     */
    public Graph(Input input, Node output) {
        this.input = input;
        this.output = output;
        nodes = List.copyOf(sorted(output));
    }

    private static List<Node> sorted(Node output) {
        List<Node> sorted = new ArrayList<>();
        Set<Node> done = Collections.newSetFromMap(new IdentityHashMap<>());
        Deque<Node> open = new ArrayDeque<>(); // A deep network must not exhaust the stack.
        open.push(output);
        while (!open.isEmpty()) {
            Node node = open.peek();
            if (done.contains(node)) {
                open.pop();
                continue;
            }
            boolean ready = true;
            for (int i = node.inputs().size() - 1; i >= 0; i--) {
                if (!done.contains(node.inputs().get(i))) {
                    open.push(node.inputs().get(i));
                    ready = false;
                }
            }
            if (ready) {
                open.pop();
                done.add(node);
                sorted.add(node);
            }
        }
        return sorted;
    }

    /**
     * The images.
     *
     * @return the input, whether the output depends on it or not
     */
    public Input input() {
        return input;
    }

    /**
     * The result.
     *
     * @return the node whose numbers are the network's
     */
    public Node output() {
        return output;
    }

    /**
     * The nodes that the output depends on.
     *
     * @return the nodes, each after those that it reads
     */
    public List<Node> nodes() {
        return nodes;
    }

    /**
     * Who reads what.
     *
     * @return for each node the nodes that read it, as often as they do
     */
    public IdentityHashMap<Node, List<Node>> readers() {
        IdentityHashMap<Node, List<Node>> readers = new IdentityHashMap<>();
        for (Node node : nodes) {
            readers.put(node, new ArrayList<>());
            for (Node read : node.inputs()) {
                readers.get(read).add(node);
            }
        }
        return readers;
    }

    /**
     * Rewrites the graph from the input to the output.
     *
     * @param rule makes of a node and its rewritten inputs what takes its place
     * @return the new graph
     */
    public Graph rewrite(BiFunction<Node, List<Node>, Node> rule) {
        IdentityHashMap<Node, Node> rewritten = new IdentityHashMap<>();
        for (Node node : nodes) {
            List<Node> inputs = new ArrayList<>(node.inputs().size());
            boolean same = true;
            for (Node read : node.inputs()) {
                Node now = rewritten.get(read);
                same &= now == read;
                inputs.add(now);
            }
            Node replacement = rule.apply(node, inputs);
            rewritten.put(node, replacement != null ? replacement : same ? node : node.on(inputs));
        }
        return new Graph(input, rewritten.get(output));
    }
}
