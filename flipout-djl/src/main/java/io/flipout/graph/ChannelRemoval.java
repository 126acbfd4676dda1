package io.flipout.graph;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;

/**
 * Removes channels that nobody reads with what only they read, and channels whose numbers are all
 * the same, whatever the image: a filter without weights gives its bias, and what follows makes
 * another constant of it. Into the next convolution such a channel goes as a summand, or, where
 * padding leaves taps out at the border, as weights on a plane of ones, which is padded too.
 *
 * <p>First constants are carried from the input to the output, then needs from the output to the
 * input, then the graph is written anew. An addition keeps a channel if either side has it.
 */
final class ChannelRemoval {

    private final Graph graph;
    private final boolean keepsGroups;
    private final Map<Node, State> states = new IdentityHashMap<>();
    private final Map<Node, Node> reduced = new IdentityHashMap<>();
    private final Map<Node, List<Node>> readers;

    /** What is known of a node's channels. */
    private static final class State {
        private final boolean[] constant;
        private final float[] value;
        private final boolean[] needed;
        private int[] kept;
        private int[] place; // among those kept; below 0 for the others

        private State(int channels) {
            constant = new boolean[channels];
            value = new float[channels];
            needed = new boolean[channels];
        }

        /** Only finite numbers: what is undefined is left to be computed. */
        private void set(int channel, float number) {
            constant[channel] = Float.isFinite(number);
            value[channel] = number;
        }

        private void need(int channel) {
            needed[channel] |= !constant[channel];
        }

        private void needAll() {
            for (int i = 0; i < needed.length; i++) {
                need(i);
            }
        }

        private void keep() {
            int count = 0;
            int[] all = new int[needed.length];
            place = new int[needed.length];
            for (int i = 0; i < all.length; i++) {
                place[i] = needed[i] ? count : -1;
                if (needed[i]) {
                    all[count++] = i;
                }
            }
            kept = Arrays.copyOf(all, count);
        }
    }

    private ChannelRemoval(Graph graph, boolean keepsGroups) {
        this.graph = graph;
        this.keepsGroups = keepsGroups;
        readers = graph.readers();
    }

    /**
     * Removes channels.
     *
     * @param keepsGroups whether groups of a convolution stay equal, and every node's result has
     *     the sizes of the batch and the image, for who can compute no others
     */
    static Graph of(Graph graph, boolean keepsGroups) {
        return new ChannelRemoval(graph, keepsGroups).removed();
    }

    private Graph removed() {
        for (Node node : graph.nodes()) {
            State state = new State(node.dims().channels());
            states.put(node, state);
            carry(node, state);
        }
        states.get(graph.output()).needAll();
        for (int i = graph.nodes().size() - 1; i >= 0; i--) {
            Node node = graph.nodes().get(i);
            State state = states.get(node);
            if (node instanceof Input || node instanceof Constant) {
                state.needAll();
            }
            if (isFlatten(node)) {
                wholeChannels(node, state);
            }
            if (keepsGroups && isMissing(node, state)) {
                state.constant[0] = false;
                state.needed[0] = true;
                if (isFlatten(node)) {
                    wholeChannels(node, state);
                }
            }
            state.keep();
            if (state.kept.length > 0) {
                need(node, state);
            }
        }
        for (Node node : graph.nodes()) {
            if (states.get(node).kept.length > 0) {
                reduced.put(node, reduce(node));
            }
        }
        return new Graph(graph.input(), all(graph.output()));
    }

    private State state(Node node) {
        return states.get(node);
    }

    /**
     * Whether no channel is computed, but a reader has to learn the sizes of the batch and the
     * planes from one.
     */
    private boolean isMissing(Node node, State state) {
        if (isAnyNeeded(state)) {
            return false;
        }
        if (node == graph.output()) {
            return true;
        }
        for (Node reader : readers.get(node)) {
            boolean others = false;
            if (reader instanceof Elementwise || reader instanceof Concat) {
                for (Node operand : reader.inputs()) {
                    others |= !(operand instanceof Constant) && isAnyNeeded(state(operand));
                }
            }
            if (state(reader).kept.length > 0 && !others) {
                return true;
            }
        }
        return false;
    }

    private static boolean isAnyNeeded(State state) {
        for (boolean needed : state.needed) {
            if (needed) {
                return true;
            }
        }
        return false;
    }

    // Kinds of nodes.

    /** Channels of several numbers become so many of one, or stay what they are. */
    static boolean isFlatten(Node node) {
        return node instanceof Reshape
                && node.dims().area() == 1
                && node.dims().channels() == node.input().dims().size();
    }

    static boolean isSame(Node node) {
        return node instanceof Reshape && node.dims().channels() == node.input().dims().channels();
    }

