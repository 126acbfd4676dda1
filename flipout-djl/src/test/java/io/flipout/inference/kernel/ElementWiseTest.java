package io.flipout.inference.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

/** Copies, functions and sums of planes, by hand. */
class ElementWiseTest {

    private final float[] arena = new float[2000];
    private final Planes a = Planes.of(2, 2, 1, 2).withBorder(1);
    private final Planes b = Planes.of(2, 2, 1, 2).withLanes(2).at(600);
    private final Planes out = Planes.of(2, 2, 1, 2).withBorder(2).withLanes(2).at(1000);

    private float[] run(Kernel kernel) {
        kernel.run(arena, 0, kernel.units());
        float[] result = new float[8];
        out.store(arena, result, 0);
        return result;
    }

    @Test
    void planesLaidOutDifferentlyAreCopiedByChannel() {
        a.load(new float[] {1, 2, 3, 4, 5, 6, 7, 8}, 0, arena);
        assertThat(run(ElementWise.copy(a, out, null))).containsExactly(1, 2, 3, 4, 5, 6, 7, 8);
        assertThat(run(ElementWise.copy(a, out, new int[] {1, -1})))
                .containsExactly(3, 4, 0, 0, 7, 8, 0, 0);
        Planes part = out.slice(1, 1);
        Kernel last = ElementWise.copy(a.slice(0, 1), part, null);
        assertThat(run(last)).containsExactly(3, 4, 1, 2, 7, 8, 5, 6);
    }

    @Test
    void functionsAndSums() {
        a.load(new float[] {1, -2, 3, -4, 5, -6, 7, -8}, 0, arena);
        b.load(new float[] {10, 1, 10, 1, 10, 1, 10, 1}, 0, arena);
        assertThat(run(ElementWise.map(a, out, null, Activation.leaky(0.5f))))
                .containsExactly(1, -1, 3, -2, 5, -3, 7, -4);
        assertThat(run(ElementWise.add(a, b, out, null, null, Activation.RELU)))
                .containsExactly(11, 0, 13, 0, 15, 0, 17, 0);
        assertThat(
                        run(
                                ElementWise.add(
                                        a,
                                        b,
                                        out,
                                        new int[] {1, -1},
                                        new int[] {-1, 0},
                                        Activation.IDENTITY)))
                .containsExactly(3, -4, 10, 1, 7, -8, 10, 1);
        Planes single = Planes.of(2, 2, 1, 1).at(1900);
        single.load(new float[] {1, 2, 3, 4}, 0, arena);
        assertThat(run(ElementWise.combine(a, single, out, (x, y) -> x * y)))
                .containsExactly(1, -2, 6, -8, 15, -18, 28, -32);
    }

    @Test
    void planesThatDoNotFitAreRefused() {
        Planes other = Planes.of(2, 2, 2, 2);
        assertThatThrownBy(() -> ElementWise.copy(a, other, null))
                .hasMessageContaining("cannot go");
        assertThatThrownBy(() -> ElementWise.copy(a, out, new int[] {0, 2}))
                .hasMessageContaining("Channel 2");
        assertThatThrownBy(() -> ElementWise.copy(a, out, new int[] {0}))
                .hasMessageContaining("1 channels");
    }
}
