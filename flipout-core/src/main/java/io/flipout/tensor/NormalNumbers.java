package io.flipout.tensor;

/**
 * Numbers drawn from the standard normal distribution, a few nanoseconds each.
 *
 * <p>The ziggurat method (Marsaglia and Tsang, 2000): the area under {@code exp(−x²/2)} is covered
 * by {@value #LAYERS} layers of equal area. A number is a layer and a place in it; all but 1.2 % of
 * the places lie under the curve whatever the height, and are taken at once. Layer and place come
 * from bits of their own (Doornik, 2005), 32 a number, of a SplitMix64 generator. The places of a
 * layer are 2²⁴, so that a number has the precision of a float; beyond {@value #TAIL} comes the
 * tail.
 */
public final class NormalNumbers {

    private static final int LAYERS = 256;

    /** Where the tail begins, and the area of a layer, for 256 layers. */
    private static final double TAIL = 3.654152885361009;

    private static final double AREA = 0.00492867323399;

    private static final int PLACE_BITS = 23;
    private static final int PLACES = 1 << PLACE_BITS;

    private static final long GAMMA = 0x9e3779b97f4a7c15L;

    /** The width of a layer's place, by layer, the lowest first. */
    private static final float[] WIDTH = new float[LAYERS];

    /** Places up to here lie under the curve, by layer. */
    private static final int[] INSIDE = new int[LAYERS];

    /** The height of the curve at the end of a layer, and at the end of the one above. */
    private static final double[] HEIGHT = new double[LAYERS + 1];

    static {
        double[] ends = new double[LAYERS + 1];
        ends[0] = AREA / height(TAIL); // As wide as a box that holds the tail's area too.
        ends[1] = TAIL;
        for (int i = 1; i < LAYERS; i++) {
            double above = height(ends[i]) + AREA / ends[i];
            ends[i + 1] = above < 1 ? Math.sqrt(-2 * Math.log(above)) : 0;
        }
        ends[LAYERS] = 0;
        for (int i = 0; i < LAYERS; i++) {
            WIDTH[i] = (float) (ends[i] / PLACES);
            INSIDE[i] = (int) (ends[i + 1] / ends[i] * PLACES);
            HEIGHT[i] = height(ends[i]);
        }
        HEIGHT[LAYERS] = 1;
    }

    private long state;

    /**
     * Creates a stream of numbers.
     *
     * @param key the name of the stream, well spread: {@link Randoms#key}
     */
    public NormalNumbers(long key) {
        state = key;
    }

    private static double height(double x) {
        return Math.exp(-x * x / 2);
    }

    /**
     * Draws the next numbers of the stream.
     *
     * @param numbers takes them
     * @param count how many, at most the size of {@code numbers}
     */
    public void fill(float[] numbers, int count) {
        long at = state;
        int even = count & ~1;
        for (int i = 0; i < even; i += 2) {
            at += GAMMA;
            long bits = mix(at);
            int first = (int) bits;
            int second = (int) (bits >>> 32);
            int layer = first & (LAYERS - 1);
            int place = first >> 8;
            numbers[i] = place * WIDTH[layer];
            int beyond = Math.abs(place) - INSIDE[layer];
            layer = second & (LAYERS - 1);
            place = second >> 8;
            numbers[i + 1] = place * WIDTH[layer];
            // One branch for both: it is taken once in forty draws.
            if ((beyond & Math.abs(place) - INSIDE[layer]) >= 0) {
                state = at;
                numbers[i] = number(first);
                numbers[i + 1] = number(second);
                at = state;
            }
        }
        state = at;
        if (even < count) {
            numbers[even] = number((int) next());
        }
    }

    private long next() {
        return mix(state += GAMMA);
    }

    /** The finaliser of SplitMix64: Stafford's thirteenth variant of MurmurHash3's. */
    private static long mix(long z) {
        z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
        z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
        return z ^ (z >>> 31);
    }

    /** Returns the number that 32 bits stand for, or where they miss the curve, one of the next. */
    private float number(int bits) {
        int drawn = bits;
        while (true) {
            int layer = drawn & (LAYERS - 1);
            int place = drawn >> 8;
            float x = place * WIDTH[layer];
            if (Math.abs(place) < INSIDE[layer]) {
                return x;
            }
            if (layer == 0) {
                return place < 0 ? -tail() : tail();
            }
            double y = HEIGHT[layer] + uniform() * (HEIGHT[layer + 1] - HEIGHT[layer]);
            if (y < height(x)) {
                return x;
            }
            drawn = (int) next();
        }
    }

    /** Marsaglia's exact method for what lies beyond the lowest layer. */
    private float tail() {
        while (true) {
            double beyond = -Math.log(uniform()) / TAIL;
            if (-2 * Math.log(uniform()) >= beyond * beyond) {
                return (float) (TAIL + beyond);
            }
        }
    }

    /** Returns a number in (0, 1]. */
    private double uniform() {
        return ((next() >>> 11) + 1) * 0x1p-53;
    }
}
