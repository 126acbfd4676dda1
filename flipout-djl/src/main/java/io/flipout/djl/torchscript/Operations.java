package io.flipout.djl.torchscript;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.ndarray.types.SparseFormat;
import ai.djl.nn.recurrent.RNN;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;

/** How the methods of DJL's arrays are written in TorchScript, by the name of the method. */
final class Operations {

    private static final Map<String, Operation> BUILT_IN = new HashMap<>();

    private final Map<String, Operation> all = new HashMap<>(BUILT_IN);

    Operations(Map<String, Operation> others) {
        all.putAll(others);
    }

    /** Returns the translation of a method; null if there is none. */
    Operation find(String method) {
        return all.get(method);
    }

    /** Methods whose function in PyTorch returns a list of tensors rather than a tuple. */
    static boolean returnsList(String method) {
        return method.equals("split");
    }

    static {
        elementwise();
        comparisonsAndArithmetic();
        reductions();
        shapes();
        selections();
        activations();
        layers();
        pools();
        recurrent();
    }

    private static void unary(String method, String function) {
        BUILT_IN.put(method, (array, arguments) -> Expression.of(function, array));
    }

    /** Takes an array or a number; the method of the name with an i behind does it in place. */
    private static void binary(String method, String function) {
        BUILT_IN.put(method, (array, arguments) -> Expression.of(function, array, arguments[0]));
        BUILT_IN.put(
                method + "i",
                (array, arguments) -> Expression.of(function + "_", array, arguments[0]));
    }

    private static void elementwise() {
        for (String same :
                List.of(
                        "neg", "sign", "abs", "square", "sqrt", "floor", "ceil", "round", "trunc",
                        "exp", "log", "log10", "log2", "sin", "cos", "tan", "asin", "acos", "atan",
                        "sinh", "cosh", "tanh", "erf", "erfinv", "inverse", "nonzero")) {
            unary(same, "torch." + same);
        }
        unary("negi", "torch.neg_");
        unary("signi", "torch.sign_");
        unary("gammaln", "torch.lgamma");
        unary("isNaN", "torch.isnan");
        unary("isInfinite", "torch.isinf");
        unary("logicalNot", "torch.logical_not");
        unary("duplicate", "torch.clone");
        unary("stopGradient", "torch.detach");
        BUILT_IN.put("cbrt", (array, a) -> Expression.of("torch.pow", array, 1.0 / 3));
        BUILT_IN.put(
                "toDegrees",
                (array, a) ->
                        Expression.of(
                                "torch.div", Expression.of("torch.mul", array, 180.0), Math.PI));
        BUILT_IN.put(
                "toRadians",
                (array, a) ->
                        Expression.of(
                                "torch.div", Expression.of("torch.mul", array, Math.PI), 180.0));
        BUILT_IN.put("clip", (array, a) -> Expression.of("torch.clamp", array, a[0], a[1]));
        BUILT_IN.put("toType", (array, a) -> Expression.of("torch.to", array, a[0], false, false));
        BUILT_IN.put(
                "where",
                (array, a) -> Expression.of("torch.where", asBoolean((NDArray) a[0]), array, a[1]));
    }

    private static void comparisonsAndArithmetic() {
        binary("add", "torch.add");
        binary("sub", "torch.sub");
        binary("mul", "torch.mul");
        binary("div", "torch.div");
        binary("mod", "torch.remainder");
        binary("pow", "torch.pow");
        Map.of(
                        "eq", "eq", "neq", "ne", "gt", "gt", "gte", "ge", "lt", "lt", "lte", "le",
                        "atan2", "atan2", "xlogy", "xlogy")
                .forEach((method, function) -> binary(method, "torch." + function));
        binary("logicalAnd", "torch.logical_and");
        binary("logicalOr", "torch.logical_or");
        binary("logicalXor", "torch.logical_xor");
        binary("matMul", "torch.matmul");
        binary("dot", "torch.matmul");
        binary("batchMatMul", "torch.bmm");
        BUILT_IN.put("maximum", (array, a) -> extreme(array, a[0], "maximum", "clamp_min"));
        BUILT_IN.put("minimum", (array, a) -> extreme(array, a[0], "minimum", "clamp_max"));
    }

