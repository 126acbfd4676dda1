package io.flipout.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class StepLoopsTest {

    /** What a weight or a gradient may be, in any order and often. */
    private static final float[] KINDS = {
        0,
        -0f,
        1,
        -1,
        Float.MIN_VALUE,
        -Float.MIN_VALUE,
        Float.NaN,
        Float.POSITIVE_INFINITY,
        Float.NEGATIVE_INFINITY,
        Float.intBitsToFloat(0xffc00000),
        1e-30f,
        -3e30f
    };

    private static float[] values(int size, int seed) {
        Random random = new Random(seed);
        float[] values = new float[Chunks.SIZE];
        for (int i = 0; i < size; i++) {
            values[i] =
                    random.nextInt(3) == 0
                            ? KINDS[random.nextInt(KINDS.length)]
                            : (float) random.nextGaussian();
        }
        return values;
    }

    private static byte[] mask(int size, int seed) {
        Random random = new Random(seed);
        byte[] mask = new byte[size];
        for (int i = 0; i < size; i++) {
            int eight = i / 8 % 3; // Eights that are alive, pruned, and mixed.
            mask[i] = (byte) (eight == 2 ? random.nextInt(2) : eight);
        }
        return mask;
    }

    @ParameterizedTest
    @MethodSource("io.flipout.tensor.NormalNumbersTest#loops")
    void whatIsPrunedBecomesZeroAndAllElseStays(StepLoops loops) {
        for (int size : new int[] {1, 7, 8, 16, 31, 100, Chunks.SIZE}) {
            int from = size % 5;
            byte[] mask = mask(from + size, size);
            float[] values = values(size, size);
            float[] masked = values.clone();
            loops.mask(masked, size, mask, from);
            for (int i = 0; i < size; i++) {
                int expected = mask[from + i] == 0 ? 0 : Float.floatToRawIntBits(values[i]);
                assertThat(Float.floatToRawIntBits(masked[i])).isEqualTo(expected);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("io.flipout.tensor.NormalNumbersTest#loops")
    void countsOfWhatIsPrunedAreForgotten(StepLoops loops) {
        for (int size : new int[] {1, 7, 8, 16, 31, 100, Chunks.SIZE}) {
            int from = size % 5;
            byte[] mask = mask(from + size + 9, size);
            int[] counts = new Random(size).ints(mask.length).toArray();
            int[] masked = counts.clone();
            loops.mask(masked, mask, from, from + size);
            for (int i = 0; i < mask.length; i++) {
                boolean goes = i >= from && i < from + size && mask[i] == 0;
                assertThat(masked[i]).isEqualTo(goes ? 0 : counts[i]);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("io.flipout.tensor.NormalNumbersTest#loops")
    void signsAreWrittenDownWithoutAFlip(StepLoops loops) {
        for (int size : new int[] {1, 7, 8, 16, 31, 100, Chunks.SIZE}) {
            int from = size % 5;
            float[] weights = values(size, size);
            byte[] signs = new byte[from + size + 9];
            loops.signs(weights, size, signs, from);
            byte[] expected = new byte[signs.length];
            loops.countFlips(weights, size, expected, new int[signs.length], from);
            assertThat(signs).isEqualTo(expected);
        }
    }

    /** Three-valued signs; what is not a number has the sign of its bits. */
    @ParameterizedTest
    @MethodSource("io.flipout.tensor.NormalNumbersTest#loops")
    void aFlipIsAnotherSignOfThree(StepLoops loops) {
        for (int size : new int[] {1, 7, 8, 16, 31, 100, Chunks.SIZE}) {
            int from = size % 5;
            byte[] signs = new byte[from + size];
            int[] flips = new int[from + size];
            int[] expected = new int[from + size];
            byte[] before = new byte[from + size];
            for (int step = 0; step < 3; step++) {
                float[] weights = values(size, size + step);
                loops.countFlips(weights, size, signs, flips, from);
                for (int i = 0; i < size; i++) {
                    float weight = weights[i];
                    boolean isNegative = Float.floatToRawIntBits(weight) < 0;
                    byte sign = (byte) (weight == 0 ? 0 : isNegative ? -1 : 1);
                    expected[from + i] += sign == before[from + i] ? 0 : 1;
                    before[from + i] = sign;
                }
                assertThat(flips).isEqualTo(expected);
                assertThat(signs).isEqualTo(before);
            }
        }
    }

    /**
     * 1² + 2² + … + n² = n(n + 1)(2n + 1)/6, exact in a double, and the rest of the array no part.
     */
    @ParameterizedTest
    @MethodSource("io.flipout.tensor.NormalNumbersTest#loops")
    void squaresAreSummedUp(StepLoops loops) {
        float[] values = new float[Chunks.SIZE];
        for (int i = 0; i < values.length; i++) {
            values[i] = i + 1;
        }
        for (int n : new int[] {0, 1, 7, 8, 9, 15, 16, 17, 31, 40, 1000, Chunks.SIZE}) {
            assertThat(loops.squares(values, n)).isEqualTo(n * (n + 1d) * (2 * n + 1) / 6);
        }
    }

    /** Where sums are rounded, in the order of their number alone. */
    @ParameterizedTest
    @ValueSource(ints = {3, 8, 24, 777, Chunks.SIZE})
    void squaresAreRoundedAlike(int size) {
        assumeThat(NormalNumbersTest.loops().count()).isEqualTo(2);
        float[] values = new float[Chunks.SIZE];
        new NormalNumbers(size).fill(values, values.length);
        assertThat(StepLoops.Best.byVectors().squares(values, size))
                .isEqualTo(PlainLoops.INSTANCE.squares(values, size));
    }
}
