package io.flipout.inference.kernel;

/**
 * A function of one number, applied to each output. Three kinds cost next to nothing within another
 * kernel's last write: none, clamping (ReLU and ReLU6 are of this kind), and leaky ReLU.
 */
public final class Activation {

    /** Any function of one number. */
    @FunctionalInterface
    public interface Function {
        /**
         * Computes the function.
         *
         * @param x the argument
         * @return the value
         */
        float apply(float x);
    }

    enum Kind {
        IDENTITY,
        CLAMP,
        LEAKY,
        OTHER
    }

    /** f(x) = x. */
    public static final Activation IDENTITY =
            new Activation(Kind.IDENTITY, Float.NEGATIVE_INFINITY, Float.POSITIVE_INFINITY, x -> x);

    /** f(x) = max(x, 0), and NaN for NaN. */
    public static final Activation RELU = clamp(0f, Float.POSITIVE_INFINITY);

    /** f(x) = min(max(x, 0), 6), and NaN for NaN. */
    public static final Activation RELU6 = clamp(0f, 6f);

    final Kind kind;
    final float low;
    final float high;
    private final Function function;

    private Activation(Kind kind, float low, float high, Function function) {
        this.kind = kind;
        this.low = low;
        this.high = high;
        this.function = function;
    }

    /**
     * f(x) = min(max(x, low), high), and NaN for NaN.
     *
     * @param low the least value
     * @param high the greatest value
     * @return the function
     */
    public static Activation clamp(float low, float high) {
        return new Activation(Kind.CLAMP, low, high, x -> Math.min(Math.max(x, low), high));
    }

    /**
     * f(x) = x where x &gt; 0, else slope · x.
     *
     * @param slope the slope on the left
     * @return the function
     */
    public static Activation leaky(float slope) {
        return new Activation(Kind.LEAKY, slope, 0f, x -> x > 0 ? x : slope * x);
    }

    /**
     * Any function.
     *
     * @param function the function
     * @return it
     */
    public static Activation of(Function function) {
        return new Activation(Kind.OTHER, 0f, 0f, function);
    }

    /**
     * Computes the function.
     *
     * @param x the argument
     * @return the value
     */
    public float apply(float x) {
        return function.apply(x);
    }
}
