package io.flipout.djl.torchscript;

import io.flipout.djl.torchscript.ScriptCode.Assignment;
import io.flipout.djl.torchscript.ScriptCode.Attribute;
import io.flipout.djl.torchscript.ScriptCode.Check;
import io.flipout.djl.torchscript.ScriptCode.ConstantNumber;
import io.flipout.djl.torchscript.ScriptCode.Invocation;
import io.flipout.djl.torchscript.ScriptCode.Item;
import io.flipout.djl.torchscript.ScriptCode.Name;
import io.flipout.djl.torchscript.ScriptCode.Named;
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
import java.util.Collections;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Follows the code of a module for images of one size, and makes a graph of it. What the code
 * computes with sizes is computed now; the size of the batch stays open, as a {@link BatchSize}.
 */
final class ScriptGraph {

    /** Where the module's numbers are. */
    interface Tensors {
        /** The tensor that attributes lead to; null if there is none. */
        LayerTensor attribute(List<String> path);

        /** A tensor among the constants; null if there is none. */
        LayerTensor constant(int index);
    }

    /** The size of the batch, times a number. */
    private record BatchSize(long factor) {}

    /** Numbers that do not depend on the input, with PyTorch's axes, the batch's (of 1) or not. */
    private record Numbers(int[] sizes, float[] values) {}

    /** What stands for a device. */
    private static final Object DEVICE = new Object();

    /** How many arguments a convolution has. */
    private static final int CONVOLUTION = 7;

    private static final long FLOAT32 = 6;
    private static final long BOOLEAN = 11;

    private final Tensors tensors;
    private final Map<String, Object> variables = new HashMap<>();

    /** Nodes whose numbers are truths. */
    private final Set<Node> logical = Collections.newSetFromMap(new IdentityHashMap<>());

    /** Nodes whose memory has, in PyTorch, more than one name. */
    private final Set<Node> shared = Collections.newSetFromMap(new IdentityHashMap<>());

    /** The module whose tensor was read last. */
    private String layer = "";

    private ScriptGraph(Tensors tensors) {
        this.tensors = tensors;
    }

    /** What this engine does not compute. */
    static final class Uncovered extends Exception {

        private static final long serialVersionUID = 1L;

        Uncovered(String what) {
            super(what);
        }
    }

    /** Refuses what no graph has, whatever the code does. */
    static void checkCovered(ScriptCode.Forward forward, int rank) throws Uncovered {
        if (forward.inputs().size() != 1) {
            throw new Uncovered("takes " + forward.inputs().size() + " inputs");
        }
        if (forward.results().size() != 1) {
            throw new Uncovered("has " + forward.results().size() + " outputs");
        }
        if (rank > 4) {
            throw new Uncovered("takes input with " + rank + " axes");
        }
    }

    /**
     * Makes the graph.
     *
     * @param forward the code
     * @param tensors the numbers
     * @param dims the sizes of an image
     * @throws Uncovered if there is more to it than nodes exist for
     * @throws IllegalArgumentException if the sizes do not fit together
     */
    static Graph of(ScriptCode.Forward forward, Tensors tensors, Dims dims) throws Uncovered {
        checkCovered(forward, dims.rank());
        for (Check check : forward.checks()) {
            int[] axes = dims.axes();
            if (check.axis() < 1
                    || check.axis() > axes.length
                    || axes[check.axis() - 1] != check.size()) {
                throw new IllegalArgumentException("an image of another size");
            }
        }
        ScriptGraph script = new ScriptGraph(tensors);
        Input input = new Input(dims);
        script.variables.put(forward.inputs().get(0), input);
        script.shared.add(input);
        for (Assignment assignment : forward.assignments()) {
            script.assign(assignment);
        }
        Node output = script.node(script.value(forward.results().get(0)));
        if (script.logical.contains(output)) {
            throw new Uncovered("has an output of truths");
        }
        return new Graph(input, output);
    }

