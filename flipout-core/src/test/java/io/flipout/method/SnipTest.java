package io.flipout.method;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.GradientCollector;
import ai.djl.training.loss.Loss;
import io.flipout.Trained;
import io.flipout.mask.ParameterInfo;
import io.flipout.signal.XavierNormal;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SnipTest {

    private static final Loss RELEASED =
            Snip.builder().optVariant(Snip.Variant.RELEASED).build().probe().get().loss().get();

    /** Returns the gradient of a loss on these logits, two for each example. */
    private static float[] gradient(Loss loss, float[] logits, long... classes) {
        try (NDManager manager = NDManager.newBaseManager()) {
            NDArray outputs = manager.create(logits, new Shape(classes.length, 2));
            outputs.setRequiresGradient(true);
            try (GradientCollector collector = Engine.getInstance().newGradientCollector()) {
                NDArray labels = manager.create(classes);
                collector.backward(loss.evaluate(new NDList(labels), new NDList(outputs)));
            }
            return outputs.getGradient().toFloatArray();
        }
    }

    @Test
    void theReleasedLossIsTheLogitOfTheTrueClass() {
        float[] logits = {0, 0};

        assertThat(gradient(RELEASED, logits, 0)).containsExactly(-1, 0);
        assertThat(gradient(Loss.softmaxCrossEntropyLoss(), logits, 0))
                .containsExactly(new float[] {-.5f, .5f}, within(1e-6f));
        assertThat(gradient(RELEASED, new float[] {3, 1, 2, 5}, 1, 0))
                .as("the mean over a batch, whatever the logits")
                .containsExactly(0, -.5f, -.5f, 0);
    }

    @Test
    void theOriginalTakesTheNetworksOwnWeightsAndLoss() {
        assertThat(new Snip().probe()).isEqualTo(Snip.builder().build().probe());
        assertThat(new Snip().probe().get().loss()).isEmpty();
        assertThat(new Snip().probe().get().weights()).isEmpty();
        assertThatThrownBy(() -> Snip.builder().optVariant(null).build())
                .hasMessageContaining("variant");
    }

    private static float[] draw(int index, long seed, long... shape) {
        try (NDManager manager = NDManager.newBaseManager()) {
            ParameterInfo info = Trained.info(index, manager.zeros(new Shape(shape)), true);
            return new XavierNormal().draw(info, seed);
        }
    }

    /** √(2 / (fan_in + fan_out)), which for a convolution count its 3·3 field. */
    @ParameterizedTest
    @CsvSource({"300, 700, 1, .044721360", "64, 36, 3, .047140452", "9999, 1, 1, .014142136"})
    void xaviersDeviationIsThatOfBothFans(int out, int in, int side, double deviation) {
        float[] values = draw(0, 1, out, in, side, side);
        double sum = 0;
        double squares = 0;
        for (float value : values) {
            sum += value;
            squares += (double) value * value;
        }
        double n = values.length;
        // Five standard errors.
        assertThat(Math.sqrt(squares / n))
                .isCloseTo(deviation, within(deviation * 3.6 / Math.sqrt(n)));
        assertThat(sum / n).isCloseTo(0, within(deviation * 5 / Math.sqrt(n)));
    }

    @Test
    void whatIsDrawnFollowsTheSeedAndTheTensor() {
        float[] values = draw(0, 1, 20, 30);

        assertThat(draw(0, 1, 20, 30)).isEqualTo(values);
        assertThat(draw(0, 2, 20, 30)).isNotEqualTo(values);
        assertThat(draw(1, 1, 20, 30)).isNotEqualTo(values);
    }

    /** A matrix has both fans and no field, a vector one input for each of its outputs. */
    @Test
    void xaviersDeviationOfMatricesAndVectors() {
        assertThat(deviation(draw(0, 1, 300, 700))).isCloseTo(.04472136, within(4e-4));
        assertThat(deviation(draw(0, 1, 9_999))).isCloseTo(.014142136, within(5e-4));
    }

    private static double deviation(float[] values) {
        double squares = 0;
        for (float value : values) {
            squares += (double) value * value;
        }
        return Math.sqrt(squares / values.length);
    }
}