    /** What needs all channels, and makes none that is known to be constant. */
    private boolean isOpaque(Node node) {
        return node instanceof Softmax
                || node instanceof Permute
                || (node instanceof Reshape && !isFlatten(node) && !isSame(node))
                || (node instanceof Convolution convolution
                        && keepsGroups
                        && convolution.groups() > 1
                        && !isDepthwise(convolution));
    }

    private static boolean isDepthwise(Convolution node) {
        return node.groups() == node.weights().filters()
                && node.groups() == node.weights().channels();
    }

    // Constants, from the input to the output.

    private void carry(Node node, State state) {
        if (isOpaque(node) || node instanceof Input || node instanceof Constant) {
            return;
        }
        if (node instanceof Convolution convolution) {
            if (!convolution.isBare() || convolution.ones() != null) {
                throw new IllegalStateException("Channels are removed before fusion.");
            }
            carry(convolution, state);
        } else if (node instanceof Concat) {
            int channel = 0;
            for (Node part : node.inputs()) {
                State from = state(part);
                for (int i = 0; i < from.constant.length; i++, channel++) {
                    state.constant[channel] = from.constant[i];
                    state.value[channel] = from.value[i];
                }
            }
        } else {
            for (int channel = 0; channel < state.constant.length; channel++) {
                float value = value(node, channel);
                if (Float.isFinite(value)) {
                    state.set(channel, value);
                }
            }
        }
    }

    private void carry(Convolution node, State state) {
        State from = state(node.input());
        Weights weights = node.weights();
        int area = weights.area();
        for (int filter = 0; filter < weights.filters(); filter++) {
            boolean constant = true;
            double sum = node.bias()[filter];
            for (int i = weights.start(filter); constant && i < weights.start(filter + 1); i++) {
                if (weights.value(i) != 0) {
                    int channel = weights.position(filter, i) / area;
                    float value = from.value[channel];
                    constant = from.constant[channel] && (value == 0 || !node.window().isPadded());
                    sum += (double) weights.value(i) * value;
                }
            }
            if (constant) {
                state.set(filter, (float) sum);
            }
        }
    }

    /** The number that a channel is all over; NaN if it is not known to be one. */
    private float value(Node node, int channel) {
        if (node instanceof Affine affine) {
            float scale = affine.scale()[channel];
            float shift = affine.shift()[channel];
            State from = state(node.input());
            return scale == 0
                    ? shift
                    : from.constant[channel] ? from.value[channel] * scale + shift : Float.NaN;
        } else if (node instanceof Elementwise elementwise) {
            return value(elementwise, channel);
        } else if (node instanceof Pool pool) {
            State from = state(node.input());
            boolean stays = pool.isMax() || !countsPadding(pool) || from.value[channel] == 0;
            return stays && from.constant[channel] ? from.value[channel] : Float.NaN;
        } else if (node instanceof Channels channels) {
            int source = channels.index()[channel];
            State from = state(node.input());
            return source < 0
                    ? channels.fill()[channel]
                    : from.constant[source] ? from.value[source] : Float.NaN;
        } else if (node instanceof Reshape) {
            int source = isSame(node) ? channel : channel / node.input().dims().area();
            State from = state(node.input());
            return from.constant[source] ? from.value[source] : Float.NaN;
        }
        return Float.NaN;
    }

    /** Whether zeros around the planes count in a mean. */
    private static boolean countsPadding(Pool pool) {
        return !pool.isAdaptive() && pool.countsPadding() && pool.window().isPadded();
    }

    private float value(Elementwise node, int channel) {
        float[] x = new float[3];
        for (int i = 0; i < node.inputs().size(); i++) {
            Node operand = node.inputs().get(i);
            int at = operand.dims().channels() == 1 ? 0 : channel;
            if (operand instanceof Constant constant) {
                if (operand.dims().area() > 1) {
                    return Float.NaN;
                }
                x[i] = constant.value(at);
            } else if (state(operand).constant[at]) {
                x[i] = state(operand).value[at];
            } else {
                return Float.NaN;
            }
        }
        return node.function().apply(x[0], x[1], x[2]);
    }

    // Needs, from the output to the input.

    private static void wholeChannels(Node node, State state) {
        int area = node.input().dims().area();
        for (int channel = 0; channel < state.needed.length; channel += area) {
            boolean any = false;
            for (int i = 0; i < area; i++) {
                any |= state.needed[channel + i];
            }
            Arrays.fill(state.needed, channel, channel + area, any);
        }
    }

