package io.flipout.inference.kernel;

import java.util.Arrays;

/**
 * A convolution as lists of taps, where a tap is a distance to the input and a weight: each output
 * is the sum over its filter's list. All outputs of a plane are computed in one run, the gaps
 * between rows included, where zeros are written.
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

    /** For each of these floats, up to a whole number of vectors: -1, or 0 in a gap. */
    final int[] inner;

    final Epilogue epilogue;
    private final Loops loops;

    Taps(
            Filters filters,
            int[] offsets,
            int inFirst,
            int inGroupStride,
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
        outFirst = out.first();
        outPlaneStride = out.planeStride();
        outGroupStride = out.groupStride();
        run = out.run();
        inner = new int[(run + Planes.ROOM - 1) / Planes.ROOM * Planes.ROOM];
        int row = out.width() * out.lanes();
        int stride = out.rowStride() * out.lanes();
        boolean byRows = out.lanes() % Planes.ROOM == 0 && out.width() >= 4;
        stretches = byRows ? out.height() : 1;
        stretch = byRows ? row : run;
        stretchStride = stride;
        for (int start = 0; start < run; start += stride) {
            Arrays.fill(inner, start, start + row, -1);
        }
        this.epilogue = epilogue;
        this.loops = loops;
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
