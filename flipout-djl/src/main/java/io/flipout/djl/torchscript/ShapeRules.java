package io.flipout.djl.torchscript;

import io.flipout.graph.Function;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What PyTorch's functions make of shapes, and how often those that multiply with weights use each
 * of them.
 */
final class ShapeRules {

    /** Functions that keep the shape of their first argument. */
    private static final Set<String> KEEPING =
            Set.of(
                    "alias",
                    "clone",
                    "contiguous",
                    "detach",
                    "dropout",
                    "feature_dropout",
                    "alpha_dropout",
                    "to",
                    "type_as",
                    "softmax",
                    "log_softmax",
                    "batch_norm",
                    "instance_norm",
                    "layer_norm",
                    "group_norm",
                    "gelu",
                    "silu",
                    "mish",
                    "elu",
                    "celu",
                    "selu",
                    "hardtanh",
                    "hardswish",
                    "hardsigmoid",
                    "leaky_relu",
                    "softplus",
                    "logsigmoid",
                    "relu6",
                    "prelu",
                    "local_response_norm",
                    "cumsum",
                    "flip",
                    "argsort",
                    "zeros_like",
                    "ones_like",
                    "rand_like",
                    "randn_like",
                    "bernoulli");

    /** Functions of numbers of equal place, beside those that the graph has. */
    private static final Set<String> ELEMENTWISE =
            Set.of(
                    "add",
                    "sub",
                    "rsub",
                    "mul",
                    "div",
                    "true_divide",
                    "pow",
                    "clamp",
                    "clamp_min",
                    "clamp_max",
                    "floordiv");

    /** Functions whose result holds each number of their first argument once, and no others. */
    private static final Set<String> SAME_NUMBERS =
            Set.of(
                    "alias",
                    "clone",
                    "contiguous",
                    "detach",
                    "flatten",
                    "permute",
                    "reshape",
                    "squeeze",
                    "t",
                    "to",
                    "transpose",
                    "unsqueeze",
                    "view");

    private static final String TORCH = "torch.";

    /** What is meant where strides and dilations, or paddings, are left out. */
    private static final List<Long> ONES = List.of(1L);

    private static final List<Long> NONE = List.of(0L);

    private final Map<String, Long> uses = new HashMap<>();

    /**
     * An array of one sample.
     *
     * @param shape its sizes; null where they are not known
     * @param parameter the parameter that it is, transposed or not; null if it is none
     */
    record Tensor(long[] shape, String parameter) {

        long size() {
            return product(shape, 0, shape.length);
        }

        /** The size of an axis, which may be counted from the end. */
        long axis(int axis) {
            return shape[at(axis)];
        }

        int at(int axis) {
            return axis < 0 ? axis + shape.length : axis;
        }
    }

    /** No shape is known of what a function makes. */
    static final class Unknown extends Exception {

        private static final long serialVersionUID = 1L;

        Unknown(String what) {
            super(what);
        }
    }

    /** How often each weight of a parameter was multiplied; below 0 where that is not known. */
    Map<String, Long> uses() {
        return uses;
    }

    /** Calls a function; arguments by their names are behind the others. */
    Object call(String name, List<Object> a, Map<String, Object> named) throws Unknown {
        if (!name.startsWith(TORCH)) {
            return other(name, a);
        }
        String plain = name.substring(TORCH.length());
        if (plain.endsWith("_") && !plain.startsWith("_")) {
            plain = plain.substring(0, plain.length() - 1); // What is changed keeps its shape.
        }
        if (ScalarRules.TAKING_ANYTHING.contains(plain)
                || a.stream().noneMatch(ShapeRules::holdsTensor)) {
            return ScalarRules.call(plain, a);
        }
        Object result = layer(plain, a);
        if (result != null) {
            return result;
        }
        if (SAME_NUMBERS.contains(plain)) {
            Tensor view = (Tensor) array(plain, a);
            return new Tensor(view.shape(), ((Tensor) a.get(0)).parameter());
        }
        // Weights that are computed with in another way cannot be counted.
        a.forEach(this::forget);
        named.values().forEach(this::forget);
        return array(plain, a);
    }

