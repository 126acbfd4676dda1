package io.flipout.graph;

import java.util.List;

/**
 * A convolution, and a linear layer as one with a window of one number over planes of one number:
 *
 * <pre>
 * result[f] = activation(bias[f] + Σ weights[f, c] * input[c] + ones[f] * 1 + residual[index[f]])
 * </pre>
 *
 * Groups are in the weights: a filter has none on the channels of another group. {@code ones} are
 * weights on a plane of ones that is padded with zeros as the input's planes are; they stand for
 * channels whose numbers are all the same.
 */
public final class Convolution extends Node {

    private final String name;
    private final Weights weights;
    private final float[] bias;
    private final Window window;
    private final int groups;
    private final Weights ones; // null: none
    private final int[] residualIndex; // null: none
    private final Function activation; // null: none
    private final float[] activationArguments;

    private Convolution(
            List<Node> inputs,
            Dims dims,
            String name,
            Weights weights,
            float[] bias,
            Window window,
            int groups,
            Weights ones,
            int[] residualIndex,
            Function activation,
            float[] activationArguments) {
        super(inputs, dims);
        this.name = name;
        this.weights = weights;
        this.bias = bias;
        this.window = window;
        this.groups = groups;
        this.ones = ones;
        this.residualIndex = residualIndex;
        this.activation = activation;
        this.activationArguments = activationArguments;
        if (bias.length != weights.filters() || weights.channels() != input().dims().channels()) {
            throw new IllegalArgumentException(
                    "a convolution's weights of another size than its input");
        }
    }

    /**
     * A convolution.
     *
     * @param name what it is called in the network
     * @param input what it reads
     * @param weights its weights; those of several groups without weights between the groups
     * @param bias a number for each filter
     * @param window how it goes over the planes
     * @param groups how many groups the weights had, for who writes the graph down again
     * @return the node
     */
    public static Convolution of(
            String name, Node input, Weights weights, float[] bias, Window window, int groups) {
        Dims in = input.dims();
        if (window.height() != weights.height() || window.width() != weights.width()) {
            throw new IllegalArgumentException("a convolution's window of another size");
        }
        int height = window.outputHeight(in.height(), false);
        int width = window.outputWidth(in.width(), false);
        if (height < 1 || width < 1) {
            throw new IllegalArgumentException("an image too small for a convolution");
        }
        Dims dims = new Dims(weights.filters(), height, width, in.rank());
        return new Convolution(
                List.of(input),
                dims,
                name,
                weights,
                bias,
                window,
                groups,
                null,
                null,
                null,
                NOTHING);
    }

    private static final float[] NOTHING = {};

    /**
     * What it is called in the network.
     *
     * @return the path of its module
     */
    public String name() {
        return name;
    }

    /**
     * The weights on the input.
     *
     * @return the weights
     */
    public Weights weights() {
        return weights;
    }

    /**
     * What is added to each filter's sums.
     *
     * @return a number for each filter; not to be changed
     */
    public float[] bias() {
        return bias;
    }

    /**
     * How the window goes over the planes.
     *
     * @return the window
     */
    public Window window() {
        return window;
    }

    /**
     * The groups that the weights had.
     *
     * @return 1 if every filter may read every channel
     */
    public int groups() {
        return groups;
    }

    /**
     * The weights on the plane of ones.
     *
     * @return weights of one channel; null if there are none
     */
    public Weights ones() {
        return ones;
    }

    /**
     * What is added before the activation.
     *
     * @return the node; null if nothing is
     */
    public Node residual() {
        return residualIndex == null ? null : inputs().get(1);
    }

    /**
     * Which channel of the residual is added to each filter.
     *
     * @return a channel for each filter, below 0 for none; null if there is no residual; not to be
     *     changed
     */
    public int[] residualIndex() {
        return residualIndex;
    }

    /**
     * What is done to each number last.
     *
     * @return the function; null if none
     */
    public Function activation() {
        return activation;
    }

    /**
     * The activation's second and third argument.
     *
     * @return as many numbers as it takes beside the first; not to be changed
     */
    public float[] activationArguments() {
        return activationArguments;
    }

    /**
     * Whether it is a linear layer.
     *
     * @return true for (batch, features)
     */
    public boolean isLinear() {
        return dims().rank() == 2;
    }

    /**
     * The same with something added before the activation.
     *
     * @param residual a node of the result's height and width
     * @param index which of its channels is added to each filter, below 0 for none
     * @return a new node
     */
    public Convolution withResidual(Node residual, int[] index) {
        if (activation != null || residualIndex != null || index.length != weights.filters()) {
            throw new IllegalStateException("Nothing can be added any more.");
        }
        List<Node> both = List.of(input(), residual);
        return new Convolution(
                both,
                dims(),
                name,
                weights,
                bias,
                window,
                groups,
                ones,
                index,
                null,
                activationArguments);
    }

    /**
     * The same with a function done to its result.
     *
     * @param function the function
     * @param arguments its arguments beside the first
     * @return a new node
     */
    public Convolution withActivation(Function function, float... arguments) {
        if (activation != null) {
            throw new IllegalStateException("There is an activation already.");
        }
        return new Convolution(
                inputs(),
                dims(),
                name,
                weights,
                bias,
                window,
                groups,
                ones,
                residualIndex,
                function,
                arguments);
    }

    /**
     * The same without the function that is done to its result.
     *
     * @return a new node
     */
    Convolution withoutActivation() {
        return new Convolution(
                inputs(),
                dims(),
                name,
                weights,
                bias,
                window,
                groups,
                ones,
                residualIndex,
                null,
                NOTHING);
    }

    /**
     * The same with other weights, on another input. Nothing may be added or done to the result
     * yet.
     *
     * @param input what it reads
     * @param newWeights the weights, of as many filters as there will be
     * @param newBias a number for each of them
     * @param newOnes weights on a plane of ones, or null
     * @return a new node
     */
    public Convolution with(Node input, Weights newWeights, float[] newBias, Weights newOnes) {
        if (!isBare()) {
            throw new IllegalStateException("The filters cannot be changed any more.");
        }
        return new Convolution(
                List.of(input),
                dims().withChannels(newWeights.filters()),
                name,
                newWeights,
                newBias,
                window,
                groups,
                newOnes,
                null,
                null,
                NOTHING);
    }

    /**
     * Whether nothing is added or done to the result yet.
     *
     * @return true if there is neither residual nor activation
     */
    public boolean isBare() {
        return residualIndex == null && activation == null;
    }

    @Override
    public Convolution on(List<Node> others) {
        return new Convolution(
                others,
                dims(),
                name,
                weights,
                bias,
                window,
                groups,
                ones,
                residualIndex,
                activation,
                activationArguments);
    }
}
