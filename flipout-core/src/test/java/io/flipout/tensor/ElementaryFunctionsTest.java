package io.flipout.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.function.DoubleUnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ElementaryFunctionsTest {

    /** A prime, so that all exponents and all low bits come along. */
    private static final int STRIDE = 2_039;

    private interface FloatFunction {
        float of(float x);
    }

    private static void assertNext(FloatFunction ours, DoubleUnaryOperator exact, float x) {
        float result = ours.of(x);
        double truth = exact.applyAsDouble(x);
        boolean hasNone = Double.isNaN(truth) || Float.isInfinite((float) truth);
        boolean isNext =
                hasNone
                        ? Float.compare(result, (float) truth) == 0
                        : Math.abs(result - truth) <= 0.51 * Math.ulp((float) truth);
        if (!isNext) {
            throw new AssertionError(x + " gives " + result + ", not " + truth);
        }
    }

    /** At two million floats of both signs, those without a value included. */
    private static void assertNext(FloatFunction ours, DoubleUnaryOperator exact) {
        for (long bits = Integer.MIN_VALUE; bits <= Integer.MAX_VALUE; bits += STRIDE) {
            assertNext(ours, exact, Float.intBitsToFloat((int) bits));
        }
    }

    @Test
    void exponentialIsTheNextFloat() {
        assertNext(ElementaryFunctions::exp, Math::exp);
    }

    @Test
    void logarithmIsTheNextFloat() {
        assertNext(ElementaryFunctions::log, Math::log);
    }

    @Test
    void logarithmIsTheNextFloatAroundOneWhereItIsSmall() {
        for (float x = 0.7f; x < 1.42f; x += 3e-7f) {
            assertNext(ElementaryFunctions::log, Math::log, x);
        }
    }

    @ParameterizedTest
    @ValueSource(floats = {-200, -88, -1, -1e-8f, 0, 0.5f, 17, 200})
    void sigmoidIsTheInverseOfTheLogit(float x) {
        assertThat(ElementaryFunctions.sigmoid(x))
                .isCloseTo((float) (1 / (1 + Math.exp(-x))), within(1.2e-7f));
    }

    @Test
    void valuesThatAreKnown() {
        assertThat(ElementaryFunctions.exp(0)).isEqualTo(1);
        assertThat(ElementaryFunctions.exp(1)).isEqualTo((float) Math.E);
        assertThat(ElementaryFunctions.exp(Float.NEGATIVE_INFINITY)).isZero();
        assertThat(ElementaryFunctions.exp(Float.POSITIVE_INFINITY)).isInfinite();
        assertThat(ElementaryFunctions.exp(Float.NaN)).isNaN();
        assertThat(ElementaryFunctions.log(1)).isZero();
        assertThat(ElementaryFunctions.log(-0f)).isEqualTo(Float.NEGATIVE_INFINITY);
        assertThat(ElementaryFunctions.log(Float.MIN_VALUE)).isEqualTo(-103.27893f);
        assertThat(ElementaryFunctions.log(-1)).isNaN();
    }
}