    private static boolean holdsTensor(Object argument) {
        return argument instanceof Tensor
                || (argument instanceof List<?> list
                        && list.stream().anyMatch(ShapeRules::holdsTensor));
    }

    private void forget(Object argument) {
        if (argument instanceof Tensor tensor) {
            note(tensor, -1);
        } else if (argument instanceof List<?> list) {
            list.forEach(this::forget);
        }
    }

    private void note(Tensor weight, long times) {
        if (weight.parameter() != null) {
            uses.merge(weight.parameter(), times, (a, b) -> Math.min(a, b) < 0 ? -1 : a + b);
        }
    }

    private static Object other(String name, List<Object> a) throws Unknown {
        return switch (name) {
            case "ops.prim.NumToTensor", "int", "float", "bool" -> a.get(0);
            case "ops.prim.device" -> "device";
            case "ops.prim.dtype" -> 6L;
            case "ops.prim.unchecked_unwrap_optional" -> a.get(0);
            default -> throw new Unknown("calls " + name);
        };
    }

    private static Tensor of(long... shape) {
        return new Tensor(shape, null);
    }

    private static long[] shape(Object tensor) throws Unknown {
        long[] shape = ((Tensor) tensor).shape();
        if (shape == null) {
            throw new Unknown("computes with weights that are stored sparse");
        }
        return shape;
    }

    private static long product(long[] sizes, int from, int to) {
        long product = 1;
        for (int i = from; i < to; i++) {
            product = Math.multiplyExact(product, sizes[i]);
        }
        return product;
    }

    // Functions that multiply with weights; null for others.

    private Object layer(String name, List<Object> a) throws Unknown {
        return switch (name) {
            case "conv1d", "conv2d", "conv3d" ->
                    convolution(a, or(a, 3, ONES), or(a, 4, NONE), or(a, 5, ONES), number(a, 6, 1));
            case "_convolution", "convolution" -> {
                if ((Boolean) a.get(6)) {
                    yield transposed(a, a.get(3), a.get(4), a.get(7), number(a, 8, 1), a.get(5));
                }
                yield convolution(a, a.get(3), a.get(4), a.get(5), number(a, 8, 1));
            }
            case "conv_transpose1d", "conv_transpose2d", "conv_transpose3d" ->
                    transposed(
                            a,
                            or(a, 3, ONES),
                            or(a, 4, NONE),
                            or(a, 5, NONE),
                            number(a, 6, 1),
                            or(a, 7, ONES));
            case "linear" -> linear((Tensor) a.get(0), (Tensor) a.get(1));
            case "addmm", "addmv", "baddbmm" -> product(a.get(1), a.get(2));
            case "matmul", "mm", "bmm", "mv" -> product(a.get(0), a.get(1));
            case "lstm", "gru", "rnn_tanh", "rnn_relu" -> recurrent(name.equals("lstm"), a);
            case "dim" -> (long) shape(a.get(0)).length;
            case "numel" -> product(shape(a.get(0)), 0, shape(a.get(0)).length);
            case "size" -> {
                Tensor x = (Tensor) a.get(0);
                List<Object> sizes = list(shape(x));
                yield a.size() > 1 ? sizes.get(x.at((int) number(a, 1, 0))) : sizes;
            }
            case "embedding" -> embedding((Tensor) a.get(0), (Tensor) a.get(1));
            default -> null;
        };
    }