    private void assign(Assignment assignment) throws Uncovered {
        Object value = value(assignment.expression());
        if (assignment.names().size() > 1) {
            throw new Uncovered("uses several results of one step");
        }
        if (!assignment.names().get(0).equals("_")) {
            variables.put(assignment.names().get(0), value);
        }
    }

    private Object value(Object code) throws Uncovered {
        if (code instanceof Name name) {
            Object value = variables.get(name.name());
            if (value == null) {
                throw new Uncovered("uses " + name.name());
            }
            return value;
        } else if (code instanceof Attribute attribute) {
            List<String> path = attribute.path();
            if (path.equals(List.of("training"))) {
                return false;
            }
            layer = String.join(".", path.subList(0, path.size() - 1));
            return tensor(tensors.attribute(path));
        } else if (code instanceof ConstantNumber number) {
            LayerTensor constant = tensor(tensors.constant(number.index()));
            return new Numbers(constant.sizes(), constant.numbers());
        } else if (code instanceof Invocation invocation) {
            return call(invocation, -1);
        } else if (code instanceof Item item) {
            if (item.of() instanceof Invocation invocation) {
                return call(invocation, item.index());
            }
            throw new Uncovered("uses several results of one step");
        } else if (code instanceof List<?> list) {
            List<Object> values = new ArrayList<>();
            for (Object element : list) {
                values.add(value(element));
            }
            return values;
        } else if (code instanceof Named named) {
            return new Named(named.name(), value(named.value()));
        }
        return code;
    }

    private static LayerTensor tensor(LayerTensor tensor) throws Uncovered {
        if (tensor == null) {
            throw new Uncovered("computes with other than float32");
        }
        return tensor;
    }

    /** Computes a call, and of several results takes one. */
    private Object call(Invocation invocation, int item) throws Uncovered {
        String name = invocation.function();
        List<Object> arguments = invocation.arguments();
        if (name.equals(SparseProduct.FUNCTION) && arguments.size() > CONVOLUTION) {
            name = "torch.conv2d"; // What comes behind says the same of the weights.
            arguments = arguments.subList(0, CONVOLUTION);
        }
        List<Object> a = new ArrayList<>();
        for (Object argument : arguments) {
            a.add(value(argument));
        }
        if (item >= 0 && !(name.startsWith("torch.adaptive_max_pool") && item == 0)) {
            throw new Uncovered("calls " + name);
        }
        try {
            return call(name, a);
        } catch (ClassCastException | IndexOutOfBoundsException e) {
            throw new Uncovered("calls " + name + " in a form that is not covered");
        }
    }

