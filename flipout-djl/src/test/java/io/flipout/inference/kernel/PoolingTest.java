package io.flipout.inference.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Random;
import java.util.function.BiFunction;
import org.junit.jupiter.api.Test;

/** Pooling by hand, and against a naive loop. */
class PoolingTest {

    private static final int[] ONE = {1, 1};
    private static final int[] TWO = {2, 2};
    private static final int[] THREE = {3, 3};
    private static final int[] NONE = {0, 0};

    private static float[] pooled(
            float[] input,
            Planes in,
            Planes given,
            Loops loops,
            BiFunction<Planes, Planes, Pooling> pooling) {
        Planes out = given.at(in.offset() + in.size());
        float[] arena = new float[out.offset() + out.size()];
        Arrays.fill(arena, Float.NaN);
        in.clearBorder(arena);
        out.clearBorder(arena);
        in.load(input, 0, arena);
        Pooling kernel = pooling.apply(in, out).by(loops);
        kernel.run(arena, 0, kernel.units());
        float[] result = new float[out.images() * out.channels() * out.height() * out.width()];
        out.store(arena, result, 0);
        out.load(new float[result.length], 0, arena);
        if (out.images() % out.lanes() == 0 && out.planeStride() != out.lanes()) {
            for (int i = out.offset(); i < out.offset() + out.size() - Planes.ROOM; i++) {
                assertThat(arena[i]).as("border at %d", i).isZero();
            }
        }
        return result;
    }

    @Test
    void windowsByHand() {
        float[] input = {1, 2, 3, 4, 5, 6, 7, 8, 9};
        Planes in = Planes.of(1, 1, 3, 3).withBorder(1);
        Planes two = Planes.of(1, 1, 2, 2).withBorder(1);
        for (Loops loops : Implementations.all()) {
            assertThat(
                            pooled(
                                    input,
                                    in,
                                    two,
                                    loops,
                                    (a, b) -> Pooling.max(a, b, TWO, ONE, NONE, ONE)))
                    .containsExactly(5, 6, 8, 9);
            // With padding 1 the first window sees only the first element.
            assertThat(
                            pooled(
                                    input,
                                    in,
                                    two,
                                    loops,
                                    (a, b) -> Pooling.max(a, b, TWO, TWO, ONE, ONE)))
                    .containsExactly(1, 3, 7, 9);
            assertThat(
                            pooled(
                                    input,
                                    in,
                                    two,
                                    loops,
                                    (a, b) -> Pooling.average(a, b, TWO, TWO, ONE, true)))
                    .containsExactly(0.25f, 1.25f, 2.75f, 7);
            assertThat(
                            pooled(
                                    input,
                                    in,
                                    two,
                                    loops,
                                    (a, b) -> Pooling.average(a, b, TWO, TWO, ONE, false)))
                    .containsExactly(1, 2.5f, 5.5f, 7);
            // Windows that overlap by one row and column.
            assertThat(pooled(input, in, two, loops, Pooling::adaptiveAverage))
                    .containsExactly(3, 4, 6, 7);
            assertThat(pooled(input, in, Planes.of(1, 1, 1, 1), loops, Pooling::adaptiveMax))
                    .containsExactly(9);
            assertThat(pooled(input, in, Planes.of(1, 1, 1, 1), loops, Pooling::adaptiveAverage))
                    .containsExactly(5);
            // The corners, two apart.
            assertThat(
                            pooled(
                                    input,
                                    in,
                                    Planes.of(1, 1, 1, 1),
                                    loops,
                                    (a, b) -> Pooling.max(a, b, TWO, ONE, NONE, TWO)))
                    .containsExactly(9);
        }
    }

    @Test
    void ceilingMakesAWindowThatIsCutOff() {
        float[] input = {1, 2, 3, 4, 5};
        Planes in = Planes.of(1, 1, 1, 5);
        Planes out = Planes.of(1, 1, 1, 3);
        int[] kernel = {1, 2};
        for (Loops loops : Implementations.all()) {
            assertThat(
                            pooled(
                                    input,
                                    in,
                                    out,
                                    loops,
                                    (a, b) -> Pooling.max(a, b, kernel, kernel, NONE, ONE)))
                    .containsExactly(2, 4, 5);
            assertThat(
                            pooled(
                                    input,
                                    in,
                                    out,
                                    loops,
                                    (a, b) -> Pooling.average(a, b, kernel, kernel, NONE, true)))
                    .containsExactly(1.5f, 3.5f, 5);
        }
    }

    @Test
    void halvesAndMeansOfManySizes() {
        Random random = new Random(1);
        for (int size = 2; size < 70; size += size < 12 ? 1 : 11) {
            for (int lanes : new int[] {1, 16}) {
                int images = 3;
                int channels = 2;
                float[] input = new float[images * channels * size * size];
                for (int i = 0; i < input.length; i++) {
                    input[i] = (float) random.nextGaussian() - 3;
                }
                input[size + 1] = Float.NaN;
                Planes in = Planes.of(images, channels, size, size).withBorder(1).withLanes(lanes);
                Planes half =
                        Planes.of(images, channels, size / 2, size / 2)
                                .withBorder(1)
                                .withLanes(lanes);
                Planes one = Planes.of(images, channels, 1, 1).withLanes(lanes);
                float[] halves = null;
                float[] means = null;
                for (Loops loops : Implementations.all()) {
                    float[] max =
                            pooled(
                                    input,
                                    in,
                                    half,
                                    loops,
                                    (a, b) -> Pooling.max(a, b, TWO, TWO, NONE, ONE));
                    float[] mean = pooled(input, in, one, loops, Pooling::adaptiveAverage);
                    halves = halves == null ? max : halves;
                    means = means == null ? mean : means;
                    assertThat(max).containsExactly(halves);
                    assertThat(max[0]).isNaN();
                    assertThat(mean[0]).isNaN();
                    for (int i = 1; i < mean.length; i++) {
                        assertThat(mean[i]).isCloseTo(means[i], within(1e-5f));
                    }
                }
            }
        }
    }

    @Test
    void aWindowOutsideTheImageIsRefused() {
        Planes in = Planes.of(1, 1, 2, 2);
        Planes out = Planes.of(1, 1, 3, 3);
        assertThatThrownBy(() -> Pooling.max(in, out, TWO, TWO, NONE, ONE))
                .hasMessageContaining("outside");
        assertThatThrownBy(() -> Pooling.max(in, Planes.of(1, 2, 1, 1), THREE, ONE, NONE, ONE))
                .hasMessageContaining("cannot go");
    }
}