    private Tensor convolution(
            List<Object> a, Object strides, Object paddings, Object dilations, long groups)
            throws Unknown {
        long[] input = shape(a.get(0));
        long[] kernel = shape(a.get(1));
        int axes = kernel.length - 2;
        int first = input.length - axes;
        check(first >= 1 && input[first - 1] == kernel[1] * groups);
        long[] output = input.clone();
        output[first - 1] = kernel[0];
        for (int i = 0; i < axes; i++) {
            long reach = item(dilations, i) * (kernel[i + 2] - 1);
            long padding =
                    paddings instanceof String mode
                            ? mode.equals("same") ? reach : 0
                            : 2 * item(paddings, i);
            output[first + i] =
                    Math.floorDiv(input[first + i] + padding - reach - 1, item(strides, i)) + 1;
            check(output[first + i] > 0);
        }
        note((Tensor) a.get(1), product(output, first, output.length));
        return of(output);
    }

    private Tensor transposed(
            List<Object> a,
            Object strides,
            Object paddings,
            Object more,
            long groups,
            Object dilations)
            throws Unknown {
        long[] input = shape(a.get(0));
        long[] kernel = shape(a.get(1));
        int axes = kernel.length - 2;
        int first = input.length - axes;
        check(first >= 1 && input[first - 1] == kernel[0]);
        long[] output = input.clone();
        output[first - 1] = kernel[1] * groups;
        for (int i = 0; i < axes; i++) {
            output[first + i] =
                    (input[first + i] - 1) * item(strides, i)
                            - 2 * item(paddings, i)
                            + item(dilations, i) * (kernel[i + 2] - 1)
                            + item(more, i)
                            + 1;
            check(output[first + i] > 0);
        }
        note((Tensor) a.get(1), product(input, first, input.length));
        return of(output);
    }

    private Tensor linear(Tensor input, Tensor weight) throws Unknown {
        long[] output = shape(input).clone();
        int last = output.length - 1;
        check(output[last] == shape(weight)[1]);
        note(weight, product(output, 0, last));
        output[last] = weight.shape()[0];
        return of(output);
    }

    /** A product of matrices, or of as many as there are, of which parameters may be one side. */
    private Tensor product(Object one, Object other) throws Unknown {
        long[] x = shape(one);
        long[] y = shape(other);
        check(x.length > 1 && y.length > 1 && x[x.length - 1] == y[y.length - 2]);
        long[] batch = broadcast(Arrays.copyOf(x, x.length - 2), Arrays.copyOf(y, y.length - 2));
        long[] output = Arrays.copyOf(batch, batch.length + 2);
        output[batch.length] = x[x.length - 2];
        output[batch.length + 1] = y[y.length - 1];
        for (Object factor : List.of(one, other)) {
            Tensor weight = (Tensor) factor;
            long size = product(output, 0, output.length);
            long once = factor == one ? x[x.length - 2] : y[y.length - 1];
            long matrices = product(weight.shape(), 0, weight.shape().length - 2);
            note(weight, size / once / matrices);
        }
        return of(output);
    }

    /** One step after the other; each result is (sequence, last states...). */
    private List<Object> recurrent(boolean hasCells, List<Object> a) throws Unknown {
        check(a.get(2) instanceof List); // Not of sequences that were packed.
        long[] input = shape(a.get(0));
        boolean batchFirst = (Boolean) a.get(8);
        check(input.length == 3);
        Object first = hasCells ? ((List<?>) a.get(1)).get(0) : a.get(1);
        long[] states = shape(first);
        for (Object parameter : (List<?>) a.get(2)) {
            note((Tensor) parameter, product(input, 0, 2));
        }
        long features = states[2] * ((Boolean) a.get(7) ? 2 : 1);
        check(product(input, 0, 2) == input[batchFirst ? 1 : 0]); // One sample.
        List<Object> results = new ArrayList<>();
        results.add(of(input[0], input[1], features));
        results.add(of(states));
        if (hasCells) {
            results.add(of(shape(((List<?>) a.get(1)).get(1))));
        }
        return results;
    }

