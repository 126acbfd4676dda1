package io.flipout.graph;

import java.util.List;

/** The largest number or the mean of each window of each plane. */
public final class Pool extends Node {

    private final boolean max;
    private final Window window; // null: adaptive
    private final boolean ceil;
    private final boolean countsPadding;

    private Pool(
            Node input,
            Dims dims,
            boolean max,
            Window window,
            boolean ceil,
            boolean countsPadding) {
        super(List.of(input), dims);
        this.max = max;
        this.window = window;
        this.ceil = ceil;
        this.countsPadding = countsPadding;
        if (dims.height() < 1 || dims.width() < 1) {
            throw new IllegalArgumentException("an image too small for a pool");
        }
    }

    /**
     * The largest number of each window; padding is never the largest.
     *
     * @param input what it reads
     * @param window how the window goes over the planes
     * @param ceil whether a last position may reach beyond the padded plane
     * @return the node
     */
    public static Pool max(Node input, Window window, boolean ceil) {
        return new Pool(input, dims(input, window, ceil), true, window, ceil, false);
    }

    /**
     * The mean of each window.
     *
     * @param input what it reads
     * @param window how the window goes over the planes
     * @param ceil whether a last position may reach beyond the padded plane
     * @param countsPadding whether the padding's zeros count
     * @return the node
     */
    public static Pool average(Node input, Window window, boolean ceil, boolean countsPadding) {
        return new Pool(input, dims(input, window, ceil), false, window, ceil, countsPadding);
    }

    private static Dims dims(Node input, Window window, boolean ceil) {
        Dims in = input.dims();
        if (window.paddingY() > window.height() / 2 || window.paddingX() > window.width() / 2) {
            throw new IllegalArgumentException("a pool padded by more than half its window");
        }
        int height = window.outputHeight(in.height(), ceil);
        int width = window.outputWidth(in.width(), ceil);
        if (height < 1 || width < 1) {
            throw new IllegalArgumentException("an image too small for a pool");
        }
        return new Dims(in.channels(), height, width, in.rank());
    }

    /**
     * The largest number or the mean of parts that are as equal as can be.
     *
     * @param input what it reads
     * @param max whether the largest number is taken
     * @param height the rows of the result
     * @param width the columns of the result
     * @return the node
     */
    public static Pool adaptive(Node input, boolean max, int height, int width) {
        Dims in = input.dims();
        Dims dims = new Dims(in.channels(), height, width, in.rank());
        return new Pool(input, dims, max, null, false, false);
    }

    /**
     * Whether the largest number is taken.
     *
     * @return false for the mean
     */
    public boolean isMax() {
        return max;
    }

    /**
     * Whether the parts follow from the sizes of the input and the result.
     *
     * @return false if there is a window
     */
    public boolean isAdaptive() {
        return window == null;
    }

    /**
     * How the window goes over the planes.
     *
     * @return the window; null if the pool is adaptive
     */
    public Window window() {
        return window;
    }

    /**
     * Whether a last position may reach beyond the padded plane.
     *
     * @return true if so
     */
    public boolean isCeil() {
        return ceil;
    }

    /**
     * Whether the padding's zeros count in a mean.
     *
     * @return true if so
     */
    public boolean countsPadding() {
        return countsPadding;
    }

    /**
     * The same for planes of the same size, but another number of them.
     *
     * @param input what it reads
     * @return a new node
     */
    public Pool of(Node input) {
        return new Pool(
                input,
                dims().withChannels(input.dims().channels()),
                max,
                window,
                ceil,
                countsPadding);
    }

    @Override
    public Pool on(List<Node> others) {
        return of(others.get(0));
    }
}
