package io.flipout.inference.kernel;

/**
 * Each output is the greatest element, or the mean, of a window of the input. Windows are cut off
 * at the image's edge: padding is never the greatest, and counts in a mean only where asked for.
 * NaN in a window gives NaN.
 */
public final class Pooling implements Kernel {

    /** The windows of one axis: the elements {@code start, start + step, … < end}. */
    private static final class Axis {
        private final int[] starts;
        private final int[] ends;
        private final int step;

        /** How many elements, padding included where it counts, a mean divides by. */
        private final int[] counts;

        private Axis(int outputs, int step) {
            starts = new int[outputs];
            ends = new int[outputs];
            counts = new int[outputs];
            this.step = step;
        }

        private static Axis windows(
                int inputs, int outputs, int kernel, int stride, int padding, int dilation) {
            Axis axis = new Axis(outputs, dilation);
            for (int i = 0; i < outputs; i++) {
                int start = i * stride - padding;
                int end = Math.min(start + dilation * (kernel - 1) + 1, inputs + padding);
                axis.counts[i] = end - start;
                while (start < 0) {
                    start += dilation;
                }
                axis.starts[i] = start;
                axis.ends[i] = Math.min(end, inputs);
                if (start >= axis.ends[i]) {
                    throw new IllegalArgumentException(
                            String.format(
                                    "A pooling window of %d at %d with padding %d lies outside %d"
                                            + " elements.",
                                    kernel, i * stride - padding, padding, inputs));
                }
            }
            return axis;
        }

        private static Axis adaptive(int inputs, int outputs) {
            Axis axis = new Axis(outputs, 1);
            for (int i = 0; i < outputs; i++) {
                axis.starts[i] = (int) ((long) i * inputs / outputs);
                axis.ends[i] = (int) (((i + 1L) * inputs + outputs - 1) / outputs);
                axis.counts[i] = axis.ends[i] - axis.starts[i];
            }
            return axis;
        }

        private Axis withoutPadding() {
            for (int i = 0; i < counts.length; i++) {
                counts[i] = ends[i] - starts[i];
            }
            return this;
        }
    }

    private final Planes in;
    private final Planes out;
    private final boolean max;
    private final Axis rows;
    private final Axis columns;

    private Pooling(Planes in, Planes out, boolean max, Axis rows, Axis columns) {
        if (in.images() != out.images()
                || in.channels() != out.channels()
                || in.lanes() != out.lanes()) {
            throw new IllegalArgumentException(
                    String.format("Pooling cannot go from %s to %s.", in, out));
        }
        this.in = in;
        this.out = out;
        this.max = max;
        this.rows = rows;
        this.columns = columns;
    }

    /**
     * The greatest element of each window. Sizes are those of rows and of columns; there are as
     * many windows as the output has elements (PyTorch's {@code ceil_mode} makes one more).
     *
     * @param in the input
     * @param out the output
     * @param kernel the window
     * @param stride how far apart windows are
     * @param padding how far they begin outside the image
     * @param dilation how far apart a window's elements are
     * @return the kernel
     * @throws IllegalArgumentException if a window lies outside the image
     */
    public static Pooling max(
            Planes in, Planes out, int[] kernel, int[] stride, int[] padding, int[] dilation) {
        return new Pooling(
                in,
                out,
                true,
                Axis.windows(
                        in.height(), out.height(), kernel[0], stride[0], padding[0], dilation[0]),
                Axis.windows(
                        in.width(), out.width(), kernel[1], stride[1], padding[1], dilation[1]));
    }

    /**
     * The mean of each window.
     *
     * @param in the input
     * @param out the output
     * @param kernel the window, rows and columns
     * @param stride how far apart windows are
     * @param padding how far they begin outside the image
     * @param countsPadding whether padding counts as zeros
     * @return the kernel
     * @throws IllegalArgumentException if a window lies outside the image
     */
    public static Pooling average(
            Planes in,
            Planes out,
            int[] kernel,
            int[] stride,
            int[] padding,
            boolean countsPadding) {
        Axis rows = Axis.windows(in.height(), out.height(), kernel[0], stride[0], padding[0], 1);
        Axis columns = Axis.windows(in.width(), out.width(), kernel[1], stride[1], padding[1], 1);
        return new Pooling(
                in,
                out,
                false,
                countsPadding ? rows : rows.withoutPadding(),
                countsPadding ? columns : columns.withoutPadding());
    }

    /**
     * The greatest element of each of as many windows as the output has elements, which cover the
     * input. An output of one element is global pooling.
     *
     * @param in the input
     * @param out the output
     * @return the kernel
     */
    public static Pooling adaptiveMax(Planes in, Planes out) {
        return adaptive(in, out, true);
    }

    /**
     * The mean of each of as many windows as the output has elements, which cover the input. An
     * output of one element is global pooling.
     *
     * @param in the input
     * @param out the output
     * @return the kernel
     */
    public static Pooling adaptiveAverage(Planes in, Planes out) {
        return adaptive(in, out, false);
    }

    private static Pooling adaptive(Planes in, Planes out, boolean max) {
        return new Pooling(
                in,
                out,
                max,
                Axis.adaptive(in.height(), out.height()),
                Axis.adaptive(in.width(), out.width()));
    }

    @Override
    public int units() {
        return out.groups() * out.channels();
    }

    @Override
    public void run(float[] arena, int from, int to) {
        for (int unit = from; unit < to; unit++) {
            int group = unit / out.channels();
            int channel = unit - group * out.channels();
            int image = group * out.lanes();
            plane(arena, in.index(image, channel, 0, 0), out.index(image, channel, 0, 0));
        }
    }

    private void plane(float[] arena, int source, int target) {
        int lanes = in.lanes();
        int inStride = in.rowStride() * lanes;
        int outStride = out.rowStride() * lanes;
        for (int y = 0; y < out.height(); y++) {
            for (int x = 0; x < out.width(); x++) {
                float scale = 1f / ((float) rows.counts[y] * columns.counts[x]);
                for (int lane = 0; lane < lanes; lane++) {
                    float result = max ? Float.NEGATIVE_INFINITY : 0f;
                    for (int v = rows.starts[y]; v < rows.ends[y]; v += rows.step) {
                        int row = source + v * inStride + lane;
                        for (int u = columns.starts[x]; u < columns.ends[x]; u += columns.step) {
                            float value = arena[row + u * lanes];
                            result = max ? Math.max(result, value) : result + value;
                        }
                    }
                    arena[target + y * outStride + x * lanes + lane] =
                            max ? result : result * scale;
                }
            }
        }
    }

    @Override
    public double cost() {
        double window =
                (double) (rows.ends[0] - rows.starts[0]) * (columns.ends[0] - columns.starts[0]);
        return units() * window * out.height() * out.width() * out.lanes() * 0.5;
    }
}