    private static Tensor embedding(Tensor table, Tensor index) throws Unknown {
        long[] shape = Arrays.copyOf(shape(index), shape(index).length + 1);
        shape[shape.length - 1] = shape(table)[1];
        return of(shape);
    }

    // Functions of arrays.

    private static Object array(String name, List<Object> a) throws Unknown {
        if (KEEPING.contains(name)) {
            return of(shape(a.get(0)));
        }
        if (ELEMENTWISE.contains(name) || Function.named(TORCH + name) != null) {
            return elementwise(a);
        }
        if (name.startsWith("adaptive_")) {
            return adaptive(name, a);
        }
        if (name.startsWith("max_pool") || name.startsWith("avg_pool")) {
            return pool(name, a);
        }
        if (name.equals("cat") || name.equals("stack")) {
            return joined(name.equals("stack"), a);
        }
        Tensor x = (Tensor) a.get(0);
        long[] shape = shape(x);
        return switch (name) {
            case "flatten" -> flatten(x, x.at((int) number(a, 1, 0)), x.at((int) number(a, 2, -1)));
            case "reshape", "view" -> reshaped(x, (List<?>) a.get(1));
            case "unsqueeze" -> {
                List<Object> sizes = list(shape);
                long axis = number(a, 1, 0);
                sizes.add((int) (axis < 0 ? axis + shape.length + 1 : axis), 1L);
                yield of(longs(sizes));
            }
            case "squeeze" -> squeezed(x, a);
            case "permute" -> permuted(x, (List<?>) a.get(1));
            case "t" -> shape.length < 2 ? x : permuted(x, List.of(1L, 0L));
            case "transpose" -> {
                long[] swapped = shape.clone();
                swapped[x.at((int) number(a, 1, 0))] = x.axis((int) number(a, 2, 0));
                swapped[x.at((int) number(a, 2, 0))] = x.axis((int) number(a, 1, 0));
                yield of(swapped);
            }
            case "mean", "sum", "amax", "amin" -> reduced(x, a);
            case "chunk", "split" -> parts(name.equals("chunk"), x, a);
            case "slice" -> sliced(x, a);
            case "select" -> {
                List<Object> sizes = list(shape);
                sizes.remove(x.at((int) number(a, 1, 0)));
                yield of(longs(sizes));
            }
            case "one_hot" -> {
                long[] marked = Arrays.copyOf(shape, shape.length + 1);
                marked[shape.length] = (Long) a.get(1);
                yield of(marked);
            }
            case "gather" -> of(shape(a.get(2)));
            case "upsample_nearest1d", "upsample_nearest2d", "upsample_bilinear2d" ->
                    resized(shape, (List<?>) a.get(1));
            case "expand" -> expanded(shape, longs((List<?>) a.get(1)));
            case "zeros", "ones", "full", "new_zeros" -> of(longs((List<?>) a.get(1)));
            default -> throw new Unknown("calls " + TORCH + name);
        };
    }

    private static Object elementwise(List<Object> a) throws Unknown {
        long[] shape = {};
        for (Object argument : a) {
            if (argument instanceof Tensor) {
                shape = broadcast(shape, shape(argument));
            }
        }
        return of(shape);
    }

    private static long[] broadcast(long[] x, long[] y) throws Unknown {
        long[] longer = (x.length >= y.length ? x : y).clone();
        long[] shorter = x.length >= y.length ? y : x;
        int shift = longer.length - shorter.length;
        for (int i = 0; i < shorter.length; i++) {
            long one = longer[i + shift];
            check(one == shorter[i] || one == 1 || shorter[i] == 1);
            longer[i + shift] = one == 1 ? shorter[i] : one;
        }
        return longer;
    }

    private static Object adaptive(String name, List<Object> a) throws Unknown {
        long[] output = shape(a.get(0)).clone();
        List<?> sizes = (List<?>) a.get(1);
        for (int i = 0; i < sizes.size(); i++) {
            if (sizes.get(i) != null) {
                output[output.length - sizes.size() + i] = (Long) sizes.get(i);
            }
        }
        return name.contains("max") ? List.of(of(output), of(output)) : of(output);
    }

