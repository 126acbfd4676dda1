package io.flipout.djl.torchscript;

import static org.assertj.core.api.Assertions.assertThat;

import io.flipout.graph.Convolution;
import io.flipout.graph.Dims;
import io.flipout.graph.Input;
import io.flipout.graph.Weights;
import io.flipout.graph.Window;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Convolutions by their weights alone. */
class SparseProductTest {

    private static Convolution convolution(
            int channels, int size, int filters, Window window, float[] weights) {
        Input input = new Input(new Dims(channels, size, size, 4));
        Weights all =
                Weights.dense(filters, channels, window.height(), window.width(), weights.clone());
        return Convolution.of("conv", input, all, new float[filters], window, 1);
    }

    /** A share of the weights at random. */
    private static Convolution sparse(
            int channels, int size, int filters, Window window, double share) {
        float[] weights = new float[filters * channels * window.cells()];
        Random random = new Random(5);
        for (int i = 0; i < weights.length; i++) {
            weights[i] = random.nextDouble() < share ? 1 : 0;
        }
        return convolution(channels, size, filters, window, weights);
    }

    @Test
    void weightsAreTakenApart() {
        // Two filters of two channels, windows of three by two: the place is row * 2 + column.
        float[] weights = new float[24];
        weights[0 * 12 + 0 * 6 + 0 * 2 + 1] = 5; // Filter 0, channel 0, row 0, column 1.
        weights[0 * 12 + 1 * 6 + 2 * 2 + 0] = 6; // Filter 0, channel 1, row 2, column 0.
        weights[1 * 12 + 1 * 6 + 1 * 2 + 1] = 7; // Filter 1, channel 1, row 1, column 1.
        SparseProduct one =
                SparseProduct.of(
                        Weights.dense(2, 2, 3, 2, weights), new Window(3, 2, 1, 1, 0, 0, 1, 1));
        assertThat(one.values()).containsExactly(5, 6, 7);
        assertThat(one.filters()).containsExactly(0, 0, 1);
        assertThat(one.channels()).containsExactly(0, 1, 1);
        assertThat(one.rows()).containsExactly(0, 2, 1);
        assertThat(one.columns()).containsExactly(1, 0, 1);
    }

    @Test
    void stridesMakeChannelsOfLinesAndColumns() {
        float[] weights = new float[24];
        weights[1] = 5; // Row 0, column 1 · 3 = 3: every second column from 1, the next but one.
        weights[12 + 6 + 3] = 7; // Channel 1, row 1 · 3 = 3 and column 3.
        SparseProduct two =
                SparseProduct.of(
                        Weights.dense(2, 2, 3, 2, weights), new Window(3, 2, 2, 2, 1, 1, 3, 3));
        // Even lines and columns are channels 0 and 1, odd columns 2 and 3, odd lines 4 to 7.
        assertThat(two.channels()).containsExactly(2, 7);
        assertThat(two.rows()).containsExactly(0, 1);
        assertThat(two.columns()).containsExactly(1, 1);
    }

    @ParameterizedTest
    @CsvSource({"1, 0, 1", "0.1, 2, 3", "0.02, 6, 9", "0.002, 12, 100"})
    void theFewerWeightsTheMoreIsGained(double share, double least, double most) {
        double gain = SparseProduct.gain(sparse(64, 32, 64, Window.square(3, 1, 1), share));
        assertThat(gain).isBetween(least, most);
    }

    @Test
    void littleIsNotWorthACall() {
        assertThat(SparseProduct.gain(sparse(8, 4, 8, Window.square(3, 1, 1), 0.01))).isLessThan(1);
    }

    @Test
    void whatTheProductDoesNotComputeGainsNothing() {
        Window uneven = new Window(3, 3, 1, 2, 1, 1, 1, 1);
        assertThat(SparseProduct.gain(sparse(64, 32, 64, uneven, 0.01))).isZero();
        assertThat(SparseProduct.gain(sparse(64, 32, 64, Window.square(3, 1, 1), 0))).isZero();
        Input features = new Input(new Dims(50, 1, 1, 2));
        Weights weights = Weights.dense(40, 50, 1, 1, new float[2000]);
        Convolution linear =
                Convolution.of("linear", features, weights, new float[40], Window.ONE, 1);
        assertThat(SparseProduct.gain(linear)).isZero();
    }
}
