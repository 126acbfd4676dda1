package io.flipout.gradient;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.flipout.Path;
import io.flipout.Trained;
import io.flipout.mask.Mask;
import io.flipout.method.HoyerSquare;
import io.flipout.tensor.TrainedTensor;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class HoyerSquarePenaltyTest {

    private static void in(Path path, Consumer<NDManager> test) {
        path.run(
                () -> {
                    try (NDManager manager = NDManager.newBaseManager()) {
                        test.accept(manager);
                    }
                });
    }

    private static GradientTerm.Running start(float strength) {
        return new HoyerSquarePenalty(strength, ParameterScope.PRUNABLE).start(List.of(), 0);
    }

    /** Returns the gradient of ones after the term. */
    private static float[] applied(GradientTerm.Running term, TrainedTensor tensor) {
        try (NDArray gradient = tensor.values().onesLike()) {
            term.apply(tensor, gradient);
            return gradient.toFloatArray();
        }
    }

    /** w = (3, −4): S1 = 7, S2 = 25, 2·(7/625)·(25 − 21) = .0896 and −2·(7/625)·(25 − 28). */
    @ParameterizedTest
    @EnumSource(Path.class)
    void addsTheGradientOfTheExampleWorkedByHand(Path path) {
        in(
                path,
                manager -> {
                    TrainedTensor tensor = Trained.tensor(manager, 3, -4);

                    assertThat(applied(start(1), tensor))
                            .containsExactly(new float[] {1.0896f, 1.0672f}, within(1e-6f));
                    assertThat(applied(start(.5f), tensor))
                            .containsExactly(new float[] {1.0448f, 1.0336f}, within(1e-6f));
                });
    }

    @ParameterizedTest
    @EnumSource(Path.class)
    void leavesPrunedWeightsAndTensorsOfZerosAlone(Path path) {
        in(
                path,
                manager -> {
                    TrainedTensor some =
                            Trained.tensor(
                                    manager.create(new float[] {0, 3, -0f, -4}),
                                    Trained.mask(4, 0, 2));
                    assertThat(applied(start(1), some))
                            .containsExactly(new float[] {1, 1.0896f, 1, 1.0672f}, within(1e-6f));
                    assertThat(applied(start(1), Trained.tensor(manager, 0, 0, 0)))
                            .containsExactly(1, 1, 1);
                });
    }

    @ParameterizedTest
    @EnumSource(Path.class)
    void itEndsWithTheFirstPruning(Path path) {
        in(
                path,
                manager -> {
                    GradientTerm.Running term = start(1);
                    term.afterPruning();
                    assertThat(applied(term, Trained.tensor(manager, 3, -4))).containsExactly(1, 1);
                });
    }

    @ParameterizedTest
    @EnumSource(Path.class)
    void theScopeSaysWhetherBiasesAreRegularised(Path path) {
        in(
                path,
                manager -> {
                    NDArray bias = manager.create(new float[] {3, -4});
                    TrainedTensor tensor =
                            new TrainedTensor(Trained.info(0, bias, false), bias, null, 0);
                    GradientTerm.Running all =
                            new HoyerSquarePenalty(1, ParameterScope.ALL).start(List.of(), 0);

                    assertThat(applied(start(1), tensor)).containsExactly(1, 1);
                    assertThat(applied(all, tensor)).doesNotContain(1f);
                });
    }

    /** The derivative of H by differences, on a tensor of several pieces. */
    @Test
    void bothPathsAreTheDerivativeOfThePenalty() {
        int size = 70_001;
        Map<Path, float[]> gradients = new EnumMap<>(Path.class);
        float[][] weights = new float[1][];
        for (Path path : Path.values()) {
            in(
                    path,
                    manager -> {
                        manager.getEngine().setRandomSeed(1);
                        NDArray values = manager.randomNormal(new Shape(size));
                        weights[0] = values.toFloatArray();
                        TrainedTensor tensor = Trained.tensor(values, new Mask(size));
                        NDArray gradient = manager.zeros(new Shape(size));
                        start(1).apply(tensor, gradient);
                        gradients.put(path, gradient.toFloatArray());
                        assertThat(values.toFloatArray()).isEqualTo(weights[0]);
                    });
        }
        for (int i : new int[] {0, 1, 4_095, 4_096, 70_000}) {
            double slope = (penalty(weights[0], i, 1e-3) - penalty(weights[0], i, -1e-3)) / 2e-3;
            assertThat((double) gradients.get(Path.DIRECT)[i]).isCloseTo(slope, within(1e-4));
        }
        float difference = 0;
        for (int i = 0; i < size; i++) {
            float direct = gradients.get(Path.DIRECT)[i];
            difference = Math.max(difference, Math.abs(direct - gradients.get(Path.ENGINE)[i]));
        }
        assertThat(difference).isLessThan(1e-5f);
    }

    private static double penalty(float[] weights, int moved, double by) {
        double s1 = 0;
        double s2 = 0;
        for (int i = 0; i < weights.length; i++) {
            double weight = weights[i] + (i == moved ? by : 0);
            s1 += Math.abs(weight);
            s2 += weight * weight;
        }
        return s1 * s1 / s2;
    }

    @ParameterizedTest
    @EnumSource(Path.class)
    void stepsLeaveNoArraysBehind(Path path) {
        in(
                path,
                manager -> {
                    TrainedTensor tensor = Trained.tensor(manager, 3, -4);
                    GradientTerm.Running term = start(1);
                    int[] arrays = new int[4];
                    for (int step = 0; step < arrays.length; step++) {
                        applied(term, tensor);
                        arrays[step] =
                                manager.getManagedArrays().size()
                                        + tensor.manager().getManagedArrays().size();
                    }
                    assertThat(arrays).containsOnly(arrays[0]);
                });
    }

    @ParameterizedTest
    @ValueSource(floats = {0, -1, Float.NaN, Float.POSITIVE_INFINITY})
    void refusesAStrengthThatIsNotAPositiveNumber(float strength) {
        assertThatThrownBy(() -> HoyerSquare.builder().setStrength(strength).build())
                .hasMessageContaining("must be a number greater than 0");
        assertThatThrownBy(() -> HoyerSquare.builder().build()).hasMessageContaining("NaN");
    }
}
