package io.flipout.inference.kernel;

import java.util.Arrays;

/**
 * A convolution as lists of taps, where a tap is a distance to the input and a weight: each output
 * is the sum over its filter's list. All outputs of a plane are computed in one run, the gaps
 * between rows included, where zeros are written.
 *
 * <p>Where images lie side by side, outputs need not be next to each other where their inputs are:
 * then a convolution with strides reads its input where it lies, output by output.
 */
final class Taps implements Kernel {

    final int filters;
    final int groups;

    /** The first tap of each filter, and the number of all. */
    final int[] starts;

    /** From an output's place in its plane to an input. */
    final int[] offsets;

    final float[] values;
    final int inFirst;
    final int inGroupStride;
    final int outFirst;
    final int outPlaneStride;
    final int outGroupStride;

    /** Floats from the first output to behind the last. */
    final int run;

    /**
     * How many stretches of floats are summed up, how long each is and how far apart. Where images
     * lie side by side a row is enough for itself, and gaps are left out; else it is one of all.
     */
    final int stretches;

    final int stretch;
    final int stretchStride;

    /** From the first input of an output to that of the next one, and of the one below. */
    final int inStep;

    final int inRowStride;

    /** The same of the outputs, and how many there are. */
    final int outStep;

    final int outRowStride;
    final int columns;
    final int rows;

    /** For each of the run's floats, up to a whole number of vectors: -1, or 0 in a gap. */
    final int[] inner;

    final Epilogue epilogue;
    private final Loops loops;

    /** Taps that read a run of inputs for the run of outputs. */
    Taps(
            Filters filters,
            int[] offsets,
            int inFirst,
            int inGroupStride,
            Planes out,
            Epilogue epilogue,
            Loops loops) {
        this(
                filters,
                offsets,
                inFirst,
                inGroupStride,
                out.lanes(),
                out.rowStride() * out.lanes(),
                out,
                epilogue,
                loops);
    }

    /** Taps whose inputs lie so far apart; see {@link #isTiled}. */
    Taps(
            Filters filters,
            int[] offsets,
            int inFirst,
            int inGroupStride,
            int inStep,
            int inRowStride,
            Planes out,
            Epilogue epilogue,
            Loops loops) {
        this.filters = filters.count();
        groups = out.groups();
        starts = filters.starts;
        this.offsets = offsets;
        values = filters.values;
        this.inFirst = inFirst;
        this.inGroupStride = inGroupStride;
        this.inStep = inStep;
        this.inRowStride = inRowStride;
        outStep = out.lanes();
        outRowStride = out.rowStride() * out.lanes();
        columns = out.width();
        rows = out.height();
        outFirst = out.first();
        outPlaneStride = out.planeStride();
        outGroupStride = out.groupStride();
        run = out.run();
        inner = new int[(run + Planes.ROOM - 1) / Planes.ROOM * Planes.ROOM];
        int row = columns * outStep;
        boolean byRows = outStep % Planes.ROOM == 0 && columns >= 4;
        stretches = byRows ? rows : 1;
        stretch = byRows ? row : run;
        stretchStride = outRowStride;
        for (int start = 0; start < run; start += outRowStride) {
            Arrays.fill(inner, start, start + row, -1);
        }
        this.epilogue = epilogue;
        this.loops = loops;
    }

    /** Outputs that are summed up at once where their inputs are no run. */
    static final int TILE_ROWS = 2;

    static final int TILE_COLUMNS = 4;

    /**
     * Whether planes are divided into tiles with little of them computed twice, and an output is
     * whole vectors.
     */
    static boolean isTiled(Planes out) {
        int tiles = tiles(out.height(), TILE_ROWS) * tiles(out.width(), TILE_COLUMNS);
        int computed = tiles * TILE_ROWS * TILE_COLUMNS;
        return out.lanes() % Planes.ROOM == 0
                && out.height() >= TILE_ROWS
                && out.width() >= TILE_COLUMNS
                && 2 * computed <= 3 * out.height() * out.width();
    }

    private static int tiles(int length, int tile) {
        return (length + tile - 1) / tile;
    }

    /** Whether inputs are a run as their outputs are. */
    boolean isRun() {
        return inStep == outStep && inRowStride == outRowStride;
    }

    /** Whether a plane is so small that sums of every fourth tap do not wait for each other. */
    boolean isSmall() {
        return run <= 2 * Planes.ROOM;
    }

    /** Where a filter's plane begins. */
    int out(int group, int filter) {
        return outFirst + group * outGroupStride + filter * outPlaneStride;
    }

    @Override
    public int units() {
        return groups * filters;
    }

    @Override
    public void run(float[] arena, int from, int to) {
        int unit = from;
        while (unit < to) {
            int group = unit / filters;
            int first = unit - group * filters;
            int last = Math.min(filters, first + to - unit);
            loops.taps(arena, this, group, first, last);
            unit += last - first;
        }
    }

    @Override
    public double cost() {
        double perFloat = 0.05;
        return (double) groups * inner.length * (values.length + 4.0 * filters) * perFloat;
    }
}
