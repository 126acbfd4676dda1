package io.flipout.djl.torchscript;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Parameter;
import io.flipout.graph.Affine;
import io.flipout.graph.Channels;
import io.flipout.graph.Concat;
import io.flipout.graph.Constant;
import io.flipout.graph.Convolution;
import io.flipout.graph.Dims;
import io.flipout.graph.Elementwise;
import io.flipout.graph.Function;
import io.flipout.graph.Graph;
import io.flipout.graph.Input;
import io.flipout.graph.Node;
import io.flipout.graph.Permute;
import io.flipout.graph.Pool;
import io.flipout.graph.Reshape;
import io.flipout.graph.Softmax;
import io.flipout.graph.Weights;
import io.flipout.graph.Window;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;

/**
 * A graph, made smaller, as statements of TorchScript and the tensors that they use. Where an
 * addition or the output has channels that are not computed, the others are put in their place by
 * index.
 */
final class CompactedModule {

    /** The module of indices and of numbers that no layer holds. */
    private static final String NUMBERS = "numbers_";

    /** Up to this share of its channels a summand is added by index. */
    private static final double BY_INDEX = 0.75;

    private final NDManager manager;
    private final double sparseFrom;
    private final ModuleTree tree = new ModuleTree("Compacted");
    private final List<Statement> statements = new ArrayList<>();
    private final Map<Node, Value> values = new IdentityHashMap<>();
    private final Map<String, Integer> names = new HashMap<>();
    private final Trace trace;
    private final List<CompactedLayer> layers;
    private int nextId;

    /**
     * Writes a graph down.
     *
     * @param graph what a module computes
     * @param small the same made smaller, which is written
     * @param input the module's input
     * @param sparseFrom how many times as fast a {@link SparseProduct} must be to be written
     * @param manager the owner of the tensors
     */
    CompactedModule(Graph graph, Graph small, Value input, double sparseFrom, NDManager manager) {
        this.manager = manager;
        this.sparseFrom = sparseFrom;
        nextId = input.id() + 1;
        layers = layers(graph, small);
        values.put(small.input(), input);
        for (Node node : small.nodes()) {
            if (!(node instanceof Input) && !(node instanceof Constant)) {
                values.put(node, result(expression(node)));
            }
        }
        trace =
                new Trace(
                        List.of(input),
                        statements,
                        List.of(values.get(small.output())),
                        List.copyOf(values.values()));
    }

    Trace trace() {
        return trace;
    }

    ModuleTree tree() {
        return tree;
    }

    List<CompactedLayer> layers() {
        return layers;
    }

    private List<CompactedLayer> layers(Graph before, Graph after) {
        Map<String, Convolution> left = new HashMap<>();
        for (Node node : after.nodes()) {
            if (node instanceof Convolution convolution) {
                left.put(convolution.name(), convolution);
            }
        }
        List<CompactedLayer> layers = new ArrayList<>();
        for (Node node : before.nodes()) {
            if (node instanceof Convolution convolution) {
                Weights all = convolution.weights();
                Convolution some = left.get(convolution.name());
                layers.add(
                        new CompactedLayer(
                                convolution.name(),
                                all.filters(),
                                some == null ? 0 : some.weights().filters(),
                                all.channels(),
                                some == null ? 0 : some.weights().channels(),
                                some != null && isSparse(some)));
            }
        }
        return layers;
    }

    private boolean isSparse(Convolution convolution) {
        double gain = SparseProduct.gain(convolution);
        return gain > 0 && gain >= sparseFrom;
    }

    // Tensors.

    private Value result(Expression expression) {
        Value value = new Value(nextId++, Value.Kind.RESULT, null, null, null);
        statements.add(new Statement(expression, List.of(value), false));
        return value;
    }

    private Value tensor(List<String> path, Parameter.Type type, boolean isTrained, NDArray array) {
        Parameter parameter =
                Parameter.builder()
                        .setName(path.get(path.size() - 1))
                        .setType(type)
                        .optRequiresGrad(isTrained)
                        .build();
        parameter.setArray(array);
        tree.add(path, parameter);
        return new Value(
                nextId++, Value.Kind.PARAMETER, String.join(".", path), array, array.getShape());
    }

