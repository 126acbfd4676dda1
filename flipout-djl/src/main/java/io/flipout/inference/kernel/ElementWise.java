package io.flipout.inference.kernel;

import java.util.Arrays;
import java.util.List;

/** Functions of one or two elements, and copies of channels. */
public final class ElementWise {

    /** Any function of two numbers. */
    @FunctionalInterface
    public interface Binary {
        /**
         * Computes the function.
         *
         * @param x the first argument
         * @param y the second argument
         * @return the value
         */
        float apply(float x, float y);
    }

    private ElementWise() {}

    /**
     * Copies channels, also between planes of other borders, row strides or lanes.
     *
     * @param in the input
     * @param out the output
     * @param channels for each output channel that of the input, or -1 for zeros; null: the same
     * @return the kernel
     * @throws IllegalArgumentException if the planes do not fit together
     */
    public static Kernel copy(Planes in, Planes out, int[] channels) {
        return map(in, out, channels, Activation.IDENTITY);
    }

    /**
     * Applies a function of one number: out = f(in).
     *
     * @param in the input
     * @param out the output; may lie where the input does, if it is laid out alike
     * @param channels for each output channel that of the input, or -1 for f(0); null: the same
     * @param function the function
     * @return the kernel
     * @throws IllegalArgumentException if the planes do not fit together
     */
    public static Kernel map(Planes in, Planes out, int[] channels, Activation function) {
        return new Pairs(in, null, out, channels, null, (x, y) -> function.apply(x));
    }

    /**
     * Adds: out = f(a + b).
     *
     * @param a the first summand
     * @param b the second summand
     * @param out the output; may lie where a or b does, if it is laid out alike
     * @param aChannels for each output channel that of a, or -1 for zeros; null: the same
     * @param bChannels for each output channel that of b, or -1 for zeros; null: the same
     * @param activation f
     * @return the kernel
     * @throws IllegalArgumentException if the planes do not fit together
     */
    public static Kernel add(
            Planes a,
            Planes b,
            Planes out,
            int[] aChannels,
            int[] bChannels,
            Activation activation) {
        return new Pairs(a, b, out, aChannels, bChannels, (x, y) -> activation.apply(x + y));
    }

    /**
     * Applies a function of two numbers: out = f(a, b). Planes of one element are read for every
     * element.
     *
     * @param a the first argument
     * @param b the second argument
     * @param out the output; may lie where a or b does, if it is laid out alike
     * @param function f
     * @return the kernel
     * @throws IllegalArgumentException if the planes do not fit together
     */
    public static Kernel combine(Planes a, Planes b, Planes out, Binary function) {
        return new Pairs(a, b, out, null, null, function);
    }

    /** A function of one element of each of two planes. */
    private static final class Pairs implements Kernel {

        private final List<Planes> inputs;
        private final Planes out;
        private final List<int[]> channels;
        private final Binary function;

        private Pairs(
                Planes a, Planes b, Planes out, int[] aChannels, int[] bChannels, Binary function) {
            inputs = b == null ? List.of(a) : List.of(a, b);
            this.out = out;
            channels =
                    b == null
                            ? List.of(channels(a, out, aChannels))
                            : List.of(channels(a, out, aChannels), channels(b, out, bChannels));
            this.function = function;
            for (Planes in : inputs) {
                boolean same = in.height() == out.height() && in.width() == out.width();
                if (in.images() != out.images() || (!same && !isSingle(in))) {
                    throw new IllegalArgumentException(
                            String.format(
                                    "An element-wise function cannot go from %s to %s.", in, out));
                }
            }
        }

        private static boolean isSingle(Planes in) {
            return in.height() == 1 && in.width() == 1;
        }

        private static int[] channels(Planes in, Planes out, int[] given) {
            int[] channels = given;
            if (channels == null) {
                channels = new int[out.channels()];
                Arrays.setAll(channels, i -> i);
            }
            for (int channel : channels) {
                if (channel >= in.channels()) {
                    throw new IllegalArgumentException(
                            "Channel " + channel + " is not among those of " + in + ".");
                }
            }
            if (channels.length != out.channels()) {
                throw new IllegalArgumentException(
                        channels.length + " channels do not make " + out + ".");
            }
            return channels.clone();
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
                int last = Math.min(out.images(), (group + 1) * out.lanes());
                for (int image = group * out.lanes(); image < last; image++) {
                    plane(arena, image, channel);
                }
            }
        }

        private void plane(float[] arena, int image, int channel) {
            Planes a = inputs.get(0);
            Planes b = inputs.get(inputs.size() - 1);
            int aChannel = channels.get(0)[channel];
            int bChannel = channels.get(channels.size() - 1)[channel];
            for (int y = 0; y < out.height(); y++) {
                for (int x = 0; x < out.width(); x++) {
                    arena[out.index(image, channel, y, x)] =
                            function.apply(
                                    read(arena, a, image, aChannel, y, x),
                                    read(arena, b, image, bChannel, y, x));
                }
            }
        }

        private static float read(float[] arena, Planes in, int image, int channel, int y, int x) {
            if (channel < 0) {
                return 0f;
            }
            return isSingle(in)
                    ? arena[in.index(image, channel, 0, 0)]
                    : arena[in.index(image, channel, y, x)];
        }

        @Override
        public double cost() {
            return 5.0 * out.images() * out.channels() * out.height() * out.width();
        }
    }
}
