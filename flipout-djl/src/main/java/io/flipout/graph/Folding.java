package io.flipout.graph;

import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;

/**
 * Folds batch norm, and arithmetic with a number for each channel, into the convolution or linear
 * layer before it: s · (w · x + b) + t = (s · w) · x + (s · b + t).
 */
final class Folding {

    private final Map<Node, List<Node>> readers;

    /** What each new node was before. */
    private final Map<Node, Node> before = new IdentityHashMap<>();

    private Folding(Graph graph) {
        readers = graph.readers();
    }

    static Graph of(Graph graph) {
        Folding folding = new Folding(graph);
        return graph.rewrite(folding::folded);
    }

    private Node folded(Node node, List<Node> inputs) {
        Node result = node.on(inputs);
        if (result instanceof Elementwise elementwise) {
            Affine affine = affine(elementwise);
            result = affine == null ? result : affine;
        }
        if (result instanceof Affine affine && isReadOnce(affine.input())) {
            result = merged(affine);
        }
        before.put(result, node);
        return result;
    }

    private boolean isReadOnce(Node read) {
        Node original = before.get(read);
        return original != null && readers.get(original).size() == 1;
    }

    private static Node merged(Affine affine) {
        float[] scale = affine.scale();
        float[] shift = new float[scale.length];
        if (affine.input() instanceof Convolution convolution && convolution.isBare()) {
            for (int i = 0; i < shift.length; i++) {
                shift[i] = convolution.bias()[i] * scale[i] + affine.shift()[i];
            }
            Weights weights = convolution.weights().scaled(scale);
            return convolution.with(convolution.input(), weights, shift, null);
        }
        if (affine.input() instanceof Affine first) {
            float[] product = new float[scale.length];
            for (int i = 0; i < shift.length; i++) {
                product[i] = first.scale()[i] * scale[i];
                shift[i] = first.shift()[i] * scale[i] + affine.shift()[i];
            }
            return new Affine(first.input(), product, shift);
        }
        return affine;
    }

    /** Arithmetic of planes with a number for each channel; null for anything else. */
    private static Affine affine(Elementwise node) {
        if (node.inputs().size() != 2) {
            return null;
        }
        boolean first = node.inputs().get(1) instanceof Constant;
        Node planes = node.inputs().get(first ? 0 : 1);
        if (!(node.inputs().get(first ? 1 : 0) instanceof Constant constant)
                || planes instanceof Constant
                || !planes.dims().equals(node.dims())
                || constant.dims().area() > 1) {
            return null;
        }
        float[] scale = new float[node.dims().channels()];
        float[] shift = new float[scale.length];
        for (int i = 0; i < scale.length; i++) {
            float value = constant.value(constant.isScalar() ? 0 : i);
            switch (node.function()) {
                case ADD -> {
                    scale[i] = 1;
                    shift[i] = value;
                }
                case SUB -> {
                    scale[i] = first ? 1 : -1;
                    shift[i] = first ? -value : value;
                }
                case MUL -> scale[i] = value;
                case DIV -> scale[i] = first ? 1 / value : Float.NaN;
                default -> scale[i] = Float.NaN;
            }
            if (!Float.isFinite(scale[i]) || !Float.isFinite(shift[i])) {
                return null;
            }
        }
        return new Affine(planes, scale, shift);
    }
}