    private static Expression extreme(NDArray array, Object other, String ofTwo, String ofNumber) {
        return Expression.of("torch." + (other instanceof Number ? ofNumber : ofTwo), array, other);
    }

    private static void reductions() {
        for (String name : List.of("sum", "mean")) {
            BUILT_IN.put(
                    name,
                    (array, a) ->
                            a.length == 0
                                    ? Expression.of("torch." + name, array)
                                    : Expression.of("torch." + name, array, a[0], a[1]));
        }
        for (String name : List.of("max", "min")) {
            BUILT_IN.put(
                    name,
                    (array, a) ->
                            a.length == 0
                                    ? Expression.of("torch." + name, array)
                                    : Expression.of("torch.a" + name, array, a[0], a[1]));
        }
        BUILT_IN.put(
                "prod",
                (array, a) ->
                        a.length == 0
                                ? Expression.of("torch.prod", array)
                                : Expression.of("torch.prod", array, ((int[]) a[0])[0], a[1]));
        for (String name : List.of("all", "any")) {
            BUILT_IN.put(name, (array, a) -> Expression.of("torch." + name, asBoolean(array)));
        }
        BUILT_IN.put(
                "none",
                (array, a) ->
                        Expression.of(
                                "torch.logical_not", Expression.of("torch.any", asBoolean(array))));
        for (String name : List.of("argMax", "argMin")) {
            String function = "torch." + name.toLowerCase(Locale.ROOT);
            BUILT_IN.put(
                    name,
                    (array, a) ->
                            a.length == 0
                                    ? Expression.of(function, array)
                                    : Expression.of(function, array, a[0], false));
        }
        BUILT_IN.put(
                "cumSum",
                (array, a) -> Expression.of("torch.cumsum", array, a.length == 0 ? 0L : a[0]));
        BUILT_IN.put(
                "cumProd",
                (array, a) ->
                        a.length == 1
                                ? Expression.of("torch.cumprod", array, a[0])
                                : Expression.of(
                                        "torch.cumprod",
                                        array,
                                        a[0],
                                        Expression.keyword("dtype", a[1])));
        BUILT_IN.put("norm", Operations::norm);
        BUILT_IN.put(
                "normalize",
                (array, a) ->
                        Expression.of(
                                "torch.div",
                                array,
                                Expression.of(
                                        "torch.clamp_min",
                                        Expression.of(
                                                "torch.norm", array, a[0], List.of(a[1]), true),
                                        a[2])));
    }

    private static Expression norm(NDArray array, Object[] a) {
        if (a.length == 3) {
            return Expression.of("torch.norm", array, a[0], a[1], a[2]);
        }
        return Expression.of("torch.norm", array, 2, new int[0], a.length == 0 ? false : a[0]);
    }

    private static void shapes() {
        BUILT_IN.put("reshape", (array, a) -> Expression.of("torch.reshape", array, a[0]));
        BUILT_IN.put("broadcast", (array, a) -> Expression.of("torch.expand", array, a[0]));
        BUILT_IN.put(
                "flatten",
                (array, a) ->
                        a.length == 0
                                ? Expression.of("torch.flatten", array, 0, -1)
                                : Expression.of("torch.flatten", array, a[0], a[1]));
        BUILT_IN.put("expandDims", (array, a) -> Expression.of("torch.unsqueeze", array, a[0]));
        BUILT_IN.put("squeeze", Operations::squeeze);
        BUILT_IN.put(
                "transpose",
                (array, a) -> {
                    int rank = array.getShape().dimension();
                    int[] order = a.length == 0 ? new int[0] : (int[]) a[0];
                    if (order.length == 0) {
                        order = IntStream.range(0, rank).map(i -> rank - 1 - i).toArray();
                    }
                    return Expression.of("torch.permute", array, order);
                });
        BUILT_IN.put("swapAxes", (array, a) -> Expression.of("torch.transpose", array, a[0], a[1]));
        BUILT_IN.put("flip", (array, a) -> Expression.of("torch.flip", array, a[0]));
        BUILT_IN.put("rotate90", (array, a) -> Expression.of("torch.rot90", array, a[0], a[1]));
        BUILT_IN.put(
                "diagonal",
                (array, a) ->
                        Expression.of(
                                "torch.diagonal",
                                array,
                                a.length == 0 ? 0 : a[0],
                                a.length < 3 ? 0 : a[1],
                                a.length < 3 ? 1 : a[2]));
        BUILT_IN.put(
                "pad", (array, a) -> Expression.of("torch.constant_pad_nd", array, a[0], a[1]));
        BUILT_IN.put("tile", (array, a) -> Expression.of("torch.repeat", array, repeats(array, a)));
        BUILT_IN.put("repeat", Operations::repeat);
        BUILT_IN.put("stack", (array, a) -> joined("torch.stack", array, a));
        BUILT_IN.put("concat", (array, a) -> joined("torch.cat", array, a));
        BUILT_IN.put("split", Operations::split);
    }

