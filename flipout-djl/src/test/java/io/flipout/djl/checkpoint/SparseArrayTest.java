package io.flipout.djl.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

class SparseArrayTest {

    @Test
    void positionsAreFollowedByTheLength() {
        SparseArray floats = SparseArray.of(new float[] {0, -2, 0, 0, 0, 3, 0}).orElseThrow();
        assertThat(floats.index()).containsExactly(1, 5, 7);
        assertThat((float[]) floats.values()).containsExactly(-2, 3);

        SparseArray ints = SparseArray.of(new int[] {4, 0, 0, 0}).orElseThrow();
        assertThat(ints.index()).containsExactly(0, 4);
        assertThat((int[]) ints.values()).containsExactly(4);

        SparseArray zeros = SparseArray.of(new float[2]).orElseThrow();
        assertThat(zeros.index()).containsExactly(2);
        assertThat((float[]) zeros.values()).isEmpty();
    }

    /**
     * k of n numbers take k positions, k values and the length: less than n, or it does not pay.
     */
    @Test
    void onlyWhatGetsSmallerIsSparse() {
        for (int length = 0; length < 12; length++) {
            for (int count = 0; count <= length; count++) {
                int[] ints = new int[length];
                float[] floats = new float[length];
                Arrays.fill(ints, length - count, length, 1);
                Arrays.fill(floats, 0, count, Float.NaN);
                boolean pays = 2 * count + 1 < length;
                assertThat(SparseArray.of(ints).isPresent()).isEqualTo(pays);
                assertThat(SparseArray.of(floats).isPresent()).isEqualTo(pays);
                SparseArray.of(ints)
                        .ifPresent(
                                sparse ->
                                        assertThat(sparse.dense(ints.length).orElseThrow())
                                                .isEqualTo(ints));
            }
        }
        assertThat(SparseArray.of(new long[100])).isEmpty();
        assertThat(SparseArray.of(new byte[100])).isEmpty();
    }

    private static boolean isRead(int longest, int... index) {
        return new SparseArray(index, new int[] {7, 8}).dense(longest).isPresent();
    }

    @Test
    void partsThatDoNotFitAreNoArray() {
        assertThat((int[]) new SparseArray(new int[] {0, 2, 3}, new int[] {7, 8}).dense(3).get())
                .containsExactly(7, 0, 8);
        assertThat(isRead(2, 0, 1, 2)).isTrue();
        assertThat(isRead(2, 0, 2, 3)).as("longer than expected").isFalse();
        assertThat(isRead(9, 0, 3, 3)).as("a position behind the end").isFalse();
        assertThat(isRead(9, -1, 2, 3)).as("a position before the beginning").isFalse();
        assertThat(isRead(9, 0, 0, 1)).as("more values than places").isFalse();
        assertThat(isRead(9, 0, 3)).as("a position too few").isFalse();
        assertThat(isRead(9, 0, 1, 2, 3)).as("a position too many").isFalse();
        assertThat(isRead(9, 0, 1, -3)).as("a length below 0").isFalse();
        assertThat(isRead(9)).as("no length").isFalse();
    }
}
