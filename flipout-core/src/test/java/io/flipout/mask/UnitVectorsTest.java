package io.flipout.mask;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.types.Shape;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Weights of shape (2, 3, 2), divided by the norms of various vectors. */
class UnitVectorsTest {

    private static List<Integer> vectors(long... magnitudes) {
        UnitVectors vectors = new UnitVectors(new Shape(2, 3, 2), new Shape(magnitudes));
        List<Integer> of = IntStream.range(0, 12).mapToObj(vectors::of).toList();
        assertThat(of)
                .containsOnly(IntStream.range(0, vectors.count()).boxed().toArray(Integer[]::new));
        return of;
    }

    @Test
    void aVectorForEachOutput() {
        assertThat(vectors(2, 1, 1)).containsExactly(0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1);
    }

    @Test
    void aVectorForEachInput() {
        assertThat(vectors(1, 3, 1)).containsExactly(0, 0, 1, 1, 2, 2, 0, 0, 1, 1, 2, 2);
    }

    @Test
    void aVectorForEachOutputAndPlace() {
        assertThat(vectors(2, 1, 2)).containsExactly(0, 1, 0, 1, 0, 1, 2, 3, 2, 3, 2, 3);
    }

    @Test
    void aVectorForEachOutputAndInput() {
        assertThat(vectors(2, 3, 1)).containsExactly(0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5);
    }

    @Test
    void oneVectorOfAllWeights() {
        assertThat(vectors()).containsOnly(0);
        assertThat(vectors(1, 1, 1)).containsOnly(0);
    }
}