    private void need(Node node, State state) {
        if (isOpaque(node)) {
            state(node.input()).needAll();
        } else if (node instanceof Convolution convolution) {
            State from = state(node.input());
            Weights weights = convolution.weights();
            int area = weights.area();
            for (int filter : state.kept) {
                for (int i = weights.start(filter); i < weights.start(filter + 1); i++) {
                    if (weights.value(i) != 0) {
                        from.need(weights.position(filter, i) / area);
                    }
                }
            }
        } else if (node instanceof Concat) {
            int first = 0;
            for (Node part : node.inputs()) {
                State from = state(part);
                for (int i = 0; i < from.needed.length; i++) {
                    if (state.needed[first + i]) {
                        from.need(i);
                    }
                }
                first += from.needed.length;
            }
        } else {
            for (int channel : state.kept) {
                for (Node read : node.inputs()) {
                    int source = source(node, read, channel);
                    if (source >= 0) {
                        state(read).need(source);
                    }
                }
            }
        }
    }

    /** Which channel of what a node reads one of its channels comes from. */
    static int source(Node node, Node read, int channel) {
        if (node instanceof Channels channels) {
            return channels.index()[channel];
        } else if (isFlatten(node) && !isSame(node)) {
            return channel / read.dims().area();
        }
        return read.dims().channels() == 1 ? 0 : channel;
    }

    // The new graph.

    private Node reduce(Node node) {
        if (node instanceof Input || node instanceof Constant) {
            return node;
        }
        State state = state(node);
        if (isOpaque(node)) {
            Node opaque = node.on(List.of(all(node.input())));
            return state.kept.length == state.needed.length
                    ? opaque
                    : new Channels(opaque, state.kept, new float[state.kept.length]);
        } else if (node instanceof Convolution convolution) {
            return keepsGroups && convolution.groups() > 1
                    ? depthwise(convolution)
                    : convolution(convolution);
        } else if (node instanceof Affine affine) {
            return new Affine(
                    some(node.input(), state.kept),
                    chosen(affine.scale(), state.kept),
                    chosen(affine.shift(), state.kept));
        } else if (node instanceof Pool pool) {
            return pool.of(some(node.input(), state.kept));
        } else if (node instanceof Elementwise elementwise) {
            return elementwise(elementwise);
        } else if (node instanceof Concat) {
            List<Node> parts = new ArrayList<>();
            int first = 0;
            for (Node part : node.inputs()) {
                int[] wanted = within(state.kept, first, part.dims().channels());
                if (wanted.length > 0) {
                    parts.add(some(part, wanted));
                }
                first += part.dims().channels();
            }
            return parts.size() == 1 ? parts.get(0) : new Concat(parts);
        } else if (node instanceof Channels channels) {
            int[] wanted = new int[state.kept.length];
            for (int i = 0; i < wanted.length; i++) {
                wanted[i] = channels.index()[state.kept[i]];
            }
            return some(node.input(), wanted);
        } else if (node instanceof Reshape) {
            int area = isSame(node) ? 1 : node.input().dims().area();
            int[] wanted = new int[state.kept.length / area];
            for (int i = 0; i < wanted.length; i++) {
                wanted[i] = state.kept[i * area] / area;
            }
            return new Reshape(
                    some(node.input(), wanted), node.dims().withChannels(state.kept.length));
        }
        throw new IllegalStateException(node.toString());
    }

    private static int[] within(int[] kept, int first, int count) {
        return Arrays.stream(kept)
                .filter(i -> i >= first && i < first + count)
                .map(i -> i - first)
                .toArray();
    }

    private static float[] chosen(float[] all, int[] kept) {
        float[] chosen = new float[kept.length];
        for (int i = 0; i < kept.length; i++) {
            chosen[i] = all[kept[i]];
        }
        return chosen;
    }

    /** Some channels of a node, in this order; the constants among them filled in. */
    private Node some(Node node, int[] wanted) {
        State state = state(node);
        Node now = reduced.get(node);
        if (Arrays.equals(wanted, state.kept)) {
            return now;
        }
        int[] index = new int[wanted.length];
        float[] fill = new float[wanted.length];
        for (int i = 0; i < wanted.length; i++) {
            index[i] = state.place[wanted[i]];
            fill[i] = state.value[wanted[i]];
        }
        return now == null
                ? filled(node.dims().withChannels(wanted.length), fill)
                : new Channels(now, index, fill);
    }

    private Node all(Node node) {
        int[] all = new int[node.dims().channels()];
        Arrays.setAll(all, i -> i);
        return some(node, all);
    }

    private static Constant filled(Dims dims, float[] values) {
        float[] planes = new float[dims.size()];
        for (int i = 0; i < planes.length; i++) {
            planes[i] = values[i / dims.area()];
        }
        return new Constant(dims, planes);
    }