    private static Object pool(String name, List<Object> a) throws Unknown {
        int axes = name.charAt(name.indexOf("pool") + "pool".length()) - '0';
        boolean isMax = name.startsWith("max");
        long[] output = shape(a.get(0)).clone();
        List<?> given = (List<?>) or(a, 2, List.of());
        Object strides = given.isEmpty() ? a.get(1) : given;
        Object paddings = or(a, 3, NONE);
        Object dilations = isMax ? or(a, 4, ONES) : ONES;
        int ceil = isMax ? 5 : 4;
        boolean isUp = a.size() > ceil && (Boolean) a.get(ceil);
        for (int i = 0; i < axes; i++) {
            int at = output.length - axes + i;
            long stride = item(strides, i);
            long padding = item(paddings, i);
            long rest = output[at] + 2 * padding - item(dilations, i) * (item(a.get(1), i) - 1) - 1;
            long last = Math.floorDiv(rest + (isUp ? stride - 1 : 0), stride);
            // No window begins beyond the image and its padding on the left.
            last -= isUp && last * stride >= output[at] + padding ? 1 : 0;
            output[at] = last + 1;
            check(output[at] > 0);
        }
        return name.endsWith("indices") ? List.of(of(output), of(output)) : of(output);
    }

    private static Tensor joined(boolean stacks, List<Object> a) throws Unknown {
        List<?> parts = (List<?>) a.get(0);
        long[] shape = shape(parts.get(0)).clone();
        int rank = shape.length + (stacks ? 1 : 0);
        int axis = (int) number(a, 1, 0);
        axis = axis < 0 ? axis + rank : axis;
        if (stacks) {
            List<Object> sizes = list(shape);
            sizes.add(axis, (long) parts.size());
            return of(longs(sizes));
        }
        shape[axis] = 0;
        for (Object part : parts) {
            shape[axis] += ((Tensor) part).axis(axis);
        }
        return of(shape);
    }

    private static Tensor flatten(Tensor x, int from, int to) {
        List<Object> sizes = list(x.shape());
        List<Object> joined = new ArrayList<>(sizes.subList(0, from));
        joined.add(product(x.shape(), from, to + 1));
        joined.addAll(sizes.subList(to + 1, sizes.size()));
        return of(longs(joined));
    }

    private static Tensor reshaped(Tensor x, List<?> sizes) throws Unknown {
        long[] shape = longs(sizes);
        long known = 1;
        for (long size : shape) {
            known = Math.multiplyExact(known, size == -1 ? 1 : size);
        }
        check(known > 0 && x.size() % known == 0);
        for (int i = 0; i < shape.length; i++) {
            shape[i] = shape[i] == -1 ? x.size() / known : shape[i];
        }
        check(product(shape, 0, shape.length) == x.size());
        return of(shape);
    }

    private static Tensor squeezed(Tensor x, List<Object> a) {
        List<Object> sizes = list(x.shape());
        if (a.size() < 2) {
            sizes.removeAll(List.of(1L));
        } else {
            List<?> axes = a.get(1) instanceof List<?> several ? several : List.of(a.get(1));
            List<Integer> at = new ArrayList<>();
            axes.forEach(axis -> at.add(x.at(((Long) axis).intValue())));
            at.sort(Collections.reverseOrder());
            at.removeIf(axis -> x.axis(axis) != 1);
            at.forEach(axis -> sizes.remove((int) axis));
        }
        return of(longs(sizes));
    }

    private static Tensor permuted(Tensor x, List<?> order) throws Unknown {
        check(order.size() == x.shape().length);
        long[] shape = new long[order.size()];
        for (int i = 0; i < shape.length; i++) {
            shape[i] = x.axis(((Long) order.get(i)).intValue());
        }
        return of(shape);
    }

