package io.flipout.graph;

import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.Map;

/**
 * Which channels of a network lie on a path from its input to its output: those that are fed, as
 * some weight leads to them from what is fed, and that are read, as some weight leads on from them
 * to what is read. What a channel that is not fed gives is the same for every image.
 *
 * <p>It is told by which weights there are, whatever their values.
 */
public final class Paths {

    private final Graph graph;
    private final Links links;
    private final Map<Node, boolean[]> fed = new IdentityHashMap<>();
    private final Map<Node, boolean[]> read = new IdentityHashMap<>();

    /** Which weights there are. */
    @FunctionalInterface
    public interface Links {

        /**
         * Tells which channels the filters of a layer have weights on.
         *
         * @param layer the layer
         * @return for each filter and within it each channel whether there is a weight; null if all
         *     have
         */
        boolean[] of(Convolution layer);
    }

    private Paths(Graph graph, Links links) {
        this.graph = graph;
        this.links = links;
    }

    /**
     * Follows a network's paths, to the output and back.
     *
     * @param graph the network
     * @param links which weights there are
     * @return its paths
     */
    public static Paths of(Graph graph, Links links) {
        Paths paths = new Paths(graph, links);
        paths.feed();
        paths.read();
        return paths;
    }

    /**
     * Tells whether a weight lies on a path.
     *
     * @param layer its layer, of this network
     * @param filter the filter it leads to
     * @param channel the channel it leads from
     * @return false if what it brings is the same for every image, or nobody reads it
     */
    public boolean pass(Convolution layer, int filter, int channel) {
        return fed.get(layer.input())[channel] && read.get(layer)[filter];
    }

    /**
     * Tells whether there is any path.
     *
     * @return false if the output is the same for every image
     */
    public boolean isAny() {
        return any(fed.get(graph.output()));
    }

    /**
     * Tells whether every weight of a layer lies on a path.
     *
     * @param layer the layer, of this network
     * @return true if all of its channels are fed and all of its filters read
     */
    public boolean passAll(Convolution layer) {
        return all(fed.get(layer.input())) && all(read.get(layer));
    }

    private static boolean all(boolean[] flags) {
        for (boolean flag : flags) {
            if (!flag) {
                return false;
            }
        }
        return true;
    }

    private void feed() {
        for (Node node : graph.nodes()) {
            fed.put(node, fed(node));
        }
    }

    private boolean[] fed(Node node) {
        boolean[] channels = new boolean[node.dims().channels()];
        if (node instanceof Input) {
            Arrays.fill(channels, true);
        } else if (node instanceof Convolution layer) {
            boolean[] from = fed.get(layer.input());
            boolean[] linked = links.of(layer);
            for (int filter = 0; filter < channels.length; filter++) {
                for (int i = 0; i < from.length && !channels[filter]; i++) {
                    channels[filter] = from[i] && isLinked(linked, filter * from.length + i);
                }
            }
        } else if (node instanceof Concat) {
            int first = 0;
            for (Node part : node.inputs()) {
                boolean[] from = fed.get(part);
                System.arraycopy(from, 0, channels, first, from.length);
                first += from.length;
            }
        } else {
            for (Node operand : node.inputs()) {
                boolean[] from = fed.get(operand);
                for (int i = 0; i < channels.length; i++) {
                    channels[i] |= isMixed(node) ? any(from) : at(from, node, operand, i);
                }
            }
        }
        return channels;
    }

    private static boolean isLinked(boolean[] linked, int pair) {
        return linked == null || linked[pair];
    }

    private static boolean at(boolean[] from, Node node, Node operand, int channel) {
        int source = ChannelRemoval.source(node, operand, channel);
        return source >= 0 && from[source];
    }

    /** Whether any channel may depend on all channels before. */
    private static boolean isMixed(Node node) {
        return node instanceof Softmax
                || node instanceof Permute
                || (node instanceof Reshape
                        && !ChannelRemoval.isFlatten(node)
                        && !ChannelRemoval.isSame(node));
    }

    private static boolean any(boolean[] flags) {
        for (boolean flag : flags) {
            if (flag) {
                return true;
            }
        }
        return false;
    }

    private void read() {
        for (Node node : graph.nodes()) {
            read.put(node, new boolean[node.dims().channels()]);
        }
        Arrays.fill(read.get(graph.output()), true);
        for (int i = graph.nodes().size() - 1; i >= 0; i--) {
            Node node = graph.nodes().get(i);
            readBy(node, read.get(node));
        }
    }

    private void readBy(Node node, boolean[] channels) {
        if (node instanceof Convolution layer) {
            boolean[] from = read.get(layer.input());
            boolean[] linked = links.of(layer);
            for (int filter = 0; filter < channels.length; filter++) {
                for (int i = 0; i < from.length && channels[filter]; i++) {
                    from[i] |= isLinked(linked, filter * from.length + i);
                }
            }
        } else if (node instanceof Concat) {
            int first = 0;
            for (Node part : node.inputs()) {
                boolean[] from = read.get(part);
                for (int i = 0; i < from.length; i++) {
                    from[i] |= channels[first + i];
                }
                first += from.length;
            }
        } else {
            for (Node operand : node.inputs()) {
                boolean[] from = read.get(operand);
                if (isMixed(node) && any(channels)) {
                    Arrays.fill(from, true);
                }
                for (int i = 0; i < channels.length && !isMixed(node); i++) {
                    int source = ChannelRemoval.source(node, operand, i);
                    if (source >= 0) {
                        from[source] |= channels[i];
                    }
                }
            }
        }
    }
}
