package io.flipout.signal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.NDManager;
import io.flipout.Trained;
import io.flipout.tensor.TrainedTensor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class LastValuesTest {

    private NDManager manager;
    private TrainedTensor tensor;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager();
        tensor = Trained.tensor(manager, 9, 9);
    }

    @AfterEach
    void close() {
        manager.close();
    }

    private void step(Signal.Watch watch, float... values) {
        tensor.values().set(values);
        watch.afterStep();
        tensor.countStep();
    }

    @Test
    void keepsTheLastOnesAndForgetsTheOldest() {
        LastValues.Values values = new LastValues(2, 1).watch(tensor);
        step(values, 1, -1);
        step(values, 2, -2);
        assertThat(values.values()).containsExactly(new float[] {1, -1}, new float[] {2, -2});
        step(values, 3, -3);
        assertThat(values.values()).containsExactly(new float[] {2, -2}, new float[] {3, -3});
    }

    @Test
    void recordsAfterEveryThirdStep() {
        LastValues.Values values = new LastValues(2, 3).watch(tensor);
        for (int step = 1; step <= 8; step++) {
            step(values, step, -step);
        }
        assertThat(values.values()).containsExactly(new float[] {3, -3}, new float[] {6, -6});
    }

    @Test
    void refusesToAnswerBeforeItHasSeenEnough() {
        LastValues.Values values = new LastValues(3, 1).watch(tensor);
        step(values, 1, 1);
        step(values, 2, 2);
        assertThatThrownBy(values::values)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageStartingWith("The last 3 values of the weights are needed, but only 2");
    }

    @Test
    void goesOnFromASnapshot() {
        LastValues signal = new LastValues(2, 1);
        LastValues.Values values = signal.watch(tensor);
        step(values, 1, -1);
        step(values, 2, -2);
        LastValues.Values later = signal.watch(tensor);
        later.restore(values.snapshot());
        step(later, 3, -3);
        assertThat(later.values()).containsExactly(new float[] {2, -2}, new float[] {3, -3});
    }

    @Test
    void stepsLeaveNoArraysBehind() {
        LastValues.Values values = new LastValues(2, 1).watch(tensor);
        int[] arrays = new int[4];
        for (int step = 0; step < 6; step++) {
            step(values, step, step);
            values.afterPruning();
            arrays[Math.max(0, step - 2)] = tensor.manager().getManagedArrays().size();
        }
        assertThat(arrays).containsOnly(arrays[0]);
    }

    @Test
    void oneValueHasNoDeviation() {
        assertThatThrownBy(() -> new LastValues(1, 1)).hasMessageContaining("at least 2");
        assertThatThrownBy(() -> new LastValues(2, 0)).hasMessageContaining("at least 1");
    }
}