    private static Expression squeeze(NDArray array, Object[] a) {
        if (a.length == 0) {
            return Expression.of("torch.squeeze", array);
        }
        int[] axes = a[0] instanceof int[] several ? several.clone() : new int[] {(Integer) a[0]};
        int rank = array.getShape().dimension();
        int[] fromLast = Arrays.stream(axes).map(i -> i < 0 ? i + rank : i).sorted().toArray();
        Object result = array;
        for (int i = fromLast.length - 1; i >= 0; i--) {
            result = Expression.of("torch.squeeze", result, fromLast[i]);
        }
        return result instanceof Expression expression
                ? expression
                : Expression.of("torch.alias", array);
    }

    private static Object repeats(NDArray array, Object[] a) {
        if (a[0] instanceof Long times) {
            long[] repeats = new long[Math.max(1, array.getShape().dimension())];
            Arrays.fill(repeats, times);
            return repeats;
        }
        return a[0];
    }

    private static Expression repeat(NDArray array, Object[] a) {
        if (a.length == 2) {
            return Expression.of("torch.repeat_interleave", array, a[1], a[0]);
        }
        if (a[0] instanceof Shape) {
            return unsupported("to a shape: say how often each axis is repeated.");
        }
        Object result = array;
        long[] repeats = (long[]) repeats(array, a);
        for (int axis = 0; axis < repeats.length; axis++) {
            result = Expression.of("torch.repeat_interleave", result, repeats[axis], axis);
        }
        return (Expression) result;
    }

    private static Expression joined(String function, NDArray array, Object[] a) {
        List<Object> arrays = new ArrayList<>();
        arrays.add(array);
        if (a[0] instanceof NDList list) {
            arrays.addAll(list);
        } else {
            arrays.add(a[0]);
        }
        return Expression.of(function, arrays, a.length > 1 ? a[1] : 0);
    }

    private static Expression split(NDArray array, Object[] a) {
        int axis = a.length > 1 ? (Integer) a[1] : 0;
        long size = array.getShape().get(axis);
        if (a[0] instanceof Long sections) {
            return Expression.of("torch.split", array, size / sections, axis);
        }
        long[] at = (long[]) a[0];
        long[] sizes = new long[at.length + 1];
        for (int i = 0; i <= at.length; i++) {
            sizes[i] = (i == at.length ? size : at[i]) - (i == 0 ? 0 : at[i - 1]);
        }
        return Expression.of("torch.split_with_sizes", array, sizes, axis);
    }