    private Object call(String name, List<Object> a) throws Uncovered {
        return switch (name) {
            case "torch.size" -> size(node(a.get(0)), integer(a.get(1)));
            case "torch.floordiv" -> quotient(a.get(0), (Long) a.get(1));
            case "ops.prim.device" -> DEVICE;
            case "torch.to" -> converted(a);
            case "torch.zeros" -> filled(a, 0, 0);
            case "torch.ones" -> filled(a, 1, 0);
            case "torch.full" -> filled(a, number(a.get(1)), 1);
            case "torch.clone" -> copy(a.get(0));
            case "torch.alias", "torch.detach", "torch.dropout" -> share(a.get(0));
            case "torch.conv1d", "torch.conv2d" ->
                    convolution(a, name.equals("torch.conv1d") ? 1 : 2);
            case "torch.linear" -> linear(a);
            case "torch.batch_norm" -> batchNorm(a);
            case "torch.max_pool1d", "torch.max_pool2d" ->
                    Pool.max(
                            planes(a.get(0), name),
                            window(a.get(1), a.get(2), a.get(3), a.get(4)),
                            (Boolean) a.get(5));
            case "torch.avg_pool1d", "torch.avg_pool2d" ->
                    Pool.average(
                            planes(a.get(0), name),
                            window(a.get(1), a.get(2), a.get(3), List.of(1L, 1L)),
                            (Boolean) a.get(4),
                            (Boolean) a.get(5));
            case "torch.adaptive_avg_pool1d",
                    "torch.adaptive_avg_pool2d",
                    "torch.adaptive_max_pool1d",
                    "torch.adaptive_max_pool2d" -> {
                List<?> sizes = (List<?>) a.get(1);
                yield Pool.adaptive(
                        planes(a.get(0), name),
                        name.contains("max"),
                        sizes.size() < 2 ? 1 : integer(sizes.get(0)),
                        integer(sizes.get(sizes.size() - 1)));
            }
            case "torch.flatten" -> flatten(node(a.get(0)), integer(a.get(1)), integer(a.get(2)));
            case "torch.reshape" -> reshape(node(a.get(0)), (List<?>) a.get(1));
            case "torch.unsqueeze" -> unsqueeze(node(a.get(0)), integer(a.get(1)));
            case "torch.squeeze" -> squeeze(node(a.get(0)), integer(a.get(1)));
            case "torch.permute" -> permute(node(a.get(0)), (List<?>) a.get(1));
            case "torch.transpose" ->
                    transpose(node(a.get(0)), integer(a.get(1)), integer(a.get(2)));
            case "torch.cat" -> concat((List<?>) a.get(0), integer(a.get(1)));
            case "torch.slice" -> slice(a);
            case "torch.mean", "torch.sum" -> reduced(name, a);
            case "torch.softmax", "torch.log_softmax" ->
                    softmax(node(a.get(0)), integer(a.get(1)), name.contains("log"));
            default -> elementwise(name, a);
        };
    }

    private static int integer(Object value) {
        return Math.toIntExact((Long) value);
    }

    private static float number(Object value) {
        return ((Number) value).floatValue();
    }

    private Node node(Object value) throws Uncovered {
        if (value instanceof Node node) {
            return node;
        }
        throw new Uncovered("computes with numbers that do not depend on its input");
    }

    /** A node with as many axes as the function's name says. */
    private Node planes(Object value, String function) throws Uncovered {
        Node node = node(value);
        int axes = function.charAt(function.length() - 2) - '0';
        if (node.dims().rank() != axes + 2) {
            throw new Uncovered("calls " + function + " on other than a batch of images");
        }
        return node;
    }

    // Sizes.

    private static Object size(Node node, int axis) {
        int rank = node.dims().rank();
        int at = axis < 0 ? axis + rank : axis;
        return at == 0 ? (Object) new BatchSize(1) : (Object) (long) node.dims().axes()[at - 1];
    }

    private static Object quotient(Object size, long divisor) throws Uncovered {
        if (size instanceof BatchSize batch) {
            if (batch.factor() % divisor != 0) {
                throw new Uncovered("divides the batch");
            }
            return new BatchSize(batch.factor() / divisor);
        }
        return Math.floorDiv((Long) size, divisor);
    }

    private static Object integers(Function function, Object x, Object y) throws Uncovered {
        if (x instanceof Long one && y instanceof Long other) {
            return switch (function) {
                case ADD -> Math.addExact(one, other);
                case SUB -> Math.subtractExact(one, other);
                case MUL -> Math.multiplyExact(one, other);
                default -> throw new Uncovered("computes with sizes");
            };
        }
        if (function == Function.MUL && x instanceof BatchSize batch && y instanceof Long factor) {
            return new BatchSize(Math.multiplyExact(batch.factor(), factor));
        }
        if (function == Function.MUL && y instanceof BatchSize batch && x instanceof Long factor) {
            return new BatchSize(Math.multiplyExact(batch.factor(), factor));
        }
        throw new Uncovered("computes with the size of the batch");
    }

    // Numbers that do not depend on the input.

    private Object converted(List<Object> a) throws Uncovered {
        Object type = a.get(1) == DEVICE ? a.get(2) : a.get(1);
        Object from = a.get(0);
        if (type.equals(FLOAT32)) {
            if (from instanceof Node node && logical.contains(node)) {
                return copy(node);
            }
            return share(from);
        }
        if (type.equals(BOOLEAN)) {
            Node node = node(from);
            return logical.contains(node)
                    ? share(node)
                    : truth(Elementwise.of(Function.NE, node, 0));
        }
        throw new Uncovered("computes with other than float32");
    }

