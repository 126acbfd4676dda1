package io.flipout.inference;

import io.flipout.graph.Function;
import io.flipout.graph.Softmax;
import io.flipout.inference.kernel.Kernel;
import io.flipout.inference.kernel.Planes;
import java.util.Arrays;

/** What networks do beside layers and pools: any function, numbers in another order, softmax. */
final class Steps {

    private Steps() {}

    /** A kernel whose units are the channels of its output. */
    private abstract static class Channelwise implements Kernel {

        final Planes out;

        Channelwise(Planes out) {
            this.out = out;
        }

        @Override
        public final int units() {
            return out.groups() * out.channels();
        }

        @Override
        public final void run(float[] arena, int from, int to) {
            for (int unit = from; unit < to; unit++) {
                int group = unit / out.channels();
                channel(arena, group * out.lanes(), unit % out.channels());
            }
        }

        /** Computes a channel for the images from one on that lie side by side. */
        abstract void channel(float[] arena, int image, int channel);

        @Override
        public final double cost() {
            return perNumber() * out.images() * out.channels() * out.height() * out.width();
        }

        abstract double perNumber();
    }

    /** A function of planes and numbers; planes of size 1 along an axis are stretched. */
    static Kernel apply(Function function, Planes[] operands, float[] numbers, Planes out) {
        return new Apply(function, operands, numbers, out);
    }

    private static final class Apply extends Channelwise {

        private final Function function;
        private final Planes[] operands; // null where there is a number
        private final float[] numbers;

        private Apply(Function function, Planes[] operands, float[] numbers, Planes out) {
            super(out);
            this.function = function;
            this.operands = Arrays.copyOf(operands, 3);
            this.numbers = Arrays.copyOf(numbers, 3);
        }

        @Override
        void channel(float[] arena, int image, int channel) {
            for (int y = 0; y < out.height(); y++) {
                row(arena, image, channel, y);
            }
        }

        private void row(float[] arena, int image, int channel, int y) {
            int lanes = out.lanes();
            int a = start(operands[0], image, channel, y);
            int b = start(operands[1], image, channel, y);
            int c = start(operands[2], image, channel, y);
            int stepA = step(operands[0]);
            int stepB = step(operands[1]);
            int stepC = step(operands[2]);
            int to = out.index(image, channel, y, 0);
            for (int x = 0; x < out.width(); x++) {
                for (int lane = 0; lane < lanes; lane++) {
                    arena[to + x * lanes + lane] =
                            function.apply(
                                    a < 0 ? numbers[0] : arena[a + x * stepA + lane],
                                    b < 0 ? numbers[1] : arena[b + x * stepB + lane],
                                    c < 0 ? numbers[2] : arena[c + x * stepC + lane]);
                }
            }
        }

        private static int start(Planes in, int image, int channel, int y) {
            return in == null
                    ? -1
                    : in.index(
                            image, in.channels() == 1 ? 0 : channel, in.height() == 1 ? 0 : y, 0);
        }

        private static int step(Planes in) {
            return in == null || in.width() == 1 ? 0 : in.lanes();
        }

        @Override
        double perNumber() {
            return 5;
        }
    }

    /** Each number of the output is one of the input, or a constant. */
    static Kernel rearrange(Planes in, Planes out, int[] from, float[] constants) {
        return new Rearrange(in, out, from, constants);
    }

    private static final class Rearrange extends Channelwise {

        private final int[] from;
        private final float[] constants;
        private final int groupStride;

        private Rearrange(Planes in, Planes out, int[] numbers, float[] constants) {
            super(out);
            this.constants = constants;
            groupStride = in.groupStride();
            from = new int[numbers.length];
            int area = in.height() * in.width();
            for (int i = 0; i < numbers.length; i++) {
                int number = numbers[i];
                from[i] =
                        number < 0
                                ? -1
                                : in.index(
                                        0,
                                        number / area,
                                        number % area / in.width(),
                                        number % in.width());
            }
        }

        @Override
        void channel(float[] arena, int image, int channel) {
            int lanes = out.lanes();
            int group = image / lanes;
            int number = channel * out.height() * out.width();
            for (int y = 0; y < out.height(); y++) {
                for (int x = 0; x < out.width(); x++) {
                    int to = out.index(image, channel, y, x);
                    if (from[number] < 0) {
                        Arrays.fill(arena, to, to + lanes, constants[channel]);
                    } else {
                        int source = from[number] + group * groupStride;
                        System.arraycopy(arena, source, arena, to, lanes);
                    }
                    number++;
                }
            }
        }

        @Override
        double perNumber() {
            return 2;
        }
    }

    /** Softmax along an axis; its units are the groups of images. */
    static Kernel softmax(Softmax node, Planes in, Planes out) {
        return new SoftmaxKernel(node, in, out);
    }

    private static final class SoftmaxKernel implements Kernel {

        private final Planes in;
        private final Planes out;
        private final int length;
        private final int step;
        private final int size;
        private final boolean logarithm;

        private SoftmaxKernel(Softmax node, Planes in, Planes out) {
            this.in = in;
            this.out = out;
            int[] axes = node.dims().axes();
            length = axes[node.axis()];
            int after = 1;
            for (int axis = node.axis() + 1; axis < axes.length; axis++) {
                after *= axes[axis];
            }
            step = after;
            size = node.dims().size();
            logarithm = node.isLogarithm();
        }

        @Override
        public int units() {
            return in.groups() * in.lanes();
        }

        @Override
        public void run(float[] arena, int from, int to) {
            for (int image = from; image < Math.min(to, in.images()); image++) {
                for (int i = 0; i < size; i++) {
                    if (i / step % length == 0) {
                        along(arena, image, i);
                    }
                }
            }
        }

        private void along(float[] arena, int image, int first) {
            double largest = Double.NEGATIVE_INFINITY;
            for (int k = 0; k < length; k++) {
                largest = Math.max(largest, arena[index(in, image, first + k * step)]);
            }
            double sum = 0;
            for (int k = 0; k < length; k++) {
                sum += Math.exp(arena[index(in, image, first + k * step)] - largest);
            }
            double logSum = Math.log(sum);
            for (int k = 0; k < length; k++) {
                double shifted = arena[index(in, image, first + k * step)] - largest;
                arena[index(out, image, first + k * step)] =
                        (float) (logarithm ? shifted - logSum : Math.exp(shifted) / sum);
            }
        }

        private static int index(Planes planes, int image, int number) {
            int area = planes.height() * planes.width();
            int channel = number / area;
            int rest = number - channel * area;
            int y = rest / planes.width();
            return planes.index(image, channel, y, rest - y * planes.width());
        }

        @Override
        public double cost() {
            return 50.0 * in.images() * size;
        }
    }
}
