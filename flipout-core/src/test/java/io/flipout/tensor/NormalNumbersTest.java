package io.flipout.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

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

    /**
     * 2·(1 − Φ(x)): within a layer, near its edge, and in the tail, which has a code of its own.
     */
    @ParameterizedTest
    @CsvSource({
        "0.1, 0.920344",
        "1, 0.317311",
        "2, 0.0455003",
        "3, 0.00269980",
        "3.654152885361009, 0.000258034",
        "4, 0.0000633425",
        "4.5, 0.00000679535"
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

    /** Two numbers come from one draw, and neither tells of the other, nor of the next. */
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
     * The generator's known numbers after 1,234,567, 6457827717110365317 and so on, in halves of 32
     * bits: eight for the layer, 24 for the place in it, worked out apart from this code.
     */
    @Test
    void numbersAreLayersAndPlacesOfTheGeneratorsBits() {
        float[] drawn = new float[8];
        new NormalNumbers(1_234_567).fill(drawn, 8);
        assertThat(drawn)
                .containsExactly(
                        -0.05824313f,
                        1.7848606f,
                        0.8879751f,
                        0.5238153f,
                        -1.1484116f,
                        -0.7219487f,
                        -0.36422092f,
                        1.0088365f);
        // 2.4 % of the pairs miss a layer, and 25 numbers come from the tail.
        float[] many = new float[100_000];
        new NormalNumbers(1_234_567).fill(many, many.length);
        assertThat(Arrays.hashCode(many)).isEqualTo(-215110746);
        float[] odd = new float[7];
        new NormalNumbers(1_234_567).fill(odd, 7);
        assertThat(odd).containsExactly(Arrays.copyOf(drawn, 7));
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
