package io.flipout.tensor;

/**
 * Numbers drawn from the standard normal distribution: a key names a sequence of them, which is the
 * same however many are drawn at once.
 *
 * <p>Two words of 32 bits are hashed from the key and the number of a pair, and become a pair of
 * numbers by the transform of Box and Muller (1958): {@code √(−2 ln u) · (cos φ, sin φ)}, u in (0,
 * 1] in steps of 2⁻³⁰ and φ of 2⁻³². Nothing is rejected, so that all pairs take the same way, as
 * many at a time as a vector of the processor has lanes. Logarithm, sine and cosine are polynomials
 * with errors below 3e-6, of multiplications and additions that are rounded one by one: the Vector
 * API, where Java was started with it, gives the bits that plain Java gives.
 */
public final class NormalNumbers {

    /** Pairs whose numbers lie in a block: that many cosines, then as many sines. */
    static final int PAIRS = 128;

    private static final int BLOCK = 2 * PAIRS;

    /** Of the widest vector. Numbers of pairs that are computed at once are multiples of it. */
    static final int LANES = 16;

    private static final ThreadLocal<float[]> NUMBERS =
            ThreadLocal.withInitial(() -> new float[Chunks.SIZE + BLOCK]);

    private final long radiusKey;
    private final long angleKey;
    private int next;

    /**
     * Creates a sequence of numbers.
     *
     * @param key the name of the sequence, well spread: {@link Randoms#key}
     */
    public NormalNumbers(long key) {
        radiusKey = key;
        angleKey = Randoms.key(key, 1);
    }

    /**
     * Draws the next numbers of the sequence.
     *
     * @param numbers takes them
     * @param count how many, at most the size of {@code numbers}
     */
    public void fill(float[] numbers, int count) {
        for (int i = 0; i < count; i += Chunks.SIZE) {
            int size = Math.min(Chunks.SIZE, count - i);
            System.arraycopy(draw(size), 0, numbers, i, size);
        }
    }

    /**
     * Adds the next numbers of the sequence, each times a factor, to values.
     *
     * @param values the values
     * @param count how many numbers, added to the first values; at most {@link Chunks#SIZE}
     * @param factor the factor
     */
    public void addTo(float[] values, int count, float factor) {
        float[] numbers = draw(count);
        for (int i = 0; i < count; i++) {
            values[i] += factor * numbers[i];
        }
    }

    /**
     * Adds the next numbers of the sequence, each times a factor, to some values.
     *
     * @param values the values
     * @param positions the positions of those that get a number
     * @param count how many positions count, at most {@link Chunks#SIZE}
     * @param factor the factor
     */
    public void addTo(float[] values, int[] positions, int count, float factor) {
        float[] numbers = draw(count);
        for (int i = 0; i < count; i++) {
            values[positions[i]] += factor * numbers[i];
        }
    }

    /** Returns an array that begins with the next numbers. */
    private float[] draw(int count) {
        float[] numbers = NUMBERS.get();
        int skipped = next % BLOCK;
        int end = skipped + count;
        for (int i = 0; i < end; i += BLOCK) {
            int first = (next - skipped + i) / 2;
            int pairs = Math.min(PAIRS, (end - i + LANES - 1) & -LANES);
            StepLoops.best(2 * pairs).normals(radiusKey, angleKey, first, pairs, numbers, i);
        }
        if (skipped > 0) {
            System.arraycopy(numbers, skipped, numbers, 0, count);
        }
        next += count;
        return numbers;
    }
}
