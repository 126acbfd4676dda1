package io.flipout.inference.kernel;

import java.util.Comparator;
import java.util.stream.IntStream;

/** A layer with one output a filter: sums over inputs that lie anywhere in an image. */
final class Features implements Kernel {

    final int filters;
    final int lanes;

    /** The filters, those with fewer weights first: loops of one length are foreseen. */
    final int[] filtersByLength;

    /** The bias of each of these. */
    final float[] biases;

    /**
     * The first weight of each of these, and the number of all. Each has a multiple of four: zeros
     * that read what the filter reads anyway fill it up.
     */
    final int[] starts;

    /** How many of each filter's weights are none of these zeros. */
    final int[] lengths;

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
            Filters weights, int[] offsets, Planes in, Planes out, Epilogue epilogue, Loops loops) {
        filters = out.channels();
        groups = out.groups();
        lanes = out.lanes();
        filtersByLength =
                IntStream.range(0, filters)
                        .boxed()
                        .sorted(
                                Comparator.comparingInt(
                                        i -> weights.starts[i + 1] - weights.starts[i]))
                        .mapToInt(Integer::intValue)
                        .toArray();
        starts = new int[filters + 1];
        lengths = new int[filters];
        biases = new float[filters];
        for (int row = 0; row < filters; row++) {
            int filter = filtersByLength[row];
            biases[row] = epilogue.bias[filter];
            lengths[row] = weights.starts[filter + 1] - weights.starts[filter];
            starts[row + 1] = starts[row] + (lengths[row] + 3) / 4 * 4;
        }
        this.offsets = new int[starts[filters]];
        values = new float[starts[filters]];
        for (int row = 0; row < filters; row++) {
            int start = weights.starts[filtersByLength[row]];
            for (int i = starts[row]; i < starts[row + 1]; i++) {
                int given = i - starts[row];
                boolean filling = given >= lengths[row];
                this.offsets[i] = offsets[start + (filling ? 0 : given)];
                values[i] = filling ? 0f : weights.values[start + given];
            }
        }
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