    private Node elementwise(Elementwise node) {
        int[] kept = state(node).kept;
        List<Node> operands = new ArrayList<>();
        for (Node operand : node.inputs()) {
            if (operand.dims().channels() == 1 && node.dims().channels() > 1) {
                operands.add(operand instanceof Constant ? operand : all(operand));
            } else if (operand instanceof Constant constant) {
                operands.add(chosen(constant, kept));
            } else {
                operands.add(some(operand, kept));
            }
        }
        return new Elementwise(node.function(), operands);
    }

    private static Constant chosen(Constant constant, int[] kept) {
        int area = constant.dims().area();
        float[] values = new float[kept.length * area];
        for (int i = 0; i < values.length; i++) {
            values[i] = constant.value(kept[i / area] * area + i % area);
        }
        return new Constant(constant.dims().withChannels(kept.length), values);
    }

    private Node convolution(Convolution node) {
        State state = state(node);
        State from = state(node.input());
        Weights weights = node.weights();
        float[] bias = chosen(node.bias(), state.kept);
        Weights ones = null;
        if (node.window().isPadded()) {
            ones = ones(weights, state.kept, from);
        } else {
            addConstants(bias, weights, state.kept, from);
        }
        Node input = reduced.get(node.input());
        if (input == null) {
            return constant(node, bias, ones);
        }
        Weights kept = weights.select(state.kept, from.place, from.kept.length);
        return node.with(input, kept, bias, ones);
    }

    private static void addConstants(float[] bias, Weights weights, int[] filters, State from) {
        int area = weights.area();
        for (int f = 0; f < filters.length; f++) {
            double sum = bias[f];
            for (int i = weights.start(filters[f]); i < weights.start(filters[f] + 1); i++) {
                int channel = weights.position(filters[f], i) / area;
                if (from.constant[channel] && weights.value(i) != 0) {
                    sum += (double) weights.value(i) * from.value[channel];
                }
            }
            bias[f] = (float) sum;
        }
    }

    /** Weights on the plane of ones for all channels that are constant; null if there are none. */
    private static Weights ones(Weights weights, int[] filters, State from) {
        int area = weights.area();
        int[] starts = new int[filters.length + 1];
        int[] positions = new int[filters.length * area];
        float[] values = new float[filters.length * area];
        int count = 0;
        double[] sums = new double[area];
        for (int f = 0; f < filters.length; f++) {
            Arrays.fill(sums, 0);
            for (int i = weights.start(filters[f]); i < weights.start(filters[f] + 1); i++) {
                int position = weights.position(filters[f], i);
                int channel = position / area;
                if (from.constant[channel] && weights.value(i) != 0) {
                    sums[position % area] += (double) weights.value(i) * from.value[channel];
                }
            }
            for (int tap = 0; tap < area; tap++) {
                if ((float) sums[tap] != 0) {
                    positions[count] = tap;
                    values[count++] = (float) sums[tap];
                }
            }
            starts[f + 1] = count;
        }
        return count == 0
                ? null
                : Weights.sparse(
                        filters.length,
                        1,
                        weights.height(),
                        weights.width(),
                        starts,
                        Arrays.copyOf(positions, count),
                        Arrays.copyOf(values, count));
    }

    /** What a convolution makes of constants alone. */
    private static Constant constant(Convolution node, float[] bias, Weights ones) {
        Dims in = node.input().dims();
        Dims out = node.dims().withChannels(bias.length);
        Window w = node.window();
        float[] planes = new float[out.size()];
        for (int place = 0; place < planes.length; place++) {
            int filter = place / out.area();
            int y = place % out.area() / out.width() * w.strideY() - w.paddingY();
            int x = place % out.width() * w.strideX() - w.paddingX();
            double sum = bias[filter];
            for (int i = start(ones, filter); i < start(ones, filter + 1); i++) {
                int tap = ones.position(filter, i);
                int row = y + tap / w.width() * w.dilationY();
                int column = x + tap % w.width() * w.dilationX();
                if (row >= 0 && row < in.height() && column >= 0 && column < in.width()) {
                    sum += ones.value(i);
                }
            }
            planes[place] = (float) sum;
        }
        return new Constant(out, planes);
    }

    private static int start(Weights weights, int filter) {
        return weights == null ? 0 : weights.start(filter);
    }

    /** Each filter that is left with its channel, constant or not. */
    private Node depthwise(Convolution node) {
        int[] kept = state(node).kept;
        int[] places = new int[node.dims().channels()];
        Arrays.fill(places, -1);
        for (int i = 0; i < kept.length; i++) {
            places[kept[i]] = i;
        }
        return node.with(
                some(node.input(), kept),
                node.weights().select(kept, places, kept.length),
                chosen(node.bias(), kept),
                null);
    }
}