    private Value layerTensor(
            String layer, String name, Parameter.Type type, boolean isTrained, NDArray array) {
        List<String> path = new ArrayList<>();
        if (!layer.isEmpty()) {
            path.addAll(Arrays.asList(layer.split("\\.")));
        }
        String unique = name;
        // A layer may be used more than once.
        for (int i = names.merge(layer + "." + name, 1, Integer::sum); i > 1; i = 1) {
            unique = name + "_" + i;
        }
        path.add(unique);
        return tensor(path, type, isTrained, array);
    }

    private Value layerNumbers(String layer, String name, NDArray array) {
        return layerTensor(layer, name, Parameter.Type.RUNNING_MEAN, false, array);
    }

    /** A tensor that is not trained. */
    private Value numbers(String kind, NDArray array) {
        int count = names.merge(NUMBERS + kind, 1, Integer::sum);
        return tensor(List.of(NUMBERS, kind + count), Parameter.Type.RUNNING_MEAN, false, array);
    }

    private Value floats(String kind, float[] numbers, long... shape) {
        return numbers(kind, manager.create(numbers, new Shape(shape)));
    }

    private Value index(int[] numbers) {
        long[] wide = Arrays.stream(numbers).asLongStream().toArray();
        return numbers("index", manager.create(wide));
    }

    /** A number for each channel, in as many axes as the node's result has. */
    private Value perChannel(String kind, float[] numbers, Dims dims) {
        long[] shape = new long[dims.rank()];
        Arrays.fill(shape, 1);
        shape[1] = numbers.length;
        return floats(kind, numbers, shape);
    }

    // Expressions.

    private Value read(Node node) {
        return values.computeIfAbsent(node, n -> constant((Constant) n));
    }

    private Value constant(Constant constant) {
        Dims dims = constant.dims();
        float[] all = new float[dims.size()];
        float[] first = new float[dims.channels()];
        boolean uniform = true;
        for (int i = 0; i < all.length; i++) {
            all[i] = constant.value(i);
            first[i / dims.area()] = all[i / dims.area() * dims.area()];
            uniform &= all[i] == first[i / dims.area()];
        }
        if (uniform) {
            return perChannel("constant", first, dims);
        }
        long[] shape = new long[dims.rank()];
        shape[0] = 1;
        for (int axis = 1; axis < shape.length; axis++) {
            shape[axis] = dims.axes()[axis - 1];
        }
        return floats("constant", all, shape);
    }

    private Expression expression(Node node) {
        if (node instanceof Convolution convolution) {
            return convolution(convolution);
        } else if (node instanceof Affine affine) {
            return affine(affine);
        } else if (node instanceof Elementwise elementwise) {
            return elementwise(elementwise);
        } else if (node instanceof Pool pool) {
            return pool(pool);
        } else if (node instanceof Reshape) {
            return reshape(node);
        } else if (node instanceof Permute permute) {
            List<Integer> order = new ArrayList<>(List.of(0));
            for (int axis : permute.order()) {
                order.add(axis + 1);
            }
            return call("torch.permute", read(node.inputs().get(0)), order);
        } else if (node instanceof Concat) {
            return call("torch.cat", node.inputs().stream().map(this::read).toList(), 1);
        } else if (node instanceof Softmax softmax) {
            String function = softmax.isLogarithm() ? "torch.log_softmax" : "torch.softmax";
            return call(function, read(node.inputs().get(0)), softmax.axis() + 1, null);
        }
        return channels((Channels) node);
    }

    /** As {@link Expression#of}, of tensors that are no arrays. */
    private static Expression call(String function, Object... arguments) {
        return Expression.of(function, arguments);
    }

