package io.flipout.inference;

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
import io.flipout.inference.Buffers.Buffer;
import io.flipout.inference.kernel.Activation;
import io.flipout.inference.kernel.ElementWise;
import io.flipout.inference.kernel.Filters;
import io.flipout.inference.kernel.Kernel;
import io.flipout.inference.kernel.Planes;
import io.flipout.inference.kernel.Pooling;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A graph bound to places in an arena, for as many images as lie side by side: which buffer each
 * node's planes are in, free for others when the last reader has read them, and the kernels in
 * order. Immutable; any number of arenas may be computed with it at once.
 */
final class Plan {

    private final int lanes;
    private final Layouts layouts;
    private final Buffers buffers;
    private final List<Node> nodes;
    private final Map<Node, Place> places = new IdentityHashMap<>();
    private final Map<Node, Integer> lastUse = new IdentityHashMap<>();
    private final List<Kernel> kernels = new ArrayList<>();
    private final Node output;
    private final Planes inputPlanes;
    private final int scratch;
    private int scratchSize;

    /** Some channels of a buffer. */
    private record Place(Buffer buffer, int channel) {}

    Plan(Graph graph, int lanes) {
        this.lanes = lanes;
        output = same(graph.output(), true);
        nodes = needed(graph);
        layouts = new Layouts(nodes, this::read, lanes);
        buffers = new Buffers(layouts, lanes);
        place(graph.input());
        scratch = buffers.place();
        inputPlanes = planes(graph.input());
        for (Node node : nodes) {
            compute(node);
        }
    }

    /** What is the same numbers in the same places; as the last result, in the same order. */
    private static Node same(Node node, boolean inOrder) {
        Node read = node;
        while (read instanceof Reshape) {
            Dims from = read.inputs().get(0).dims();
            if (!inOrder
                    && (from.channels() != read.dims().channels()
                            || from.height() != read.dims().height()
                            || from.width() != read.dims().width())) {
                return read;
            }
            read = read.inputs().get(0);
        }
        return read;
    }

    /** A linear layer reads planes where they lie, whatever they were reshaped to. */
    private Node read(Convolution convolution) {
        return same(convolution.inputs().get(0), convolution.isLinear());
    }

    private List<Node> reads(Node node) {
        List<Node> reads = new ArrayList<>();
        for (int i = 0; i < node.inputs().size(); i++) {
            boolean inOrder =
                    node instanceof Reshape
                            || (i == 0
                                    && node instanceof Convolution convolution
                                    && convolution.isLinear());
            Node read = same(node.inputs().get(i), inOrder);
            boolean isNumber =
                    node instanceof Elementwise
                            && read instanceof Constant constant
                            && constant.isScalar();
            if (!isNumber) {
                reads.add(read);
            }
        }
        return reads;
    }

    private List<Node> needed(Graph graph) {
        Set<Node> used = Collections.newSetFromMap(new IdentityHashMap<>());
        used.add(output);
        List<Node> sorted = graph.nodes();
        List<Node> needed = new ArrayList<>();
        for (int i = sorted.size() - 1; i >= 0; i--) {
            if (used.contains(sorted.get(i))) {
                needed.add(sorted.get(i));
                used.addAll(reads(sorted.get(i)));
            }
        }
        Collections.reverse(needed);
        return needed;
    }

    // Places.

    private void place(Input input) {
        Map<Node, Concat> parts = parts();
        for (int i = 0; i < nodes.size(); i++) {
            for (Node read : reads(nodes.get(i))) {
                lastUse.put(read, i);
            }
        }
        lastUse.put(output, nodes.size());
        // What is written once and never again, or by somebody else.
        lastUse.put(input, nodes.size());
        take(input, Map.of());
        for (Node node : nodes) {
            if (node instanceof Constant) {
                take(node, Map.of());
                lastUse.put(node, nodes.size());
            }
        }
        for (int i = 0; i < nodes.size(); i++) {
            Node node = nodes.get(i);
            if (!places.containsKey(node)) {
                take(node, parts);
            }
            if (node instanceof Convolution convolution && convolution.ones() != null) {
                places.get(read(convolution)).buffer().needOnes();
            }
            for (Node read : new ArrayList<>(reads(node))) {
                if (lastUse.get(read) == i && lastUse.put(read, -1) >= 0) {
                    buffers.release(places.get(read).buffer());
                }
            }
        }
    }