    private static Numbers filled(List<Object> a, float value, int last) throws Uncovered {
        for (Object argument : a.subList(last + 1, a.size())) {
            if (argument instanceof Named named
                    && named.name().equals("dtype")
                    && !named.value().equals(FLOAT32)) {
                throw new Uncovered("computes with other than float32");
            }
        }
        List<?> axes = (List<?>) a.get(0);
        int[] sizes = new int[axes.size()];
        for (int i = 0; i < sizes.length; i++) {
            // The same for every image: one stands for all.
            sizes[i] = axes.get(i) instanceof BatchSize ? 1 : integer(axes.get(i));
        }
        long size = 1;
        for (int axis : sizes) {
            size *= axis;
            if (axis < 1 || size > 1 << 20) {
                throw new Uncovered("makes an array of " + Arrays.toString(sizes));
            }
        }
        float[] values = new float[(int) size];
        Arrays.fill(values, value);
        return new Numbers(sizes, values);
    }

    /** The numbers as a node, with axes as those they meet have. */
    private static Constant constant(Numbers numbers, int rank) throws Uncovered {
        int[] axes = new int[rank - 1];
        Arrays.fill(axes, 1);
        int[] sizes = numbers.sizes();
        int more = sizes.length - axes.length;
        for (int i = 0; i < more; i++) {
            if (i > 0 || sizes[i] != 1) {
                throw new Uncovered("computes with an array of sizes " + Arrays.toString(sizes));
            }
        }
        for (int i = Math.max(0, more); i < sizes.length; i++) {
            axes[i - more] = sizes[i];
        }
        return new Constant(Dims.of(axes), numbers.values());
    }

    // Layers.

    private Node convolution(List<Object> a, int axes) throws Uncovered {
        Node input = node(a.get(0));
        LayerTensor tensor = (LayerTensor) a.get(1);
        if (input.dims().rank() != axes + 2 || tensor.sizes().length != axes + 2) {
            throw new Uncovered("convolves other than a batch of images");
        }
        int groups = integer(a.get(6));
        Weights weights = tensor.weights(groups);
        List<Long> kernel = List.of((long) weights.height(), (long) weights.width());
        Window window = window(kernel, a.get(3), a.get(4), a.get(5));
        return Convolution.of(layer, input, weights, bias(a.get(2), weights), window, groups);
    }

    private Node linear(List<Object> a) throws Uncovered {
        Node input = node(a.get(0));
        LayerTensor tensor = (LayerTensor) a.get(1);
        if (tensor.sizes().length != 2) {
            throw new Uncovered("has a linear layer whose weights are no matrix");
        }
        if (input.dims().rank() != 2) {
            throw new Uncovered("calls torch.linear on other than (batch, features)");
        }
        Weights weights = tensor.weights(1);
        return Convolution.of(layer, input, weights, bias(a.get(2), weights), Window.ONE, 1);
    }

    private static float[] bias(Object bias, Weights weights) {
        return bias == null ? new float[weights.filters()] : ((LayerTensor) bias).numbers();
    }

    private static Window window(Object kernel, Object stride, Object padding, Object dilation) {
        List<?> k = (List<?>) kernel;
        List<?> s = ((List<?>) stride).isEmpty() ? k : (List<?>) stride;
        return new Window(
                first(k, 1),
                last(k),
                first(s, 1),
                last(s),
                first((List<?>) padding, 0),
                last((List<?>) padding),
                first((List<?>) dilation, 1),
                last((List<?>) dilation));
    }

    /** The size for the rows; there are none in one dimension. */
    private static int first(List<?> sizes, int other) {
        return sizes.size() < 2 ? other : integer(sizes.get(0));
    }

    private static int last(List<?> sizes) {
        return integer(sizes.get(sizes.size() - 1));
    }

