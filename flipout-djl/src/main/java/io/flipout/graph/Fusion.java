package io.flipout.graph;

import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;

/**
 * Does in the last write of a convolution what is done to its result next: the addition of another
 * node and a function of each number. A batch norm that has no convolution before it becomes one of
 * each channel by itself. Channels are chosen by the weights that read or make them, not copied.
 */
final class Fusion {

    private final Map<Node, List<Node>> readers;
    private final Map<Node, Node> before = new IdentityHashMap<>();

    private Fusion(Graph graph) {
        readers = graph.readers();
    }

    static Graph of(Graph graph) {
        Fusion fusion = new Fusion(graph);
        return graph.rewrite(fusion::fused);
    }

    private Node fused(Node node, List<Node> inputs) {
        Node result = node.on(inputs);
        if (result instanceof Affine affine) {
            result = byChannel(affine);
        }
        if (result instanceof Convolution convolution) {
            result = reading(convolution);
        } else if (result instanceof Channels channels && !isAdded(node)) {
            result = making(channels);
        } else if (result instanceof Elementwise elementwise) {
            result = done(elementwise);
        }
        before.put(result, node);
        return result;
    }

    /** One side of an addition is made by a convolution, the other is added by index. */
    private boolean isAdded(Node channels) {
        List<Node> all = readers.get(channels);
        return all.size() == 1
                && all.get(0) instanceof Elementwise sum
                && sum.function() == Function.ADD;
    }

    /** A convolution that only this reader reads, and that can take something on. */
    private boolean isFree(Node node) {
        Node original = before.get(node);
        return node instanceof Convolution convolution
                && convolution.activation() == null
                && readers.get(original).size() == 1;
    }

    private static Convolution byChannel(Affine affine) {
        int channels = affine.dims().channels();
        int[] starts = new int[channels + 1];
        int[] positions = new int[channels];
        Arrays.setAll(starts, i -> i);
        Arrays.setAll(positions, i -> i);
        Weights weights =
                Weights.sparse(channels, channels, 1, 1, starts, positions, affine.scale());
        return Convolution.of("", affine.input(), weights, affine.shift(), Window.ONE, channels);
    }

    /** Reads the channels that were chosen where they are. */
    private static Convolution reading(Convolution convolution) {
        if (!(convolution.input() instanceof Channels channels) || !convolution.isBare()) {
            return convolution;
        }
        int[] index = channels.index();
        for (int i = 0; i < index.length; i++) {
            if (index[i] < 0 || (i > 0 && index[i] <= index[i - 1])) {
                return convolution;
            }
        }
        Node source = channels.input();
        Weights weights =
                convolution
                        .weights()
                        .select(
                                numbers(convolution.weights().filters()),
                                index,
                                source.dims().channels());
        return convolution.with(source, weights, convolution.bias(), convolution.ones());
    }

    private static int[] numbers(int count) {
        int[] numbers = new int[count];
        Arrays.setAll(numbers, i -> i);
        return numbers;
    }

    /** Makes the chosen channels only; those of one number are filters without weights. */
    private Node making(Channels channels) {
        if (!isFree(channels.input()) || !((Convolution) channels.input()).isBare()) {
            return channels;
        }
        Convolution convolution = (Convolution) channels.input();
        int[] index = channels.index();
        float[] bias = new float[index.length];
        for (int i = 0; i < bias.length; i++) {
            bias[i] = index[i] < 0 ? channels.fill()[i] : convolution.bias()[index[i]];
        }
        Weights weights = convolution.weights();
        Weights kept = weights.select(index, numbers(weights.channels()), weights.channels());
        Weights ones = convolution.ones();
        Weights keptOnes = ones == null ? null : ones.select(index, new int[] {0}, 1);
        return convolution.with(convolution.input(), kept, bias, keptOnes);
    }

    private Node done(Elementwise node) {
        if (node.function() == Function.ADD && node.inputs().size() == 2) {
            for (int side = 0; side < 2; side++) {
                Node sum = added(node, node.inputs().get(side), node.inputs().get(1 - side));
                if (sum != null) {
                    return sum;
                }
            }
        }
        if (node.isOfOne() && !(node.input() instanceof Constant)) {
            return activated(node);
        }
        return node;
    }

    private Node added(Elementwise node, Node side, Node other) {
        Node one = side instanceof Channels chosen ? making(chosen) : side;
        if (one != side) {
            before.put(one, before.get(side));
        }
        if (!isFree(one)
                || !((Convolution) one).isBare()
                || !one.dims().equals(node.dims())
                || !other.dims().equals(node.dims())) {
            return null;
        }
        Convolution convolution = (Convolution) one;
        if (!(other instanceof Channels channels)) {
            return convolution.withResidual(other, numbers(node.dims().channels()));
        }
        float[] bias = convolution.bias().clone();
        for (int i = 0; i < bias.length; i++) {
            bias[i] += channels.index()[i] < 0 ? channels.fill()[i] : 0;
        }
        return convolution
                .with(convolution.input(), convolution.weights(), bias, convolution.ones())
                .withResidual(channels.input(), channels.index());
    }

    private Node activated(Elementwise node) {
        Node read = node.input();
        if (isFree(read)) {
            return ((Convolution) read).withActivation(node.function(), node.arguments());
        }
        // ReLU6 is written as a minimum of a ReLU.
        if (node.function() == Function.MINIMUM
                && read instanceof Convolution convolution
                && convolution.activation() == Function.RELU
                && readers.get(before.get(read)).size() == 1
                && node.arguments()[0] >= 0) {
            return convolution
                    .withoutActivation()
                    .withActivation(Function.CLAMP, 0, node.arguments()[0]);
        }
        return node;
    }
}
