package io.flipout.inference.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

class WindowsTest {

    /** Outputs that all read the same inputs, with weights 1000 · output + input. */
    private static Filters filters(int outputs, int size, int... inputs) {
        float[] weights = new float[outputs * size];
        for (int output = 0; output < outputs; output++) {
            for (int input : inputs) {
                weights[output * size + input] = 1000 * output + input;
            }
        }
        return Filters.dense(weights, outputs);
    }

    private static Windows windows(Filters filters) {
        int[] rows = new int[filters.count()];
        Arrays.setAll(rows, i -> i);
        return new Windows(filters, filters.places, 12, rows);
    }

    @Test
    void aLaneTakesTurnsWithItsTwoOutputs() {
        Windows windows = windows(filters(40, 30, 2, 25)); // Of 40 there is one block.
        assertThat(windows.starts).containsExactly(0, 4);
        assertThat(windows.places).containsExactly(14, 14, 37, 37);
        assertThat(windows.picks).containsOnly(0);
        for (int step = 0; step < 4; step++) {
            for (int row = 0; row < 32; row++) {
                boolean takes = row / 16 == step % 2;
                int input = step < 2 ? 2 : 25;
                assertThat(windows.values[step * 32 + row])
                        .isEqualTo(takes ? 1000 * row + input : 0);
            }
        }
    }

    @Test
    void aWindowServesInputsThatLieTogether() {
        float[] weights = new float[32 * 20];
        for (int row = 0; row < 32; row++) {
            weights[row * 20 + row % 16 + 2] = 1; // In each lane another input, twice.
        }
        Windows windows = windows(Filters.dense(weights, 32));
        assertThat(windows.places).containsExactly(14, 14);
        for (int lane = 0; lane < 16; lane++) {
            assertThat(windows.picks[lane]).isEqualTo((byte) lane);
        }
    }

    @Test
    void whatLiesFarApartIsLeftToOthers() {
        float[] weights = new float[64 * 1000];
        for (int row = 0; row < 32; row++) {
            weights[row * 1000 + 30 * row] = 1; // A window for each.
        }
        for (int row = 32; row < 64; row++) {
            weights[row * 1000] = 1;
        }
        Windows windows = windows(Filters.dense(weights, 64));
        assertThat(windows.has(0)).isFalse();
        assertThat(windows.has(1)).isTrue();
        assertThat(windows.has(2)).isFalse();
        assertThat(windows.starts).containsExactly(0, 0, 2);
        assertThat(windows.places).containsExactly(12, 12);
        assertThat(windows.values).hasSize(64).containsOnly(0f, 1f);
    }
}
