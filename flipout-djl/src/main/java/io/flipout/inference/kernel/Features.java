package io.flipout.inference.kernel;

import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/** A layer with one output a filter: sums over inputs that lie anywhere in an image. */
final class Features implements Kernel {

    /** As many sums as {@link Loops} write out. */
    static final int ROWS = 8;

    final int filters;
    final int lanes;

    /** The filters, those with fewer weights first, so that neighbours have as many. */
    final int[] filtersByLength;

    /**
     * How many of these are summed at once: eight sums of one image do not wait for each other.
     * With images side by side there are enough sums.
     */
    final int rows;

    /** The bias of each filter by length, and zeros up to whole blocks of rows. */
    final float[] biases;

    /**
     * The first weight of each block of rows, and the number of all. A block has a weight of each
     * of its rows in turn. Zeros that read the first element of the input make its rows equally
     * long.
     */
    final int[] starts;

    /** How many of each row's weights are none of these zeros. */
    final int[] lengths;

    /** Where each weight's input lies in the first group of images. */
    final int[] offsets;

    final float[] values;

    /** The same for vectors, for a single image; null without. */
    final Windows windows;

    /** Where each row's output goes in the first group of images. */
    final int[] outs;

    final int inGroupStride;
    final int outFirst;
    final int outGroupStride;
    final Epilogue epilogue;
    private final int groups;
    private final int blocks;
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
        rows = lanes == 1 ? ROWS : 1;
        blocks = (filters + rows - 1) / rows;
        starts = new int[blocks + 1];
        lengths = new int[blocks * rows];
        biases = new float[blocks * rows];
        for (int row = 0; row < filters; row++) {
            int filter = filtersByLength[row];
            biases[row] = epilogue.bias[filter];
            lengths[row] = weights.starts[filter + 1] - weights.starts[filter];
            int block = row / rows;
            starts[block + 1] = starts[block] + lengths[row] * rows; // The longest is the last.
        }
        this.offsets = new int[starts[blocks]];
        values = new float[starts[blocks]];
        Arrays.fill(this.offsets, in.first());
        for (int row = 0; row < filters; row++) {
            int given = weights.starts[filtersByLength[row]];
            int at = starts[row / rows] + row % rows;
            for (int i = 0; i < lengths[row]; i++) {
                this.offsets[at + i * rows] = in.first() + offsets[given + i];
                values[at + i * rows] = weights.values[given + i];
            }
        }
        boolean plain = lanes == 1 && epilogue.clamps && epilogue.residual == null;
        windows = plain ? new Windows(weights, offsets, in.first(), filtersByLength) : null;
        outs = Arrays.stream(filtersByLength).map(i -> out.first() + i * lanes).toArray();
        inGroupStride = in.groupStride();
        outFirst = out.first();
        outGroupStride = out.groupStride();
        this.epilogue = epilogue;
        this.loops = loops;
    }

    /** Whether vectors of images are computed, where there are vectors. */
    boolean isByVectors() {
        return lanes % Planes.ROOM == 0 && epilogue.clamps;
    }

    @Override
    public int units() {
        return groups * blocks;
    }

    @Override
    public void run(float[] arena, int from, int to) {
        int unit = from;
        while (unit < to) {
            int group = unit / blocks;
            int first = unit - group * blocks;
            int last = Math.min(blocks, first + to - unit);
            loops.features(arena, this, group, first, last);
            unit += last - first;
        }
    }

    @Override
    public double cost() {
        return (double) groups * (values.length * 0.3 + 2.0 * filters) * (lanes + 15) / 16;
    }
}