    private Expression convolution(Convolution node) {
        Weights weights = node.weights();
        Dims dims = node.dims();
        boolean depthwise = node.groups() > 1 && weights.filters() == weights.channels();
        int groups = depthwise ? weights.filters() : node.groups();
        float[] dense = ofGroups(weights, groups);
        Value weight =
                layerTensor(
                        node.name(),
                        "weight",
                        Parameter.Type.WEIGHT,
                        !isSparse(node),
                        manager.create(dense, shape(weights, groups, dims.rank())));
        boolean biased = false;
        for (float bias : node.bias()) {
            biased |= bias != 0;
        }
        Value bias =
                biased
                        ? layerTensor(
                                node.name(),
                                "bias",
                                Parameter.Type.BIAS,
                                true,
                                manager.create(node.bias()))
                        : null;
        Value input = read(node.inputs().get(0));
        if (node.isLinear()) {
            return call("torch.linear", input, weight, bias);
        }
        Expression result = convolved(node, input, weight, bias, groups);
        result = isSparse(node) ? sparse(node, result) : result;
        if (node.ones() == null) {
            return result;
        }
        Value onesWeight =
                layerTensor(
                        node.name(),
                        "ones",
                        Parameter.Type.WEIGHT,
                        true,
                        manager.create(node.ones().toDense(), shape(node.ones(), 1, dims.rank())));
        Expression plane =
                call(
                        "torch.ones_like",
                        call("torch.slice", call("torch.slice", input, 0, 0, 1, 1), 1, 0, 1, 1));
        return call("torch.add", result, convolved(node, plane, onesWeight, null, 1));
    }

    /** The same by those weights alone that are not 0. */
    private Expression sparse(Convolution node, Expression convolved) {
        SparseProduct product = SparseProduct.of(node.weights(), node.window());
        List<Object> arguments = new ArrayList<>(convolved.arguments());
        arguments.add(layerNumbers(node.name(), "filters", manager.create(product.filters())));
        arguments.add(layerNumbers(node.name(), "channels", manager.create(product.channels())));
        arguments.add(layerNumbers(node.name(), "rows", manager.create(product.rows())));
        arguments.add(layerNumbers(node.name(), "columns", manager.create(product.columns())));
        arguments.add(layerNumbers(node.name(), "values", manager.create(product.values())));
        return call(SparseProduct.FUNCTION, arguments.toArray());
    }

    private static Expression convolved(
            Convolution node, Object input, Value weight, Value bias, int groups) {
        Window w = node.window();
        boolean rows = node.dims().rank() == 4;
        return call(
                rows ? "torch.conv2d" : "torch.conv1d",
                input,
                weight,
                bias,
                sizes(rows, w.strideY(), w.strideX()),
                sizes(rows, w.paddingY(), w.paddingX()),
                sizes(rows, w.dilationY(), w.dilationX()),
                groups);
    }

    private static List<Integer> sizes(boolean rows, int y, int x) {
        return rows ? List.of(y, x) : List.of(x);
    }

    private static Shape shape(Weights weights, int groups, int rank) {
        long channels = weights.channels() / groups;
        return switch (rank) {
            case 2 -> new Shape(weights.filters(), channels);
            case 3 -> new Shape(weights.filters(), channels, weights.width());
            default -> new Shape(weights.filters(), channels, weights.height(), weights.width());
        };
    }

    /** The weights without those between groups. */
    private static float[] ofGroups(Weights weights, int groups) {
        if (groups == 1) {
            return weights.toDense();
        }
        int size = weights.channels() / groups * weights.area();
        float[] dense = new float[weights.filters() * size];
        for (int filter = 0; filter < weights.filters(); filter++) {
            int first = filter / (weights.filters() / groups) * size;
            for (int i = weights.start(filter); i < weights.start(filter + 1); i++) {
                if (weights.value(i) != 0) {
                    dense[filter * size + weights.position(filter, i) - first] = weights.value(i);
                }
            }
        }
        return dense;
    }

    /** A batch norm whose statistics change nothing. */
    private Expression affine(Affine node) {
        int channels = node.dims().channels();
        float[] ones = new float[channels];
        Arrays.fill(ones, 1);
        return call(
                "torch.batch_norm",
                read(node.inputs().get(0)),
                floats("scale", node.scale(), channels),
                floats("shift", node.shift(), channels),
                floats("mean", new float[channels], channels),
                floats("variance", ones, channels),
                false,
                0.0,
                0.0,
                false);
    }

    private Expression elementwise(Elementwise node) {
        if (node.function() == Function.ADD) {
            Expression sum = added(node, node.inputs().get(0), node.inputs().get(1));
            sum = sum != null ? sum : added(node, node.inputs().get(1), node.inputs().get(0));
            if (sum != null) {
                return sum;
            }
        }
        Object[] arguments = new Object[node.inputs().size()];
        boolean number = false;
        for (int i = 0; i < arguments.length; i++) {
            boolean scalar =
                    i > 0
                            && node.inputs().get(i) instanceof Constant constant
                            && constant.isScalar();
            arguments[i] =
                    scalar
                            ? (Object) (double) ((Constant) node.inputs().get(i)).value(0)
                            : read(node.inputs().get(i));
            number |= scalar;
        }
        String function = node.function().torchName();
        if (number && node.function() == Function.MAXIMUM) {
            function = "torch.clamp_min";
        } else if (number && node.function() == Function.MINIMUM) {
            function = "torch.clamp_max";
        }
        return call(function, arguments);
    }