    private static Tensor reduced(Tensor x, List<Object> a) {
        if (a.size() < 2 || !(a.get(1) instanceof List<?> axes)) {
            return of();
        }
        boolean keeps = a.size() > 2 && Boolean.TRUE.equals(a.get(2));
        boolean[] gone = new boolean[x.shape().length];
        axes.forEach(axis -> gone[x.at(((Long) axis).intValue())] = true);
        Arrays.fill(gone, gone.length - (axes.isEmpty() ? gone.length : 0), gone.length, true);
        List<Object> sizes = new ArrayList<>();
        for (int i = 0; i < gone.length; i++) {
            if (!gone[i]) {
                sizes.add(x.shape()[i]);
            } else if (keeps) {
                sizes.add(1L);
            }
        }
        return of(longs(sizes));
    }

    private static List<Object> parts(boolean isChunk, Tensor x, List<Object> a) throws Unknown {
        int axis = x.at((int) number(a, 2, 0));
        long size = x.shape()[axis];
        List<Object> parts = new ArrayList<>();
        if (a.get(1) instanceof List<?> sizes) {
            for (Object part : sizes) {
                parts.add(with(x, axis, (Long) part));
            }
            return parts;
        }
        long step = (Long) a.get(1);
        check(step > 0 && size / step <= 1 << 16);
        step = isChunk ? (size + step - 1) / step : step;
        for (long from = 0; from < size; from += step) {
            parts.add(with(x, axis, Math.min(step, size - from)));
        }
        return parts;
    }

    private static Tensor with(Tensor x, int axis, long size) {
        long[] shape = x.shape().clone();
        shape[axis] = size;
        return of(shape);
    }

    private static Tensor sliced(Tensor x, List<Object> a) throws Unknown {
        int axis = x.at((int) number(a, 1, 0));
        long size = x.shape()[axis];
        long from = bound(a.size() > 2 ? a.get(2) : null, 0, size);
        long to = bound(a.size() > 3 ? a.get(3) : null, size, size);
        long step = number(a, 4, 1);
        check(step > 0);
        return with(x, axis, Math.max(0, (to - from + step - 1) / step));
    }

    private static long bound(Object value, long none, long size) {
        if (value == null) {
            return none;
        }
        long at = (Long) value < 0 ? (Long) value + size : (Long) value;
        return Math.max(0, Math.min(size, at));
    }

    private static Tensor resized(long[] from, List<?> sizes) {
        long[] shape = from.clone();
        for (int i = 0; i < sizes.size(); i++) {
            shape[shape.length - sizes.size() + i] = (Long) sizes.get(i);
        }
        return of(shape);
    }

    private static Tensor expanded(long[] from, long[] sizes) throws Unknown {
        long[] shape = sizes.clone();
        int shift = sizes.length - from.length;
        check(shift >= 0);
        for (int i = shift; i < shape.length; i++) {
            shape[i] = shape[i] == -1 ? from[i - shift] : shape[i];
        }
        return of(shape);
    }

    private static void check(boolean fits) throws Unknown {
        if (!fits) {
            throw new Unknown("is given arrays that do not fit it");
        }
    }

    private static Object or(List<Object> a, int index, Object none) {
        return index < a.size() ? a.get(index) : none;
    }

    /** A number of a list that may hold one for all axes. */
    private static long item(Object list, int index) {
        List<?> items = (List<?>) list;
        return (Long) items.get(items.size() == 1 ? 0 : index);
    }

    private static long number(List<Object> a, int index, long none) {
        return index < a.size() && a.get(index) != null ? (Long) a.get(index) : none;
    }

    private static List<Object> list(long[] sizes) {
        List<Object> list = new ArrayList<>();
        for (long size : sizes) {
            list.add(size);
        }
        return list;
    }

    private static long[] longs(List<?> sizes) {
        return sizes.stream().mapToLong(size -> (Long) size).toArray();
    }
}