    private Node batchNorm(List<Object> a) throws Uncovered {
        if (a.get(3) == null || a.get(4) == null || !a.get(5).equals(false)) {
            throw new Uncovered("has a batch norm without running statistics");
        }
        return Affine.batchNorm(
                node(a.get(0)),
                a.get(1) == null ? null : ((LayerTensor) a.get(1)).numbers(),
                a.get(2) == null ? null : ((LayerTensor) a.get(2)).numbers(),
                ((LayerTensor) a.get(3)).numbers(),
                ((LayerTensor) a.get(4)).numbers(),
                ((Number) a.get(7)).doubleValue());
    }

    private Node softmax(Node node, int axis, boolean logarithm) throws Uncovered {
        int at = axis < 0 ? axis + node.dims().rank() : axis;
        if (at == 0) {
            throw new Uncovered("compares the images of a batch");
        }
        return new Softmax(node, at - 1, logarithm);
    }

    // Shapes.

    private Node flatten(Node node, int start, int end) throws Uncovered {
        int[] axes = node.dims().axes();
        int rank = axes.length + 1;
        int from = start < 0 ? start + rank : start;
        int to = end < 0 ? end + rank : end;
        if (from < 1) {
            throw new Uncovered("joins the images of a batch");
        }
        List<Long> sizes = new ArrayList<>();
        for (int axis = 1; axis < rank; axis++) {
            if (axis > from && axis <= to) {
                int last = sizes.size() - 1;
                sizes.set(last, sizes.get(last) * axes[axis - 1]);
            } else {
                sizes.add((long) axes[axis - 1]);
            }
        }
        return reshaped(node, sizes);
    }

    private Node reshape(Node node, List<?> sizes) throws Uncovered {
        if (sizes.isEmpty()) {
            throw new Uncovered("joins the images of a batch");
        }
        Object batch = sizes.get(0);
        List<Long> rest = new ArrayList<>();
        long product = 1;
        int open = -1;
        for (Object size : sizes.subList(1, sizes.size())) {
            if (!(size instanceof Long axis)) {
                throw new Uncovered("joins the images of a batch");
            }
            if (axis == -1) {
                open = rest.size();
            } else {
                product = Math.multiplyExact(product, axis);
            }
            rest.add(axis);
        }
        long all = node.dims().size();
        if (open >= 0) {
            rest.set(open, product == 0 || all % product != 0 ? -1 : all / product);
            product = all;
        }
        boolean isBatch = batch instanceof BatchSize b ? b.factor() == 1 : batch.equals(-1L);
        if (!isBatch || product != all) {
            throw new Uncovered("joins the images of a batch");
        }
        return reshaped(node, rest);
    }

    private Node reshaped(Node node, List<Long> sizes) throws Uncovered {
        if (sizes.isEmpty() || sizes.size() > 3) {
            throw new Uncovered("computes with arrays of " + (sizes.size() + 1) + " axes");
        }
        shared.add(node);
        Dims dims = Dims.of(sizes.stream().mapToInt(Math::toIntExact).toArray());
        return same(node, new Reshape(node, dims));
    }

    private Node unsqueeze(Node node, int axis) throws Uncovered {
        List<Long> sizes = sizes(node);
        int at = axis < 0 ? axis + sizes.size() + 2 : axis;
        if (at == 0) {
            throw new Uncovered("joins the images of a batch");
        }
        sizes.add(at - 1, 1L);
        return reshaped(node, sizes);
    }

    private Node squeeze(Node node, int axis) throws Uncovered {
        List<Long> sizes = sizes(node);
        int at = axis < 0 ? axis + sizes.size() + 1 : axis;
        if (at == 0) {
            throw new Uncovered("squeezes the batch");
        }
        if (sizes.get(at - 1) == 1) {
            sizes.remove(at - 1);
        }
        return reshaped(node, sizes);
    }

    private static List<Long> sizes(Node node) {
        List<Long> sizes = new ArrayList<>();
        for (int size : node.dims().axes()) {
            sizes.add((long) size);
        }
        return sizes;
    }

