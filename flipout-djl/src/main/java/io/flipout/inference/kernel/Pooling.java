package io.flipout.inference.kernel;

/**
 * Each output is the greatest element, or the mean, of a window of the input. Windows are cut off
 * at the image's edge: padding is never the greatest, and counts in a mean only where asked for.
 * NaN in a window gives NaN.
 */
public final class Pooling implements Kernel {

    /** The windows of one axis: the elements {@code start, start + step, … < end}. */
    static final class Axis {
        final int[] starts;
        final int[] ends;
        final int step;

        /** How many elements, padding included where it counts, a mean divides by. */
        final int[] counts;

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

        /** Whether the windows are neighbouring pairs. */
        private boolean halves() {
            for (int i = 0; i < starts.length; i++) {
                if (starts[i] != 2 * i || ends[i] != 2 * i + 2 || step != 1) {
                    return false;
                }
            }
            return true;
        }

        /** Whether there is one window, of all elements. */
        private boolean isWhole(int inputs) {
            return starts.length == 1 && starts[0] == 0 && ends[0] == inputs && step == 1;
        }

        private Axis withoutPadding() {
            for (int i = 0; i < counts.length; i++) {
                counts[i] = ends[i] - starts[i];
            }
            return this;
        }
    }

    final Planes in;
    final Planes out;
    final boolean max;
    final Axis rows;
    final Axis columns;

    /** Whether windows are of two rows and two columns, side by side. */
    final boolean halves;

    /** Whether the one window is the whole image. */
    final boolean isGlobal;

    private final Loops loops;

    private Pooling(Planes in, Planes out, boolean max, Axis rows, Axis columns) {
        this(in, out, max, rows, columns, Loops.best());
    }

    private Pooling(Planes in, Planes out, boolean max, Axis rows, Axis columns, Loops loops) {
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
        halves = rows.halves() && columns.halves();
        isGlobal = rows.isWhole(in.height()) && columns.isWhole(in.width());
        this.loops = loops;
    }

    /** The same with other loops. */
    Pooling by(Loops others) {
        return new Pooling(in, out, max, rows, columns, others);
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
            loops.pool(
                    arena, this, in.index(image, channel, 0, 0), out.index(image, channel, 0, 0));
        }
    }

    @Override
    public double cost() {
        double window =
                (double) (rows.ends[0] - rows.starts[0]) * (columns.ends[0] - columns.starts[0]);
        return units() * window * out.height() * out.width() * out.lanes() * 0.5;
    }
}
