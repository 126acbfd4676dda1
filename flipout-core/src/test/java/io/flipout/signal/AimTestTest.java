package io.flipout.signal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.NDManager;
import io.flipout.Trained;
import io.flipout.mask.Mask;
import io.flipout.tensor.TrainedTensor;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The walk worked by hand: .3 .1 −.05 .02 0 −.01 around φ. */
class AimTestTest {

    private static final float[] WALK = {.3f, .1f, -.05f, .02f, 0f, -.01f};

    private NDManager manager;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager();
    }

    @AfterEach
    void close() {
        manager.close();
    }

    private AimTest.Outcome walk(AimTest.Builder builder) {
        TrainedTensor tensor = Trained.tensor(manager, WALK[0], 7);
        AimTest.Outcome outcome = builder.build().watch(tensor);
        for (int i = 1; i < WALK.length; i++) {
            tensor.values().set(new float[] {WALK[i], 7});
            outcome.afterStep();
        }
        return outcome;
    }

    @Test
    void countsOverAndUnderShoots() {
        AimTest.Outcome outcome = walk(AimTest.builder().setThreshold(3));

        assertThat(outcome.overshoots()).containsExactly(4, 0);
        assertThat(outcome.undershoots()).containsExactly(1, 0);
        assertThat(outcome.events()).containsExactly(4, 0);
    }

    @Test
    void anOutcomeIsPositiveWhenTheEventsExceedTheThreshold() {
        assertThat(walk(AimTest.builder().setThreshold(3)).positives())
                .containsExactly(true, false);
        assertThat(walk(AimTest.builder().setThreshold(4)).positives())
                .containsExactly(false, false);
    }

    @Test
    void aVicinityCountsEveryStepThatLandsInIt() {
        AimTest.Outcome outcome = walk(AimTest.builder().setThreshold(4).optVicinity(.1f));

        assertThat(outcome.events()).containsExactly(5, 0);
        assertThat(outcome.positives()).containsExactly(true, false);
        assertThat(outcome.overshoots()).containsExactly(4, 0);
    }

    @Test
    void aTargetMayBeAnyValueForEachWeight() {
        TrainedTensor tensor = Trained.tensor(manager, 2, 2, 2);
        AimTest.Outcome outcome =
                AimTest.builder()
                        .setThreshold(0)
                        .optTargets(info -> new float[] {1, -1, 3})
                        .build()
                        .watch(tensor);
        tensor.values().set(new float[] {.5f, .5f, .5f}); // x: 1 → −.5, 3 → 1.5, −1 → −2.5
        outcome.afterStep();

        assertThat(outcome.overshoots()).containsExactly(1, 0, 0);
        assertThat(outcome.undershoots()).containsExactly(0, 1, 0);
        assertThat(outcome.positives()).containsExactly(true, false, false);
    }

    @Test
    void oneTargetServesAllWeights() {
        TrainedTensor tensor = Trained.tensor(manager, 2, 0);
        AimTest.Outcome outcome =
                AimTest.builder().setThreshold(0).optTarget(1).build().watch(tensor);
        tensor.values().set(new float[] {0, .5f});
        outcome.afterStep();

        assertThat(outcome.overshoots()).containsExactly(1, 0);
        assertThat(outcome.undershoots()).containsExactly(0, 1);
    }

    @Test
    void crossingZeroIsASignFlip() {
        int size = 5_000;
        Random random = new Random(5);
        Mask mask = new Mask(size);
        TrainedTensor tensor = Trained.tensor(manager.create(new float[size]), mask);
        AimTest.Outcome outcome = AimTest.builder().setThreshold(0).build().watch(tensor);
        SignFlips.Counts flips = new SignFlips().watch(tensor);
        for (int step = 0; step < 10; step++) {
            float[] values = new float[size];
            for (int i = 0; i < size; i++) {
                values[i] = random.nextInt(5) - 2;
            }
            tensor.values().set(values);
            tensor.applyMask(tensor.values());
            outcome.afterStep();
            flips.afterStep();
            if (step == 4) {
                random.ints(1_000, 0, size).forEach(mask::prune);
                tensor.applyMask(tensor.values());
                outcome.afterPruning();
                flips.afterPruning();
            }
        }

        assertThat(outcome.overshoots()).isEqualTo(flips.flips());
    }

    @Test
    void aPrunedWeightHasNoEvents() {
        Mask mask = new Mask(2);
        TrainedTensor tensor = Trained.tensor(manager.create(new float[] {1, 1}), mask);
        AimTest.Outcome outcome =
                AimTest.builder().setThreshold(0).optVicinity(.1f).build().watch(tensor);
        tensor.values().set(new float[] {-.05f, -.05f});
        outcome.afterStep();
        mask.prune(0);
        tensor.applyMask(tensor.values());
        outcome.afterPruning();
        outcome.afterStep();

        assertThat(outcome.events()).containsExactly(0, 2);
        assertThat(outcome.overshoots()).containsExactly(0, 1);
        assertThat(outcome.undershoots()).containsExactly(0, 0);
        assertThat(outcome.positives()).containsExactly(false, true);
    }

    @Test
    void countingGoesOnFromASnapshot() {
        AimTest test = AimTest.builder().setThreshold(3).build();
        Object snapshot = walk(AimTest.builder().setThreshold(3)).snapshot();
        TrainedTensor tensor = Trained.tensor(manager, WALK[5], 7);
        AimTest.Outcome outcome = test.watch(tensor);
        outcome.restore(snapshot);
        tensor.values().set(new float[] {.01f, 6});
        outcome.afterStep();

        assertThat(outcome.overshoots()).containsExactly(5, 0);
        assertThat(outcome.undershoots()).containsExactly(1, 1);
        assertThat(outcome.events()).containsExactly(5, 0);
    }

    @Test
    void refusesWhatCannotBeTested() {
        AimTest.Builder builder = AimTest.builder();
        assertThatThrownBy(builder::build).hasMessageContaining("threshold");
        assertThatThrownBy(() -> AimTest.builder().setThreshold(-1).build())
                .hasMessageContaining("threshold");
        assertThatThrownBy(() -> AimTest.builder().setThreshold(1).optVicinity(-1).build())
                .hasMessageContaining("at least 0");
        AimTest twoTargets =
                AimTest.builder().setThreshold(1).optTargets(info -> new float[2]).build();
        TrainedTensor tensor = Trained.tensor(manager, 1, 2, 3);
        assertThatThrownBy(() -> twoTargets.watch(tensor))
                .hasMessage(
                        "The aim test of layer0.weight needs 1 target or one for each of its 3"
                                + " weights, got 2");
    }
}