    private Node permute(Node node, List<?> order) throws Uncovered {
        int rank = node.dims().rank();
        if (order.size() != rank || integer(order.get(0)) != 0) {
            throw new Uncovered("moves the axis of the batch");
        }
        int[] from = new int[rank - 1];
        boolean[] used = new boolean[rank];
        for (int i = 1; i < rank; i++) {
            int axis = integer(order.get(i));
            axis = axis < 0 ? axis + rank : axis;
            from[i - 1] = axis - 1;
            if (axis < 1 || axis >= rank || used[axis]) {
                throw new Uncovered("moves the axis of the batch");
            }
            used[axis] = true;
        }
        shared.add(node);
        return same(node, new Permute(node, from));
    }

    private Node transpose(Node node, int one, int other) throws Uncovered {
        int rank = node.dims().rank();
        int a = one < 0 ? one + rank : one;
        int b = other < 0 ? other + rank : other;
        List<Object> order = new ArrayList<>();
        for (long axis = 0; axis < rank; axis++) {
            order.add(axis == a ? (long) b : axis == b ? (long) a : axis);
        }
        return permute(node, order);
    }

    private Node concat(List<?> values, int axis) throws Uncovered {
        List<Node> parts = new ArrayList<>();
        for (Object value : values) {
            Node part = node(value);
            if (logical.contains(part)) {
                throw new Uncovered("joins truths");
            }
            parts.add(part);
        }
        int at = axis < 0 ? axis + parts.get(0).dims().rank() : axis;
        if (at != 1) {
            throw new Uncovered("joins arrays along other than the channels");
        }
        return new Concat(parts);
    }

    private Node slice(List<Object> a) throws Uncovered {
        Node node = node(a.get(0));
        int channels = node.dims().channels();
        if (integer(a.get(1)) != 1) {
            throw new Uncovered("takes a part along other than the channels");
        }
        int from = bound(a.get(2), 0, channels);
        int to = bound(a.get(3), channels, channels);
        int step = integer(a.get(4));
        if (step < 1 || to <= from) {
            throw new Uncovered("takes no channels");
        }
        int[] index = new int[(to - from + step - 1) / step];
        for (int i = 0; i < index.length; i++) {
            index[i] = from + i * step;
        }
        shared.add(node);
        return same(node, new Channels(node, index, new float[index.length]));
    }

    private static int bound(Object value, int none, int size) {
        if (value == null) {
            return none;
        }
        long at = (Long) value < 0 ? (Long) value + size : (Long) value;
        return (int) Math.max(0, Math.min(size, at));
    }

    /** A mean or sum over whole planes. */
    private Node reduced(String name, List<Object> a) throws Uncovered {
        Node node = node(a.get(0));
        Dims dims = node.dims();
        if (a.size() < 3 || logical.contains(node) || dims.rank() < 3) {
            throw new Uncovered("calls " + name + " over other than whole planes");
        }
        boolean[] axes = new boolean[dims.rank()];
        for (Object axis : (List<?>) a.get(1)) {
            int at = integer(axis);
            axes[at < 0 ? at + dims.rank() : at] = true;
        }
        boolean whole = !axes[0] && !axes[1];
        for (int i = 2; i < axes.length; i++) {
            whole &= axes[i];
        }
        if (!whole) {
            throw new Uncovered("calls " + name + " over other than whole planes");
        }
        Node mean = Pool.adaptive(node, false, 1, 1);
        if (name.endsWith("sum")) {
            mean = Elementwise.of(Function.MUL, mean, dims.area());
        }
        return (Boolean) a.get(2) ? mean : reshaped(mean, List.of((long) dims.channels()));
    }

    // Functions of numbers.