    private static void selections() {
        BUILT_IN.put(
                "gather",
                (array, a) -> Expression.of("torch.gather", array, a[1], toLong((NDArray) a[0])));
        BUILT_IN.put(
                "take",
                (array, a) ->
                        Expression.of("torch.take", array, toLong((NDArray) a[a.length - 1])));
        BUILT_IN.put(
                "scatter",
                (array, a) ->
                        Expression.of("torch.scatter", array, a[2], toLong((NDArray) a[0]), a[1]));
        BUILT_IN.put(
                "booleanMask",
                (array, a) ->
                        ((NDArray) a[0]).getShape().equals(array.getShape())
                                ? Expression.of("torch.masked_select", array, a[0])
                                : unsupported("of part of the axes: use get(NDIndex)."));
        BUILT_IN.put(
                "argSort",
                (array, a) -> {
                    int axis = a.length == 0 ? -1 : (Integer) a[0];
                    Expression ascending = Expression.of("torch.argsort", array, axis, false);
                    return a.length < 2 || (Boolean) a[1]
                            ? ascending
                            : Expression.of("torch.flip", ascending, List.of(axis));
                });
        BUILT_IN.put(
                "sort",
                (array, a) ->
                        Expression.of("torch.sort", array, a.length == 0 ? -1 : a[0], false)
                                .item(0));
        BUILT_IN.put(
                "topK",
                (array, a) ->
                        Expression.of(
                                "torch.topk",
                                array,
                                a[0],
                                a[1],
                                a.length < 4 ? true : a[2],
                                a.length < 4 ? true : a[3]));
        BUILT_IN.put(
                "oneHot",
                (array, a) ->
                        Expression.of(
                                "torch.to",
                                Expression.of("torch.one_hot", toLong(array), a[0]),
                                a.length < 2 ? DataType.FLOAT32 : a[1],
                                false,
                                false));
        BUILT_IN.put("gatherNd", (array, a) -> gatherNd(array, (NDArray) a[0]));
        BUILT_IN.put("get", (array, a) -> selected(array, (long[]) a[a.length - 1]));
        BUILT_IN.put("copyTo", (array, a) -> Expression.of("torch.copy_", a[0], array));
    }

    /** The first axis of the index says the place along each of the first axes of the array. */
    private static Expression gatherNd(NDArray array, NDArray index) {
        int depth = (int) index.getShape().get(0);
        Expression place = null;
        for (int axis = 0; axis < depth; axis++) {
            Expression along = Expression.of("torch.select", toLong(index), 0, axis);
            long size = array.getShape().get(axis);
            place =
                    place == null
                            ? along
                            : Expression.of(
                                    "torch.add", Expression.of("torch.mul", place, size), along);
        }
        Expression flat = Expression.of("torch.flatten", array, 0, depth - 1);
        return Expression.of("torch.index", flat, optionalTensors(List.of(place)));
    }

    /** TorchScript wants to be told the type of a list that may hold None. */
    static Expression optionalTensors(List<Object> tensors) {
        Object type = new Expression.Code("List[Optional[Tensor]]");
        return Expression.of("annotate", type, tensors);
    }

    private static Expression selected(NDArray array, long[] indices) {
        Object result = array;
        for (long index : indices) {
            result = Expression.of("torch.select", result, 0, index);
        }
        return (Expression) result;
    }

    private static void activations() {
        unary("relu", "torch.relu");
        unary("sigmoid", "torch.sigmoid");
        unary("softPlus", "torch.softplus");
        unary("selu", "torch.selu");
        unary("gelu", "torch.gelu");
        BUILT_IN.put(
                "softSign",
                (array, a) ->
                        Expression.of(
                                "torch.div",
                                array,
                                Expression.of("torch.add", Expression.of("torch.abs", array), 1)));
        BUILT_IN.put("leakyRelu", (array, a) -> Expression.of("torch.leaky_relu", array, a[0]));
        BUILT_IN.put("elu", (array, a) -> Expression.of("torch.elu", array, a[0]));
        BUILT_IN.put("softmax", (array, a) -> Expression.of("torch.softmax", array, a[0], null));
        BUILT_IN.put(
                "logSoftmax", (array, a) -> Expression.of("torch.log_softmax", array, a[0], null));
    }

