package io.flipout.inference.kernel;

/** A layer with one output a filter: sums over inputs that lie anywhere in an image. */
final class Features implements Kernel {

    final int filters;
    final int lanes;

    /** The first weight of each filter, and the number of all. */
    final int[] starts;

    /** From the first element of the input to another. */
    final int[] offsets;

    final float[] values;
    final int inFirst;
    final int inGroupStride;
    final int outFirst;
    final int outGroupStride;
    final Epilogue epilogue;
    private final int groups;
    private final Loops loops;

    Features(
            int[] starts,
            int[] offsets,
            float[] values,
            Planes in,
            Planes out,
            Epilogue epilogue,
            Loops loops) {
        filters = out.channels();
        groups = out.groups();
        lanes = out.lanes();
        this.starts = starts;
        this.offsets = offsets;
        this.values = values;
        inFirst = in.first();
        inGroupStride = in.groupStride();
        outFirst = out.first();
        outGroupStride = out.groupStride();
        this.epilogue = epilogue;
        this.loops = loops;
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
            loops.features(arena, this, group, first, last);
            unit += last - first;
        }
    }

    @Override
    public double cost() {
        return (double) groups * (values.length * 0.5 + 2.0 * filters) * (lanes + 15) / 16;
    }
}