    private Object elementwise(String name, List<Object> a) throws Uncovered {
        boolean inPlace = name.endsWith("_");
        String plain = inPlace ? name.substring(0, name.length() - 1) : name;
        Function function = function(plain);
        if (function == null || a.size() != function.operands()) {
            throw new Uncovered("calls " + name);
        }
        int rank = 0;
        boolean constant = true;
        boolean sizes = true;
        for (Object argument : a) {
            constant &= argument instanceof Numbers || argument instanceof Number;
            sizes &= argument instanceof Long || argument instanceof BatchSize;
            if (argument instanceof Node node) {
                rank = Math.max(rank, node.dims().rank());
            }
        }
        if (sizes && a.size() == 2) {
            return integers(function, a.get(0), a.get(1));
        }
        if (inPlace && !(a.get(0) instanceof Node target && !shared.contains(target))) {
            throw new Uncovered("changes an array that has other names");
        }
        if (constant) {
            return folded(function, a);
        }
        List<Node> operands = new ArrayList<>();
        boolean truths = true;
        for (Object argument : a) {
            Node operand = operand(argument, rank);
            operands.add(operand);
            truths &= logical.contains(operand);
        }
        if (truths && !function.isLogical() && function != Function.WHERE) {
            throw new Uncovered("calls " + name + " on truths");
        }
        Node node = new Elementwise(function, operands);
        if (function.isLogical()) {
            truth(node);
        }
        if (inPlace) {
            return replaced((Node) a.get(0), node);
        }
        return node;
    }

    private static Function function(String name) {
        return switch (name) {
            case "torch.clamp_min" -> Function.MAXIMUM;
            case "torch.clamp_max" -> Function.MINIMUM;
            default -> Function.named(name);
        };
    }

    private Node operand(Object argument, int rank) throws Uncovered {
        if (argument instanceof Node node) {
            return node;
        } else if (argument instanceof Numbers numbers) {
            return constant(numbers, rank);
        } else if (argument instanceof Boolean || argument instanceof BatchSize) {
            throw new Uncovered("computes with the size of the batch");
        }
        return Constant.of(number(argument));
    }

    /** The change of an array whose only name is this one. */
    private Node replaced(Node target, Node node) throws Uncovered {
        if (!node.dims().equals(target.dims()) || logical.contains(target)) {
            throw new Uncovered("changes an array that has other names");
        }
        String found = null;
        for (Map.Entry<String, Object> variable : variables.entrySet()) {
            if (variable.getValue() == target) {
                if (found != null) {
                    throw new Uncovered("changes an array that has other names");
                }
                found = variable.getKey();
            }
        }
        variables.put(found, node);
        return node;
    }

    private Numbers folded(Function function, List<Object> arguments) throws Uncovered {
        int[] sizes = {};
        for (Object argument : arguments) {
            if (argument instanceof Numbers numbers) {
                if (sizes.length > 0 && !Arrays.equals(sizes, numbers.sizes())) {
                    throw new Uncovered("computes with arrays that do not depend on its input");
                }
                sizes = numbers.sizes();
            }
        }
        long size = 1;
        for (int axis : sizes) {
            size *= axis;
        }
        float[] values = new float[Math.toIntExact(size)];
        float[] x = new float[3];
        for (int i = 0; i < values.length; i++) {
            for (int k = 0; k < arguments.size(); k++) {
                x[k] =
                        arguments.get(k) instanceof Numbers numbers
                                ? numbers.values()[i]
                                : number(arguments.get(k));
            }
            values[i] = function.apply(x[0], x[1], x[2]);
        }
        return new Numbers(sizes, values);
    }

    private Node truth(Node node) {
        logical.add(node);
        return node;
    }

    /** A node of the same numbers, truths if the other's are. */
    private Node same(Node one, Node other) {
        shared.add(other);
        if (logical.contains(one)) {
            logical.add(other);
        }
        return other;
    }

    /** A second name of an array. */
    private Object share(Object value) {
        if (value instanceof Node node) {
            shared.add(node);
        }
        return value;
    }

    /** An array of its own with the same numbers. */
    private static Object copy(Object value) {
        if (value instanceof Node node) {
            return new Reshape(node, node.dims());
        }
        return value;
    }
}
