package io.flipout.graph;

import java.util.Arrays;

/**
 * The weights of a convolution or a linear layer: of each filter those that are not 0, with their
 * positions (channel, row, column of the window, as one number), or all of them.
 */
public final class Weights {

    private final int filters;
    private final int channels;
    private final int height;
    private final int width;
    private final int[] starts; // null: every filter holds all
    private final int[] positions; // null: every filter holds all
    private final float[] values;

    private Weights(
            int filters,
            int channels,
            int height,
            int width,
            int[] starts,
            int[] positions,
            float[] values) {
        this.filters = filters;
        this.channels = channels;
        this.height = height;
        this.width = width;
        this.starts = starts;
        this.positions = positions;
        this.values = values;
        Math.multiplyExact(Math.multiplyExact(channels, height), width);
    }

    /**
     * Weights that are held one and all; zeros among them are no weights.
     *
     * @param filters how many filters
     * @param channels the channels that a filter reads
     * @param height the rows of the window
     * @param width the columns of the window
     * @param values all weights in this order; not copied
     * @return the weights
     */
    public static Weights dense(int filters, int channels, int height, int width, float[] values) {
        if ((long) filters * channels * height * width != values.length) {
            throw new IllegalArgumentException(values.length + " weights");
        }
        return new Weights(filters, channels, height, width, null, null, values);
    }

    /**
     * Weights that are held with their positions.
     *
     * @param filters how many filters
     * @param channels the channels that a filter reads
     * @param height the rows of the window
     * @param width the columns of the window
     * @param starts where each filter's weights begin, and where the last one's end; not copied
     * @param positions (channel · height + row) · width + column of each weight, rising within a
     *     filter; not copied
     * @param values the weights; not copied
     * @return the weights
     */
    public static Weights sparse(
            int filters,
            int channels,
            int height,
            int width,
            int[] starts,
            int[] positions,
            float[] values) {
        if (starts.length != filters + 1
                || starts[0] != 0
                || starts[filters] != positions.length
                || positions.length != values.length) {
            throw new IllegalArgumentException(values.length + " weights");
        }
        return new Weights(filters, channels, height, width, starts, positions, values);
    }

    /**
     * How many filters there are.
     *
     * @return the channels of the result
     */
    public int filters() {
        return filters;
    }

    /**
     * How many channels a filter reads.
     *
     * @return the channels of the input
     */
    public int channels() {
        return channels;
    }

    /**
     * The rows of the window.
     *
     * @return the rows
     */
    public int height() {
        return height;
    }

    /**
     * The columns of the window.
     *
     * @return the columns
     */
    public int width() {
        return width;
    }

    /**
     * The cells of a window.
     *
     * @return height times width
     */
    public int area() {
        return height * width;
    }

    /**
     * Whether only weights that are not 0 are held.
     *
     * @return false if all are held
     */
    public boolean isSparse() {
        return positions != null;
    }

    /**
     * Where the weights of a filter begin.
     *
     * @param filter the filter; the number of filters for the end of all
     * @return the index of its first weight
     */
    public int start(int filter) {
        return starts == null ? filter * channels * height * width : starts[filter];
    }

    /**
     * The position of a weight: (channel · height + row) · width + column.
     *
     * @param filter its filter
     * @param index its index
     * @return the position
     */
    public int position(int filter, int index) {
        return positions == null ? index - start(filter) : positions[index];
    }

    /**
     * A weight.
     *
     * @param index its index, from {@link #start}
     * @return the weight
     */
    public float value(int index) {
        return values[index];
    }

    /**
     * The number of weights that are not 0.
     *
     * @return the number
     */
    public int count() {
        int count = 0;
        for (float value : values) {
            count += value != 0 ? 1 : 0;
        }
        return count;
    }

    /**
     * The number of weights of a filter that are not 0.
     *
     * @param filter the filter
     * @return the number
     */
    public int count(int filter) {
        int count = 0;
        for (int i = start(filter); i < start(filter + 1); i++) {
            count += values[i] != 0 ? 1 : 0;
        }
        return count;
    }

    /**
     * The weights, each filter times a number.
     *
     * @param factors a number for each filter
     * @return new weights
     */
    public Weights scaled(float[] factors) {
        float[] products = new float[values.length];
        for (int filter = 0; filter < filters; filter++) {
            for (int i = start(filter); i < start(filter + 1); i++) {
                // What is pruned stays so, whatever the factor.
                products[i] = values[i] == 0 ? 0 : values[i] * factors[filter];
            }
        }
        return new Weights(filters, channels, height, width, starts, positions, products);
    }

    /**
     * The weights between some filters and some channels.
     *
     * @param keptFilters the filters to keep, in the new order; below 0 for one without weights
     * @param newChannels the new number of each channel; below 0 for those that go
     * @param channelCount how many channels there are then
     * @return new weights
     */
    public Weights select(int[] keptFilters, int[] newChannels, int channelCount) {
        return positions == null
                ? selectDense(keptFilters, newChannels, channelCount)
                : selectSparse(keptFilters, newChannels, channelCount);
    }

    private Weights selectDense(int[] keptFilters, int[] newChannels, int channelCount) {
        int area = area();
        float[] kept = new float[keptFilters.length * channelCount * area];
        for (int i = 0; i < keptFilters.length; i++) {
            int from = start(Math.max(0, keptFilters[i]));
            for (int channel = 0; channel < channels; channel++) {
                if (keptFilters[i] >= 0 && newChannels[channel] >= 0) {
                    int to = (i * channelCount + newChannels[channel]) * area;
                    System.arraycopy(values, from + channel * area, kept, to, area);
                }
            }
        }
        return dense(keptFilters.length, channelCount, height, width, kept);
    }

    private Weights selectSparse(int[] keptFilters, int[] newChannels, int channelCount) {
        int area = area();
        int most = 0;
        for (int filter : keptFilters) {
            most += filter < 0 ? 0 : start(filter + 1) - start(filter);
        }
        int[] newStarts = new int[keptFilters.length + 1];
        int[] newPositions = new int[most];
        float[] newValues = new float[most];
        int count = 0;
        for (int i = 0; i < keptFilters.length; i++) {
            int end = keptFilters[i] < 0 ? 0 : start(keptFilters[i] + 1);
            for (int j = keptFilters[i] < 0 ? 0 : start(keptFilters[i]); j < end; j++) {
                int channel = newChannels[positions[j] / area];
                if (channel >= 0 && values[j] != 0) {
                    newPositions[count] = channel * area + positions[j] % area;
                    newValues[count++] = values[j];
                }
            }
            newStarts[i + 1] = count;
        }
        return sparse(
                keptFilters.length,
                channelCount,
                height,
                width,
                newStarts,
                Arrays.copyOf(newPositions, count),
                Arrays.copyOf(newValues, count));
    }

    /**
     * All weights, zeros too.
     *
     * @return filters times channels times height times width numbers
     */
    public float[] toDense() {
        if (positions == null) {
            return values.clone();
        }
        int size = channels * height * width;
        float[] all = new float[Math.multiplyExact(filters, size)];
        for (int filter = 0; filter < filters; filter++) {
            for (int i = starts[filter]; i < starts[filter + 1]; i++) {
                all[filter * size + positions[i]] = values[i];
            }
        }
        return all;
    }
}