    private static void layers() {
        BUILT_IN.put(
                "convolution",
                (array, a) ->
                        Expression.of(
                                "torch.conv" + spatial((NDArray) a[0]) + "d",
                                a[0],
                                a[1],
                                a[2],
                                a[3],
                                a[4],
                                a[5],
                                a[6]));
        BUILT_IN.put("linear", (array, a) -> Expression.of("torch.linear", a[0], a[1], a[2]));
        BUILT_IN.put(
                "embedding",
                (array, a) ->
                        Expression.of(
                                "torch.embedding",
                                a[1],
                                toLong((NDArray) a[0]),
                                -1,
                                false,
                                a[2] == SparseFormat.COO));
        BUILT_IN.put(
                "dropout",
                (array, a) -> Expression.of("torch.dropout", a[0], a[1], Expression.training()));
        BUILT_IN.put(
                "layerNorm",
                (array, a) ->
                        Expression.of("torch.layer_norm", a[0], a[1], a[2], a[3], a[4], true));
        BUILT_IN.put("batchNorm", Operations::batchNorm);
        BUILT_IN.put(
                "interpolation",
                (array, a) -> interpolated(array, spatial(array), a[0], (Integer) a[1]));
        BUILT_IN.put("resize", Operations::resize);
    }

    private static Expression batchNorm(NDArray array, Object[] a) {
        int axis = (Integer) a[5];
        boolean swapped = axis != -1 && axis != 1;
        Expression norm =
                Expression.of(
                        "torch.batch_norm",
                        swapped ? Expression.of("torch.transpose", a[0], 1, axis) : a[0],
                        a[3],
                        a[4],
                        a[1],
                        a[2],
                        Expression.training(),
                        // DJL's momentum weighs the old mean, PyTorch's the new one.
                        1f - (Float) a[6],
                        a[7],
                        true);
        return swapped ? Expression.of("torch.transpose", norm, 1, axis) : norm;
    }

    private static Expression interpolated(Object array, int spatial, Object sizes, int mode) {
        return switch (mode) {
            case 0 -> Expression.of("torch.upsample_nearest" + spatial + "d", array, sizes);
            case 1 ->
                    spatial == 2
                            ? Expression.of("torch.upsample_bilinear2d", array, sizes, false)
                            : unsupported("other than of images.");
            case 3 -> Expression.of("torch.upsample_bicubic2d", array, sizes, false);
            default -> unsupported("by area.");
        };
    }

    /** Scales images whose channels come last. */
    private static Expression resize(NDArray array, Object[] a) {
        if (array.getDataType() != DataType.FLOAT32) {
            return unsupported("of other than float32: convert it before.");
        }
        boolean single = array.getShape().dimension() == 3;
        Object batch = single ? Expression.of("torch.unsqueeze", array, 0) : array;
        Expression first = Expression.of("torch.permute", batch, List.of(0, 3, 1, 2));
        Expression scaled = interpolated(first, 2, List.of(a[1], a[0]), (Integer) a[2]);
        Expression last = Expression.of("torch.permute", scaled, List.of(0, 2, 3, 1));
        return single ? Expression.of("torch.squeeze", last, 0) : last;
    }

    private static void pools() {
        BUILT_IN.put(
                "maxPool",
                (array, a) ->
                        Expression.of(
                                "torch.max_pool" + spatial(array) + "d",
                                array,
                                a[0],
                                a[1],
                                a[2],
                                ones(array),
                                a[3]));
        // DJL's engine always counts the padding in.
        BUILT_IN.put(
                "avgPool",
                (array, a) ->
                        Expression.of(
                                "torch.avg_pool" + spatial(array) + "d",
                                array,
                                a[0],
                                a[1],
                                a[2],
                                a[3],
                                true));
        BUILT_IN.put(
                "globalAvgPool",
                (array, a) ->
                        Expression.of(
                                "torch.flatten",
                                Expression.of(
                                        "torch.adaptive_avg_pool" + spatial(array) + "d",
                                        array,
                                        ones(array)),
                                1,
                                -1));
        BUILT_IN.put(
                "globalMaxPool",
                (array, a) ->
                        Expression.of(
                                "torch.flatten",
                                Expression.of(
                                                "torch.adaptive_max_pool" + spatial(array) + "d",
                                                array,
                                                ones(array))
                                        .item(0),
                                1,
                                -1));
        BUILT_IN.put("lpPool", (array, a) -> lpPool(array, (Float) a[0], a[1], a[2], a[4]));
        BUILT_IN.put(
                "globalLpPool",
                (array, a) ->
                        Expression.of(
                                "torch.flatten",
                                lpPool(
                                        array,
                                        (Float) a[0],
                                        array.getShape().slice(2),
                                        new Shape(ones(array)),
                                        false),
                                1,
                                -1));
    }