    /** Which channels of which join each node's planes are written to at once. */
    private Map<Node, Concat> parts() {
        Map<Node, Concat> parts = new IdentityHashMap<>();
        for (int i = nodes.size() - 1; i >= 0; i--) {
            if (nodes.get(i) instanceof Concat concat) {
                for (Node part : reads(concat)) {
                    if (!(part instanceof Input || part instanceof Constant)) {
                        parts.putIfAbsent(part, concat);
                    }
                }
            }
        }
        return parts;
    }

    private Place take(Node node, Map<Node, Concat> parts) {
        Place place = places.get(node);
        if (place != null) {
            return place;
        }
        Concat concat = parts.get(node);
        if (concat == null) {
            place = new Place(buffers.take(node.dims()), 0);
        } else {
            Place whole = places.get(concat);
            if (whole == null) {
                whole = take(concat, parts);
            }
            buffers.share(whole.buffer());
            int channel = whole.channel();
            for (Node part : reads(concat)) {
                if (part == node) {
                    break;
                }
                channel += part.dims().channels();
            }
            place = new Place(whole.buffer(), channel);
        }
        places.put(node, place);
        return place;
    }

    private Planes planes(Node node) {
        Place place = places.get(node);
        return place.buffer().planes().slice(place.channel(), node.dims().channels());
    }

    // Kernels.

    private void compute(Node node) {
        if (node instanceof Convolution convolution) {
            convolution(convolution);
        } else if (node instanceof Affine affine) {
            affine(affine);
        } else if (node instanceof Elementwise elementwise) {
            elementwise(elementwise);
        } else if (node instanceof Pool pool) {
            kernels.add(pool(pool, planes(reads(pool).get(0)), planes(pool)));
        } else if (node instanceof Concat concat) {
            concat(concat);
        } else if (node instanceof Softmax softmax) {
            kernels.add(Steps.softmax(softmax, planes(reads(node).get(0)), planes(node)));
        } else if (node instanceof Reshape || node instanceof Permute) {
            int[] from = node instanceof Permute permute ? permuted(permute) : numbers(node);
            rearrange(node, from, new float[node.dims().channels()]);
        } else if (node instanceof Channels channels) {
            channels(channels);
        }
    }

    private void rearrange(Node node, int[] from, float[] constants) {
        kernels.add(Steps.rearrange(planes(reads(node).get(0)), planes(node), from, constants));
    }

    private static int[] numbers(Node node) {
        int[] numbers = new int[node.dims().size()];
        Arrays.setAll(numbers, i -> i);
        return numbers;
    }

    private void convolution(Convolution node) {
        Node read = read(node);
        Place place = places.get(read);
        boolean ones = node.ones() != null;
        Planes buffer = place.buffer().planes();
        int channels = ones ? buffer.channels() - place.channel() : read.dims().channels();
        Planes in = buffer.slice(place.channel(), channels);
        Window w = node.window();
        boolean linear = node.isLinear();
        int height = linear ? in.height() : w.height();
        int width = linear ? in.width() : w.width();
        io.flipout.inference.kernel.Convolution.Builder builder =
                io.flipout.inference.kernel.Convolution.builder()
                        .setFilters(filters(node, channels * height * width))
                        .setKernel(height, width)
                        .optStride(w.strideY(), w.strideX())
                        .optPadding(w.paddingY(), w.paddingX())
                        .optDilation(w.dilationY(), w.dilationX())
                        .optBias(node.bias());
        if (node.activation() != null) {
            builder.optActivation(activation(node.activation(), node.activationArguments()));
        }
        Planes residual = null;
        if (node.residual() != null) {
            residual = planes(same(node.residual(), false));
            builder.optResidual(false, node.residualIndex());
        }
        plan(builder.build(), in, planes(node), residual);
    }

