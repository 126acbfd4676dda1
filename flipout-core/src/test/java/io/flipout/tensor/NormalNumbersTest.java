package io.flipout.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class NormalNumbersTest {

    private static final int COUNT = 5_000_000;

    private float[] numbers;

    @BeforeEach
    void draw() {
        numbers = new float[COUNT];
        new NormalNumbers(Randoms.key(1, 2)).fill(numbers, COUNT);
    }

    /** Mean 0, variance 1, skewness 0, kurtosis 3, sixth moment 15, within five standard errors. */
    @Test
    void hasTheMomentsOfTheStandardNormal() {
        double[] sums = new double[7];
        for (float number : numbers) {
            double power = 1;
            for (int i = 1; i < sums.length; i++) {
                power *= number;
                sums[i] += power / COUNT;
            }
        }
        double error = 5 / Math.sqrt(COUNT);
        assertThat(sums[1]).isCloseTo(0, within(error));
        assertThat(sums[2]).isCloseTo(1, within(error * Math.sqrt(2)));
        assertThat(sums[3]).isCloseTo(0, within(error * Math.sqrt(15)));
        assertThat(sums[4]).isCloseTo(3, within(error * Math.sqrt(96)));
        assertThat(sums[6]).isCloseTo(15, within(error * Math.sqrt(10_170)));
    }

    /** 2·(1 − Φ(x)). */
    @ParameterizedTest
    @CsvSource({
        "0.1, 0.920344",
        "1, 0.317311",
        "2, 0.0455003",
        "3, 0.00269980",
        "4, 0.0000633425",
        "4.5, 0.00000679535",
        "5, 0.000000573303"
    })
    void liesBeyondANumberAsOftenAsItShould(double x, double share) {
        int beyond = 0;
        for (float number : numbers) {
            beyond += Math.abs(number) > x ? 1 : 0;
        }
        double error = 5 * Math.sqrt(share * (1 - share) / COUNT);
        assertThat((double) beyond / COUNT).isCloseTo(share, within(error));
    }

    /** χ² of 160 bins in [−4, 4): 160 expected, with a standard deviation of 18. */
    @Test
    void isDistributedEvenlyUnderTheCurve() {
        int bins = 160;
        long[] found = new long[bins];
        for (float number : numbers) {
            int bin = (int) Math.floor((number + 4) * 20);
            if (bin >= 0 && bin < bins) {
                found[bin]++;
            }
        }
        double chiSquare = 0;
        for (int i = 0; i < bins; i++) {
            double from = -4 + i / 20d;
            double expected = COUNT * (distribution(from + .05) - distribution(from));
            chiSquare += (found[i] - expected) * (found[i] - expected) / expected;
        }
        assertThat(chiSquare).isLessThan(160 + 5 * 18);
    }

    /** Φ by its series, to the precision of a double between −5 and 5. */
    private static double distribution(double x) {
        double term = x;
        double sum = x;
        for (int i = 1; i < 300; i++) {
            term *= x * x / (2 * i + 1);
            sum += term;
        }
        return .5 + sum * Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI);
    }

    /** Two numbers come from one pair, and neither tells of the other, nor of the next. */
    @Test
    void numbersDoNotTellOfEachOther() {
        double[] products = new double[4];
        double[] squares = new double[4];
        for (int i = 0; i + 4 < COUNT; i++) {
            for (int lag = 1; lag < 4; lag++) {
                products[lag] += numbers[i] * numbers[i + lag];
                double square = (double) numbers[i] * numbers[i] - 1;
                squares[lag] += square * ((double) numbers[i + lag] * numbers[i + lag] - 1);
            }
        }
        for (int lag = 1; lag < 4; lag++) {
            assertThat(products[lag] / COUNT).isCloseTo(0, within(5 / Math.sqrt(COUNT)));
            assertThat(squares[lag] / COUNT).isCloseTo(0, within(10 / Math.sqrt(COUNT)));
        }
    }

    /**
     * Worked out apart from this code, by NumPy in float32 from the formulas of {@link BoxMuller}:
     * numbers 0 to 3 are cosines of pairs 0 to 3, 128 is the sine of pair 0, 256 the cosine of 128.
     */
    @ParameterizedTest
    @MethodSource("loops")
    void numbersAreThoseOfTheFormula(StepLoops loops) {
        float[] drawn = new float[100_096];
        long angleKey = Randoms.key(1_234_567, 1);
        for (int block = 0; block < drawn.length / 256; block++) {
            loops.normals(1_234_567, angleKey, block * 128, 128, drawn, block * 256);
        }
        assertThat(drawn).startsWith(-0.7922239f, 0.5274232f, -0.03621344f, -0.9216378f);
        assertThat(new float[] {drawn[127], drawn[128], drawn[129], drawn[255], drawn[256]})
                .containsExactly(1.4984964f, 0.055594876f, -0.64366716f, 0.31546038f, -1.4073268f);
        assertThat(Arrays.hashCode(Arrays.copyOf(drawn, 100_000))).isEqualTo(-53440261);
        float[] sequence = new float[100_000];
        new NormalNumbers(1_234_567).fill(sequence, sequence.length);
        assertThat(sequence).isEqualTo(Arrays.copyOf(drawn, 100_000));
    }

    /** Plain loops, and those of the Vector API where this JVM has it. */
    static Stream<StepLoops> loops() {
        return ModuleLayer.boot().findModule(StepLoops.MODULE).isPresent()
                ? Stream.of(PlainLoops.INSTANCE, StepLoops.Best.byVectors())
                : Stream.of(PlainLoops.INSTANCE);
    }

    /** In whatever portions they are drawn, and whether they are added or taken. */
    @Test
    void aSequenceIsTheSameInAnyPortions() {
        int[] portions = {1, 255, 3, 128, 4096, 0, 700, 17};
        NormalNumbers stream = new NormalNumbers(Randoms.key(1, 2));
        int at = 0;
        for (int i = 0; i < 3 * portions.length; i++) {
            int size = portions[i % portions.length];
            float[] expected = Arrays.copyOfRange(numbers, at, at + size);
            float[] got = new float[size];
            if (i % 3 == 0) {
                stream.fill(got, size);
            } else if (i % 3 == 1) {
                stream.addTo(got, size, 1);
            } else {
                stream.addTo(got, IntStream.range(0, size).toArray(), size, 1);
            }
            assertThat(got).isEqualTo(expected);
            at += size;
        }
    }

    @Test
    void numbersAreAddedTimesAFactorWhereTheyAreWanted() {
        float[] values = {1, 2, 3, 4};
        new NormalNumbers(Randoms.key(1, 2)).addTo(values, new int[] {3, 1}, 2, 0.5f);
        assertThat(values).containsExactly(1, 2 + numbers[1] / 2, 3, 4 + numbers[0] / 2);
        new NormalNumbers(Randoms.key(1, 2)).addTo(values, 1, 2);
        assertThat(values[0]).isEqualTo(1 + 2 * numbers[0]);
    }

    /** √n times the largest distance to Φ of 5 million numbers: above 1.95 once in a thousand. */
    @Test
    void staysNearTheDistributionEverywhere() {
        float[] sorted = numbers.clone();
        Arrays.sort(sorted);
        double largest = 0;
        for (int i = 0; i < COUNT; i += 500) {
            double expected = distribution(sorted[i]);
            largest = Math.max(largest, Math.abs(expected - (i + .5) / COUNT));
        }
        assertThat(largest * Math.sqrt(COUNT)).isLessThan(1.95);
    }

    /**
     * The same weight in consecutive steps, consecutive pieces of a step, and the numbers of a
     * piece: none tells of another.
     */
    @Test
    void sequencesDoNotTellOfEachOther() {
        int sequences = 1_000;
        int size = 1_024;
        float[] last = new float[size];
        double[] products = new double[3];
        double[] squares = new double[3];
        for (int step = 0; step < sequences; step++) {
            float[] now = new float[size];
            new NormalNumbers(Randoms.key(1, step, 5, 7)).fill(now, size);
            float[] piece = new float[size];
            new NormalNumbers(Randoms.key(1, step, 5, 8)).fill(piece, size);
            for (int i = 0; i < size; i++) {
                float[] others = {last[i], piece[i], now[i ^ 128]};
                double square = (double) now[i] * now[i] - 1;
                for (int k = 0; k < others.length; k++) {
                    products[k] += (double) now[i] * others[k];
                    squares[k] += square * ((double) others[k] * others[k] - 1) / 2;
                }
            }
            last = now;
        }
        double error = 5 * Math.sqrt((double) sequences * size);
        for (int k = 0; k < products.length; k++) {
            // Of a pair each product is counted twice; squares have heavier tails.
            assertThat(products[k]).isCloseTo(0, within(1.5 * error));
            assertThat(squares[k]).isCloseTo(0, within(2 * error));
        }
    }

    @Test
    void aKeyRepeatsItsNumbersAndAnotherGivesOthers() {
        float[] again = new float[1001];
        new NormalNumbers(Randoms.key(1, 2)).fill(again, 1001);
        float[] others = new float[1001];
        new NormalNumbers(Randoms.key(1, 3)).fill(others, 1001);

        assertThat(Arrays.copyOf(again, 1000)).isEqualTo(Arrays.copyOf(numbers, 1000));
        assertThat(others).isNotEqualTo(again);
    }

    @Test
    void fillsNoMoreThanItIsAskedFor() {
        float[] few = new float[8];
        NormalNumbers stream = new NormalNumbers(7);
        stream.fill(few, 3);
        assertThat(few).startsWith(few[0], few[1], few[2]).endsWith(0, 0, 0, 0, 0);
        assertThat(Arrays.copyOf(few, 3)).doesNotContain(0f);
        float[] next = new float[3];
        stream.fill(next, 3);
        assertThat(next).doesNotContain(few[0], few[1], few[2]);
        stream.fill(few, 0);
        assertThat(few[3]).isZero();
    }
}
