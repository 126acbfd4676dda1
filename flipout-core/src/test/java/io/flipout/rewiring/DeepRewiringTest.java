package io.flipout.rewiring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.flipout.Path;
import io.flipout.Trained;
import io.flipout.gradient.GradientTerm;
import io.flipout.mask.Mask;
import io.flipout.method.DeepR;
import io.flipout.tensor.TrainedTensor;
import java.util.Arrays;
import java.util.BitSet;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class DeepRewiringTest {

    private static void in(Path path, Consumer<NDManager> test) {
        path.run(
                () -> {
                    try (NDManager manager = NDManager.newBaseManager()) {
                        test.accept(manager);
                    }
                });
    }

    /** Takes plain SGD's step with the method's terms, and rewires. */
    private static int[] step(
            TrainedTensor tensor, Rewiring.Wiring wiring, DeepR method, float rate, float... g) {
        try (NDArray gradient = tensor.values().getManager().create(g)) {
            tensor.applyMask(gradient);
            for (GradientTerm term : method.gradientTerms()) {
                term.start(List.of(tensor.info()), 0).apply(tensor, gradient);
            }
            tensor.values().subi(gradient.muli(rate));
        }
        wiring.afterStep();
        int[] dormant = wiring.rewire(tensor.steps(), new BitSet());
        wiring.settle(dormant);
        tensor.countStep();
        return dormant;
    }

    /**
     * θ = (.5, .02, –, –), s = (+, –, +, –), so w = (.5, –.02, 0, 0); ∂E/∂w = (.1, –.3, ..), η =
     * .1, α = .01 and no noise make θ = (.489, –.011): the second goes, one of the last three
     * comes.
     */
    @ParameterizedTest
    @EnumSource(Path.class)
    void theExampleWorkedByHand(Path path) {
        BitSet revived = new BitSet();
        for (int i = 0; i < 40; i++) {
            int seed = i;
            in(
                    path,
                    manager -> {
                        Mask mask = Trained.mask(4, 2, 3);
                        TrainedTensor tensor =
                                Trained.tensor(
                                        manager.create(new float[] {.5f, -.02f, 0, 0}), mask);
                        DeepR method = DeepR.builder().optL1(.01f).optNoise(0).build();
                        Rewiring.Wiring wiring = new DeepRewiring().wire(tensor, mask, seed);

                        assertThat(step(tensor, wiring, method, .1f, .1f, -.3f, 5, 5))
                                .containsExactly(1);
                        float[] w = tensor.values().toFloatArray();
                        assertThat(w[0]).isCloseTo(.489f, within(1e-6f));
                        assertThat(mask.remaining()).isEqualTo(2);
                        for (int j = 1; j < 4; j++) {
                            if (mask.isAlive(j)) {
                                assertThat(Math.abs(w[j])).isEqualTo(1e-12f);
                                revived.set(j);
                            } else {
                                assertThat(w[j]).isZero();
                            }
                        }
                        if (mask.isAlive(1)) {
                            assertThat(w[1]).as("its sign is for good").isNegative();
                        }
                    });
        }
        assertThat(revived.stream()).containsExactly(1, 2, 3);
    }

    /** Moves random weights of several pieces by random steps, and compares with the plain way. */
    private static float[] walk(int size, int pruned, long seed) {
        Random random = new Random(3);
        try (NDManager manager = NDManager.newBaseManager()) {
            Mask mask = new Mask(size);
            float[] start = new float[size];
            for (int i = 0; i < size; i++) {
                start[i] = (float) random.nextGaussian();
                if (i < pruned) {
                    mask.prune(i);
                    start[i] = 0;
                }
            }
            int k = mask.remaining();
            TrainedTensor tensor = Trained.tensor(manager.create(start), mask);
            Rewiring.Wiring wiring = new DeepRewiring().wire(tensor, mask, seed);
            float[] signs = new float[size];
            for (int step = 0; step < 10; step++) {
                float[] before = tensor.values().toFloatArray();
                byte[] alive = mask.bytes().clone();
                float[] moved = before.clone();
                for (int i = 0; i < size; i++) {
                    // Also where nothing lives, as an optimizer's own momentum would.
                    moved[i] += .3f * (float) random.nextGaussian();
                }
                tensor.values().set(moved);
                wiring.afterStep();
                int[] dormant = wiring.rewire(step, new BitSet());
                wiring.settle(dormant);

                assertThat(mask.remaining()).isEqualTo(k);
                float[] after = tensor.values().toFloatArray();
                int gone = 0;
                for (int i = 0; i < size; i++) {
                    boolean crosses = alive[i] != 0 && moved[i] * before[i] < 0;
                    gone += crosses ? 1 : 0;
                    boolean isNew = mask.isAlive(i) && (crosses || alive[i] == 0);
                    float expected = mask.isAlive(i) ? moved[i] : 0;
                    if (isNew) {
                        assertThat(Math.abs(after[i])).isEqualTo(1e-12f);
                    } else if (after[i] != expected) {
                        assertThat(after[i]).isEqualTo(expected);
                    }
                    if (after[i] != 0) {
                        assertThat(signs[i] * after[i] < 0).isFalse();
                        signs[i] = Math.signum(after[i]);
                    }
                }
                assertThat(dormant).hasSize(gone).isSorted();
            }
            return tensor.values().toFloatArray();
        }
    }

    /** Few dormant ones are listed, of many some are guessed. */
    @ParameterizedTest
    @CsvSource({"20000, 18000", "20000, 100", "20000, 0", "7, 6"})
    void everyStepKeepsTheirNumberAndTheirSigns(int size, int pruned) {
        Map<Path, float[]> ends = new EnumMap<>(Path.class);
        for (Path path : Path.values()) {
            path.run(() -> ends.put(path, walk(size, pruned, 1)));
        }
        assertThat(ends.get(Path.DIRECT)).isEqualTo(ends.get(Path.ENGINE));
        assertThat(Arrays.equals(walk(size, pruned, 1), walk(size, pruned, 1))).isTrue();
    }

    @Test
    void anotherSeedRewiresOtherwise() {
        assertThat(walk(20_000, 18_000, 1)).isNotEqualTo(walk(20_000, 18_000, 2));
    }

    /** Two weights cross and two of the dormant come back: all pairs are as likely. */
    @ParameterizedTest
    @ValueSource(ints = {0, 40})
    void thoseThatComeBackAreDrawnUniformly(int alwaysAlive) {
        int runs = 6_000;
        int[][] pairs = new int[6][6];
        try (NDManager manager = NDManager.newBaseManager()) {
            for (int seed = 0; seed < runs; seed++) {
                // With many alive the dormant ones are listed, with few they are guessed.
                int size = 6 + alwaysAlive;
                Mask mask = Trained.mask(size, 0, 1, 4, 5);
                float[] values = new float[size];
                Arrays.fill(values, 1);
                NDArray array = manager.create(values);
                try (TrainedTensor tensor = Trained.tensor(array, mask)) {
                    tensor.applyMask(tensor.values());
                    Rewiring.Wiring wiring = new DeepRewiring().wire(tensor, mask, seed);
                    values[2] = -1;
                    values[3] = -1;
                    tensor.values().set(values);
                    wiring.afterStep();
                    wiring.rewire(0, new BitSet());
                }
                array.close();
                int first = first(mask, 0);
                pairs[first][first(mask, first + 1)]++;
            }
        }
        double expected = runs / 15d;
        double chiSquare = 0;
        for (int i = 0; i < 6; i++) {
            for (int j = i + 1; j < 6; j++) {
                chiSquare += Math.pow(pairs[i][j] - expected, 2) / expected;
            }
        }
        // 14 degrees of freedom: 36.1 in one of a thousand.
        assertThat(chiSquare).isLessThan(36.1);
    }

    private static int first(Mask mask, int from) {
        int index = from;
        while (!mask.isAlive(index)) {
            index++;
        }
        return index;
    }

    @ParameterizedTest
    @EnumSource(Path.class)
    void theWiringGoesOnFromASnapshot(Path path) {
        in(
                path,
                manager -> {
                    Mask mask = new Mask(2);
                    TrainedTensor tensor =
                            Trained.tensor(manager.create(new float[] {1, -1}), mask);
                    Object snapshot = new DeepRewiring().wire(tensor, mask, 0).snapshot();
                    tensor.values().set(new float[] {-1, 1});
                    Rewiring.Wiring later = new DeepRewiring().wire(tensor, mask, 0);
                    assertThat(later.rewire(0, new BitSet())).isEmpty();
                    later.restore(snapshot);
                    int arrays = tensor.manager().getManagedArrays().size();
                    later.restore(snapshot);

                    assertThat(tensor.manager().getManagedArrays()).hasSize(arrays);
                    assertThat(later.rewire(0, new BitSet())).containsExactly(0, 1);
                });
    }

    @ParameterizedTest
    @EnumSource(Path.class)
    void aWeightThatIsNoNumberStaysToBeSeen(Path path) {
        in(
                path,
                manager -> {
                    Mask mask = new Mask(2);
                    TrainedTensor tensor = Trained.tensor(manager.create(new float[] {1, 1}), mask);
                    Rewiring.Wiring wiring = new DeepRewiring().wire(tensor, mask, 0);
                    tensor.values().set(new float[] {Float.NaN, 1});
                    wiring.settle(wiring.rewire(0, new BitSet()));

                    assertThat(tensor.values().toFloatArray()).containsExactly(Float.NaN, 1);
                });
    }

    @ParameterizedTest
    @EnumSource(Path.class)
    void stepsLeaveNoArraysBehind(Path path) {
        in(
                path,
                manager -> {
                    Mask mask = Trained.mask(4, 2, 3);
                    TrainedTensor tensor =
                            Trained.tensor(manager.create(new float[] {.5f, -.02f, 0, 0}), mask);
                    DeepR method = DeepR.builder().optL1(.01f).optNoise(0).build();
                    Rewiring.Wiring wiring = new DeepRewiring().wire(tensor, mask, 1);
                    int[] arrays = new int[4];
                    for (int i = 0; i < arrays.length; i++) {
                        step(tensor, wiring, method, 1, 1, -1, 1, -1);
                        try (NDArray momentum = tensor.values().onesLike()) {
                            tensor.clear(momentum, new int[] {1});
                            assertThat(momentum.toFloatArray()).containsExactly(1, 0, 1, 1);
                        }
                        arrays[i] =
                                manager.getManagedArrays().size()
                                        + tensor.manager().getManagedArrays().size();
                    }
                    assertThat(arrays).containsOnly(arrays[0]);
                });
    }

    @ParameterizedTest
    @ValueSource(floats = {-1, Float.NaN, Float.POSITIVE_INFINITY})
    void refusesStrengthsThatAreNoNumbersOfAtLeastZero(float value) {
        assertThatThrownBy(() -> DeepR.builder().optL1(value).build())
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> DeepR.builder().optNoise(value).build())
                .isInstanceOf(IllegalArgumentException.class);
        assertThat(DeepR.builder().optL1(0).optNoise(0).build().gradientTerms()).isEmpty();
    }
}