    private void plan(
            io.flipout.inference.kernel.Convolution convolution,
            Planes in,
            Planes out,
            Planes residual) {
        scratchSize = Math.max(scratchSize, convolution.scratch(in, out));
        kernels.addAll(convolution.plan(in, out, residual, scratch));
    }

    /** The weights, those on the plane of ones as on the last channel. */
    private static Filters filters(Convolution node, int size) {
        Weights weights = node.weights();
        Weights ones = node.ones();
        if (!weights.isSparse() && ones == null) {
            return Filters.dense(weights.toDense(), weights.filters());
        }
        int most = weights.start(weights.filters());
        most += ones == null ? 0 : ones.start(weights.filters());
        int[] starts = new int[weights.filters() + 1];
        int[] positions = new int[most];
        float[] values = new float[most];
        int count = 0;
        for (int filter = 0; filter < weights.filters(); filter++) {
            for (int i = weights.start(filter); i < weights.start(filter + 1); i++) {
                if (weights.value(i) != 0) {
                    positions[count] = weights.position(filter, i);
                    values[count++] = weights.value(i);
                }
            }
            for (int i = onesStart(ones, filter); i < onesStart(ones, filter + 1); i++) {
                if (ones.value(i) != 0) {
                    positions[count] = size - ones.area() + ones.position(filter, i);
                    values[count++] = ones.value(i);
                }
            }
            starts[filter + 1] = count;
        }
        return Filters.sparse(
                size, starts, Arrays.copyOf(positions, count), Arrays.copyOf(values, count));
    }

    private static int onesStart(Weights ones, int filter) {
        return ones == null ? 0 : ones.start(filter);
    }

    static Activation activation(Function function, float[] arguments) {
        return switch (function) {
            case RELU -> Activation.RELU;
            case CLAMP -> Activation.clamp(arguments[0], arguments[1]);
            case LEAKY_RELU -> Activation.leaky(arguments[0]);
            default -> {
                float y = arguments.length > 0 ? arguments[0] : 0;
                float z = arguments.length > 1 ? arguments[1] : 0;
                yield Activation.of(x -> function.apply(x, y, z));
            }
        };
    }

    /** A convolution of each channel by itself. */
    private void affine(Affine node) {
        int channels = node.dims().channels();
        int[] starts = new int[channels + 1];
        Arrays.setAll(starts, i -> i);
        Planes in = planes(reads(node).get(0));
        plan(
                io.flipout.inference.kernel.Convolution.builder()
                        .setFilters(Filters.sparse(1, starts, new int[channels], node.scale()))
                        .setKernel(1, 1)
                        .optGroups(channels)
                        .optBias(node.shift())
                        .build(),
                in,
                planes(node),
                null);
    }

    private void elementwise(Elementwise node) {
        Planes out = planes(node);
        Planes[] operands = new Planes[node.inputs().size()];
        float[] numbers = new float[operands.length];
        boolean alike = true;
        for (int i = 0; i < operands.length; i++) {
            Node read = same(node.inputs().get(i), false);
            if (read instanceof Constant constant && constant.isScalar()) {
                numbers[i] = constant.value(0);
            } else {
                operands[i] = planes(read);
                alike &= read.dims().size() == node.dims().size();
            }
        }
        if (node.isOfOne() && alike && operands[0] != null) {
            Activation activation = activation(node.function(), node.arguments());
            kernels.add(ElementWise.map(operands[0], out, null, activation));
        } else if (node.function() == Function.ADD
                && alike
                && operands[0] != null
                && operands[1] != null) {
            kernels.add(
                    ElementWise.add(
                            operands[0], operands[1], out, null, null, Activation.IDENTITY));
        } else {
            kernels.add(Steps.apply(node.function(), operands, numbers, out));
        }
    }

