package io.flipout.signal;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.flipout.Path;
import io.flipout.Trained;
import io.flipout.mask.Mask;
import io.flipout.tensor.TrainedTensor;
import java.util.EnumMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class SignFlipsTest {

    /** Moves the weights and lets the signal see them. */
    private static void step(TrainedTensor tensor, Signal.Watch watch, float... values) {
        tensor.values().set(values);
        tensor.applyMask(tensor.values());
        watch.afterStep();
    }

    @ParameterizedTest
    @EnumSource(Path.class)
    void landingOnZeroAndLeavingItAreTwoFlips(Path path) {
        path.run(
                () -> {
                    try (NDManager manager = NDManager.newBaseManager()) {
                        TrainedTensor tensor = Trained.tensor(manager, .3f, 0f, 5f);
                        SignFlips.Counts counts = new SignFlips().watch(tensor);
                        float[] walk = {.1f, -.05f, .02f, 0f, -.01f};
                        for (float value : walk) {
                            step(tensor, counts, value, -0f, value * value + 1);
                        }

                        assertThat(counts.flips()).containsExactly(4, 0, 0);
                    }
                });
    }

    @ParameterizedTest
    @EnumSource(Path.class)
    void aPrunedWeightHasNoFlipsAndItsCutIsNone(Path path) {
        path.run(
                () -> {
                    try (NDManager manager = NDManager.newBaseManager()) {
                        Mask mask = new Mask(2);
                        TrainedTensor tensor =
                                Trained.tensor(manager.create(new float[] {1, 1}), mask);
                        SignFlips.Counts counts = new SignFlips().watch(tensor);
                        step(tensor, counts, -1, -1);
                        step(tensor, counts, 1, 1);
                        mask.prune(0);
                        tensor.applyMask(tensor.values());
                        counts.afterPruning();
                        assertThat(counts.flips()).containsExactly(0, 2);

                        step(tensor, counts, -1, -1);
                        step(tensor, counts, 1, -1);
                        assertThat(counts.flips()).containsExactly(0, 3);
                    }
                });
    }

    @ParameterizedTest
    @EnumSource(Path.class)
    void countingGoesOnFromASnapshot(Path path) {
        path.run(
                () -> {
                    try (NDManager manager = NDManager.newBaseManager()) {
                        TrainedTensor tensor = Trained.tensor(manager, 1, 1);
                        SignFlips.Counts counts = new SignFlips().watch(tensor);
                        step(tensor, counts, -1, 1);
                        Object snapshot = counts.snapshot();
                        SignFlips.Counts later = new SignFlips().watch(tensor);
                        later.restore(snapshot);
                        step(tensor, later, 1, -1);

                        assertThat(later.flips()).containsExactly(2, 1);
                        assertThat((int[]) snapshot)
                                .as("the snapshot is a copy")
                                .containsExactly(1, 0);
                    }
                });
    }

    @Test
    void bothPathsCountTheSameOnARandomWalkThatIsPrunedOnTheWay() {
        Map<Path, int[]> flips = new EnumMap<>(Path.class);
        for (Path path : Path.values()) {
            path.run(() -> flips.put(path, walk(100_000)));
        }

        assertThat(flips.get(Path.DIRECT)).isEqualTo(flips.get(Path.ENGINE)).contains(0, 1, 2, 5);
    }

    private static int[] walk(int size) {
        Random random = new Random(3);
        try (NDManager manager = NDManager.newBaseManager()) {
            Mask mask = new Mask(size);
            TrainedTensor tensor = Trained.tensor(manager.create(new float[size]), mask);
            SignFlips.Counts counts = new SignFlips().watch(tensor);
            int[] expected = new int[size];
            float[] before = new float[size];
            for (int step = 0; step < 12; step++) {
                float[] values = new float[size];
                for (int i = 0; i < size; i++) {
                    values[i] = mask.isAlive(i) ? random.nextInt(5) - 2 : 0;
                    expected[i] += Math.signum(values[i]) == Math.signum(before[i]) ? 0 : 1;
                }
                step(tensor, counts, values);
                if (step % 4 == 3) {
                    for (int i = 0; i < size; i++) {
                        if (random.nextInt(3) == 0) {
                            mask.prune(i);
                            values[i] = 0;
                        }
                        expected[i] = mask.isAlive(i) ? expected[i] : 0;
                    }
                    tensor.applyMask(tensor.values());
                    counts.afterPruning();
                }
                before = values;
            }
            assertThat(counts.flips()).isEqualTo(expected);
            return counts.flips().clone();
        }
    }

    @ParameterizedTest
    @EnumSource(Path.class)
    void stepsLeaveNoArraysBehind(Path path) {
        path.run(
                () -> {
                    try (NDManager manager = NDManager.newBaseManager()) {
                        TrainedTensor tensor =
                                Trained.tensor(
                                        manager.create(new float[] {1, 2}), Trained.mask(2, 0));
                        SignFlips.Counts counts = new SignFlips().watch(tensor);
                        AimTest.Outcome outcome =
                                AimTest.builder()
                                        .setThreshold(1)
                                        .optVicinity(1)
                                        .build()
                                        .watch(tensor);
                        int[] arrays = new int[4];
                        for (int step = 0; step < arrays.length; step++) {
                            step(tensor, counts, 0, step % 2);
                            outcome.afterStep();
                            counts.afterPruning();
                            outcome.afterPruning();
                            arrays[step] =
                                    manager.getManagedArrays().size()
                                            + tensor.manager().getManagedArrays().size();
                        }
                        assertThat(arrays).containsOnly(arrays[0]);
                    }
                });
    }

    @Test
    void theWeightsAreLeftAsTheyAre() {
        try (NDManager manager = NDManager.newBaseManager()) {
            NDArray values = manager.create(new float[] {1, -2, 0});
            SignFlips.Counts counts = new SignFlips().watch(Trained.tensor(values, new Mask(3)));
            counts.afterStep();
            counts.afterPruning();

            assertThat(values.toFloatArray()).containsExactly(1, -2, 0);
        }
    }
}
