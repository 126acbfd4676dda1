package io.flipout.djl.torchscript;

import io.flipout.graph.Weights;
import java.util.Arrays;

/**
 * Numbers of a network as they are stored: all of them, or those that are not 0 with the gaps
 * between their positions.
 */
final class LayerTensor {

    /** No layer has more filters; what claims to is not given memory. */
    private static final int MOST_FILTERS = 1 << 20;

    private final int[] sizes;
    private final float[] values;
    private final int[] gaps; // null: all values
    private Weights weights;
    private int weightGroups;

    LayerTensor(int[] sizes, float[] values, int[] gaps) {
        this.sizes = sizes;
        this.values = values;
        this.gaps = gaps;
    }

    int[] sizes() {
        return sizes.clone();
    }

    /** All numbers; not to be changed. */
    float[] numbers() {
        if (gaps == null) {
            return values;
        }
        long size = Arrays.stream(sizes).asLongStream().reduce(1, (a, b) -> a * b);
        float[] all = new float[Math.toIntExact(size)];
        int position = 0;
        for (int i = 0; i < gaps.length; i++) {
            position += gaps[i];
            all[position] = values[i];
        }
        return all;
    }

    /**
     * The weights of a layer, whose first axis is the filters and whose second the channels. Those
     * of several groups get the positions that they have among the channels of all groups.
     */
    Weights weights(int groups) {
        if (weights == null || weightGroups != groups) {
            weights = makeWeights(groups);
            weightGroups = groups;
        }
        return weights;
    }

    private Weights makeWeights(int groups) {
        int filters = sizes[0];
        int height = sizes.length < 4 ? 1 : sizes[2];
        int width = sizes.length < 3 ? 1 : sizes[sizes.length - 1];
        if (filters > MOST_FILTERS || groups < 1 || filters % groups != 0) {
            throw new IllegalArgumentException(filters + " filters in " + groups + " groups");
        }
        int size = Math.multiplyExact(Math.multiplyExact(sizes[1], height), width);
        int channels = Math.multiplyExact(sizes[1], groups);
        int count = 0;
        for (float value : values) {
            count += value != 0 ? 1 : 0;
        }
        if (gaps == null && groups == 1 && 2 * count > values.length) {
            return Weights.dense(filters, channels, height, width, values);
        }
        int[] starts = new int[filters + 1];
        int[] positions = new int[count];
        float[] kept = new float[count];
        int found = 0;
        long position = 0;
        int filter = 0;
        for (int i = 0; i < values.length; i++) {
            position = gaps == null ? i : position + gaps[i];
            if (values[i] != 0) {
                while (filter < (int) (position / size)) {
                    starts[++filter] = found;
                }
                int shift = filter / (filters / groups) * size;
                positions[found] = (int) (position % size) + shift;
                kept[found++] = values[i];
            }
        }
        while (filter < filters) {
            starts[++filter] = found;
        }
        return Weights.sparse(filters, channels, height, width, starts, positions, kept);
    }
}