    private static Kernel pool(Pool node, Planes in, Planes out) {
        if (node.isAdaptive()) {
            return node.isMax() ? Pooling.adaptiveMax(in, out) : Pooling.adaptiveAverage(in, out);
        }
        Window w = node.window();
        int[] kernel = {w.height(), w.width()};
        int[] stride = {w.strideY(), w.strideX()};
        int[] padding = {w.paddingY(), w.paddingX()};
        int[] dilation = {w.dilationY(), w.dilationX()};
        return node.isMax()
                ? Pooling.max(in, out, kernel, stride, padding, dilation)
                : Pooling.average(in, out, kernel, stride, padding, node.countsPadding());
    }

    /** Copies the parts that were not written in place. */
    private void concat(Concat node) {
        Place whole = places.get(node);
        int channel = whole.channel();
        for (Node part : reads(node)) {
            Place place = places.get(part);
            int count = part.dims().channels();
            if (place.buffer() != whole.buffer() || place.channel() != channel) {
                Planes target = whole.buffer().planes().slice(channel, count);
                kernels.add(ElementWise.copy(planes(part), target, null));
            }
            channel += count;
        }
    }

    private void channels(Channels node) {
        int area = node.dims().area();
        int[] from = new int[node.dims().size()];
        for (int i = 0; i < from.length; i++) {
            int channel = node.index()[i / area];
            from[i] = channel < 0 ? -1 : channel * area + i % area;
        }
        rearrange(node, from, node.fill());
    }

    private static int[] permuted(Permute node) {
        int[] from = node.inputs().get(0).dims().axes();
        int[] to = node.dims().axes();
        int[] steps = new int[from.length];
        int step = 1;
        for (int axis = from.length - 1; axis >= 0; axis--) {
            steps[axis] = step;
            step *= from[axis];
        }
        int[] order = node.order();
        int[] numbers = new int[node.dims().size()];
        for (int i = 0; i < numbers.length; i++) {
            int rest = i;
            for (int axis = to.length - 1; axis >= 0; axis--) {
                numbers[i] += rest % to[axis] * steps[order[axis]];
                rest /= to[axis];
            }
        }
        return numbers;
    }

    // What is asked when it is run.

    int lanes() {
        return lanes;
    }

    /** Where images go. */
    Planes input() {
        return inputPlanes;
    }

    /** Where results come from. */
    Planes output() {
        return planes(output);
    }

    Kernel[] kernels() {
        return kernels.toArray(Kernel[]::new);
    }

    /** Nanoseconds on one thread. */
    double cost() {
        return kernels.stream().mapToDouble(Kernel::cost).sum();
    }

    /** An arena with what does not change: zeros around the planes, ones and constants. */
    float[] arena() {
        float[] arena = new float[Math.addExact(scratch, scratchSize + Planes.ROOM)];
        for (Buffer buffer : buffers.all()) {
            if (buffer.hasOnes()) {
                Planes ones = buffer.planes();
                int last = ones.channels() - 1;
                fill(ones.slice(last, 1), new float[] {1}, arena);
            }
        }
        for (Node node : nodes) {
            if (node instanceof Constant constant) {
                float[] values = new float[constant.dims().size()];
                for (int i = 0; i < values.length; i++) {
                    values[i] = constant.value(i);
                }
                fill(planes(node), values, arena);
            }
        }
        return arena;
    }

    /** The same numbers for every image; a single one everywhere. */
    private static void fill(Planes planes, float[] values, float[] arena) {
        int size = planes.channels() * planes.height() * planes.width();
        float[] images = new float[planes.images() * size];
        for (int i = 0; i < images.length; i++) {
            images[i] = values[values.length == 1 ? 0 : i % size];
        }
        planes.load(images, 0, arena);
    }
}
