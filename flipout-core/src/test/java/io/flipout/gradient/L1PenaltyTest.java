package io.flipout.gradient;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.flipout.Path;
import io.flipout.Trained;
import io.flipout.tensor.TrainedTensor;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class L1PenaltyTest {

    @ParameterizedTest
    @CsvSource({"DIRECT, ALL", "DIRECT, PRUNABLE", "ENGINE, ALL", "ENGINE, PRUNABLE"})
    void addsTheSignOfTheWeights(Path path, ParameterScope scope) {
        path.run(
                () -> {
                    try (NDManager manager = NDManager.newBaseManager()) {
                        GradientTerm.Running term = new L1Penalty(.5f, scope).start(List.of(), 0);
                        NDArray values = manager.create(new float[] {3, -4, 0, 1e-12f});
                        TrainedTensor weights =
                                Trained.tensor(values.duplicate(), Trained.mask(4, 2));
                        TrainedTensor biases =
                                new TrainedTensor(Trained.info(1, values, false), values, null, 0);
                        NDArray onWeights = manager.create(new float[] {1, 1, 0, 1});
                        NDArray onBiases = onWeights.duplicate();
                        term.apply(weights, onWeights);
                        term.apply(biases, onBiases);

                        assertThat(onWeights.toFloatArray()).containsExactly(1.5f, .5f, 0, 1.5f);
                        assertThat(onBiases.toFloatArray())
                                .containsExactly(
                                        scope == ParameterScope.ALL
                                                ? new float[] {1.5f, .5f, 0, 1.5f}
                                                : new float[] {1, 1, 0, 1});
                    }
                });
    }

    @ParameterizedTest
    @ValueSource(floats = {0, -1, Float.NaN, Float.POSITIVE_INFINITY})
    void refusesAStrengthThatIsNotAPositiveNumber(float strength) {
        assertThatThrownBy(() -> new L1Penalty(strength, ParameterScope.ALL))
                .hasMessageContaining("must be a number greater than 0");
    }
}