    /** (k · mean(x^p))^(1/p), with PyTorch's care for means below 0. */
    private static Expression lpPool(
            NDArray array, float p, Object kernel, Object stride, Object ceil) {
        int spatial = spatial(array);
        Expression mean =
                Expression.of(
                        "torch.avg_pool" + spatial + "d",
                        Expression.of("torch.pow", array, p),
                        kernel,
                        stride,
                        Arrays.stream(ones(array)).map(i -> 0).toArray(),
                        ceil,
                        true);
        Expression positive =
                Expression.of(
                        "torch.mul",
                        Expression.of("torch.sign", mean),
                        Expression.of("torch.relu", Expression.of("torch.abs", mean)));
        long cells = ((Shape) kernel).size();
        return Expression.of("torch.pow", Expression.of("torch.mul", positive, cells), 1.0 / p);
    }

    private static void recurrent() {
        BUILT_IN.put(
                "rnn",
                (array, a) ->
                        recurrent(
                                a[5] == RNN.Activation.TANH ? "rnn_tanh" : "rnn_relu",
                                a[0],
                                a[1],
                                a[2],
                                Arrays.copyOfRange(a, 3, a.length)));
        BUILT_IN.put(
                "gru",
                (array, a) ->
                        recurrent("gru", a[0], a[1], a[2], Arrays.copyOfRange(a, 3, a.length)));
        BUILT_IN.put(
                "lstm",
                (array, a) ->
                        recurrent("lstm", a[0], a[1], a[2], Arrays.copyOfRange(a, 3, a.length)));
    }

    /** Whether a method is a recurrent layer, of input, states and weights. */
    static boolean isRecurrent(String method) {
        return method.equals("rnn") || method.equals("gru") || method.equals("lstm");
    }

    private static Expression recurrent(
            String function, Object input, Object state, Object weights, Object[] rest) {
        List<Object> settings = new ArrayList<>(Arrays.asList(rest));
        settings.removeIf(RNN.Activation.class::isInstance);
        return Expression.of(
                "torch." + function,
                input,
                state,
                weights,
                settings.get(0),
                settings.get(1),
                settings.get(2),
                Expression.training(),
                settings.get(4),
                settings.get(5));
    }

    /** The position of the argument that says whether the network is trained; -1 if none does. */
    static int mode(String method, Object[] arguments) {
        return switch (method) {
            case "dropout", "batchNorm" -> arguments.length - 1;
            case "rnn", "gru", "lstm" -> arguments.length - 3;
            default -> -1;
        };
    }

    /** Indices in the one type that every function takes. */
    static Object toLong(NDArray array) {
        return array.getDataType() == DataType.INT64
                ? array
                : Expression.of("torch.to", array, DataType.INT64, false, false);
    }

    private static Object asBoolean(NDArray array) {
        return array.getDataType() == DataType.BOOLEAN
                ? array
                : Expression.of("torch.to", array, DataType.BOOLEAN, false, false);
    }

    private static int spatial(NDArray array) {
        return array.getShape().dimension() - 2;
    }

    private static long[] ones(NDArray array) {
        long[] ones = new long[spatial(array)];
        Arrays.fill(ones, 1);
        return ones;
    }

    private static Expression unsupported(String what) {
        throw new UnsupportedOperationException(what);
    }

    /** The least version of the file format in which functions mean what they mean today. */
    static int version(Set<String> functions) {
        return functions.stream().mapToInt(f -> VERSIONS.getOrDefault(f, 3)).max().orElse(3);
    }

    private static final Map<String, Integer> VERSIONS =
            Map.of(
                    "torch.div", 4,
                    "torch.div_", 4,
                    "torch.full", 5,
                    "torch.gelu", 10,
                    "torch.upsample_nearest1d", 8,
                    "torch.upsample_nearest2d", 8,
                    "torch.upsample_nearest3d", 8,
                    "torch.upsample_bilinear2d", 8,
                    "torch.upsample_bicubic2d", 8);
}