    /** The sum of all channels and some, by index; null if it is none. */
    private Expression added(Elementwise node, Node whole, Node part) {
        if (!(part instanceof Channels channels)
                || whole instanceof Constant
                || !whole.dims().equals(node.dims())) {
            return null;
        }
        int[] places = places(channels);
        if (places.length > BY_INDEX * node.dims().channels()) {
            return null;
        }
        Object base = read(whole);
        boolean filled = false;
        float[] fill = channels.fill().clone();
        for (int i = 0; i < fill.length; i++) {
            fill[i] = channels.index()[i] < 0 ? fill[i] : 0;
            filled |= fill[i] != 0;
        }
        if (filled) {
            base = call("torch.add", base, perChannel("constant", fill, node.dims()));
        }
        return call("torch.index_add", base, 1, index(places), selected(channels));
    }

    /** Which channels come from the node that is read. */
    private static int[] places(Channels node) {
        List<Integer> places = new ArrayList<>();
        for (int i = 0; i < node.index().length; i++) {
            if (node.index()[i] >= 0) {
                places.add(i);
            }
        }
        return places.stream().mapToInt(i -> i).toArray();
    }

    /** The channels that are read, without those that are constant. */
    private Object selected(Channels node) {
        int[] taken = Arrays.stream(node.index()).filter(i -> i >= 0).toArray();
        Node source = node.inputs().get(0);
        boolean all = taken.length == source.dims().channels();
        for (int i = 0; all && i < taken.length; i++) {
            all = taken[i] == i;
        }
        return all ? read(source) : call("torch.index_select", read(source), 1, index(taken));
    }

    private Expression channels(Channels node) {
        int[] places = places(node);
        if (places.length == node.index().length) {
            return selected(node) instanceof Expression expression
                    ? expression
                    : call("torch.alias", read(node.inputs().get(0)));
        }
        Value source = read(node.inputs().get(0));
        Expression filled =
                call(
                        "torch.mul",
                        call("torch.ones_like", call("torch.slice", source, 1, 0, 1, 1)),
                        perChannel("constant", node.fill(), node.dims()));
        return places.length == 0
                ? filled
                : call("torch.index_copy", filled, 1, index(places), selected(node));
    }

    private Expression pool(Pool node) {
        Value input = read(node.inputs().get(0));
        boolean rows = node.dims().rank() == 4;
        String axes = rows ? "2d" : "1d";
        if (node.isAdaptive()) {
            List<Integer> sizes = sizes(rows, node.dims().height(), node.dims().width());
            return node.isMax()
                    ? call("torch.adaptive_max_pool" + axes, input, sizes).item(0)
                    : call("torch.adaptive_avg_pool" + axes, input, sizes);
        }
        Window w = node.window();
        List<Integer> kernel = sizes(rows, w.height(), w.width());
        List<Integer> stride = sizes(rows, w.strideY(), w.strideX());
        List<Integer> padding = sizes(rows, w.paddingY(), w.paddingX());
        return node.isMax()
                ? call(
                        "torch.max_pool" + axes,
                        input,
                        kernel,
                        stride,
                        padding,
                        sizes(rows, w.dilationY(), w.dilationX()),
                        node.isCeil())
                : call(
                        "torch.avg_pool" + axes,
                        input,
                        kernel,
                        stride,
                        padding,
                        node.isCeil(),
                        node.countsPadding());
    }

    private Expression reshape(Node node) {
        Dims from = node.inputs().get(0).dims();
        Value input = read(node.inputs().get(0));
        if (from.equals(node.dims())) {
            return call("torch.to", input, 6, false, false); // Truths become numbers.
        } else if (node.dims().rank() == 2) {
            return call("torch.flatten", input, 1, -1);
        }
        List<Integer> sizes = new ArrayList<>(List.of(-1));
        for (int axis : node.dims().axes()) {
            sizes.add(axis);
        }
        return call("torch.reshape", input, sizes);
    }
}
