package io.flipout.signal;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.flipout.Path;
import io.flipout.Trained;
import io.flipout.mask.Mask;
import io.flipout.tensor.TrainedTensor;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What holds of every signal. */
class WatchesTest {

    static Stream<Arguments> signals() {
        List<Signal> signals =
                List.of(
                        new SignFlips(),
                        AimTest.builder().setThreshold(1).build(),
                        new LastValues(2, 1),
                        new Movement(),
                        new ConnectionGradient(),
                        new DiagonalFisher(),
                        new BlockFisher(2, 1));
        return Stream.of(Path.values())
                .flatMap(path -> signals.stream().map(signal -> Arguments.of(path, signal)));
    }

    private static void in(Path path, BiConsumer<NDManager, Mask> test) {
        path.run(
                () -> {
                    try (NDManager manager = NDManager.newBaseManager()) {
                        test.accept(manager, new Mask(3));
                    }
                });
    }

    /** Two steps, a pruning of the second weight, a step, and a gradient that is only shown. */
    private static void live(TrainedTensor tensor, Mask mask, Signal.Watch watch) {
        step(tensor, watch, 1, -2, 3);
        step(tensor, watch, -1, -1, 2);
        watch.beforePruning(mask);
        mask.prune(1);
        tensor.applyMask(tensor.values());
        watch.afterPruning();
        step(tensor, watch, -3, 0, -2);
        // It is freed before the next pruning asks for what was made of it.
        try (NDManager batch = tensor.manager().newSubManager();
                NDArray gradient = batch.create(new float[] {.5f, 2, -1})) {
            watch.afterBackward(gradient);
        }
    }

    private static void step(TrainedTensor tensor, Signal.Watch watch, float... values) {
        try (NDManager step = tensor.manager().newSubManager();
                NDArray gradient = step.create(new float[] {.1f, -.2f, .3f})) {
            watch.beforeStep(gradient);
        }
        tensor.values().set(values);
        watch.afterStep();
        tensor.countStep();
    }

    @ParameterizedTest
    @MethodSource("signals")
    void aSnapshotTakesThePlaceOfWhatWasSeen(Path path, Signal signal) {
        in(
                path,
                (manager, mask) -> {
                    TrainedTensor tensor =
                            Trained.tensor(manager.create(new float[] {1, 1, 1}), mask);
                    Object nothing = signal.watch(tensor).snapshot();
                    Signal.Watch watch = signal.watch(tensor);
                    live(tensor, mask, watch);
                    Object seen = watch.snapshot();
                    Signal.Watch other = signal.watch(tensor);
                    live(tensor, mask, other);
                    step(tensor, other, 4, 0, 4);

                    other.restore(seen);
                    assertThat(other.snapshot()).usingRecursiveComparison().isEqualTo(seen);
                    int arrays = tensor.manager().getManagedArrays().size();
                    other.restore(seen);
                    assertThat(tensor.manager().getManagedArrays()).hasSize(arrays);
                    assertThat(other.snapshot()).usingRecursiveComparison().isEqualTo(seen);
                    other.restore(nothing);
                    assertThat(other.snapshot()).usingRecursiveComparison().isEqualTo(nothing);
                });
    }

    @ParameterizedTest
    @MethodSource("signals")
    void allIsFreedWithTheTensor(Path path, Signal signal) {
        in(
                path,
                (manager, mask) -> {
                    NDArray values = manager.create(new float[] {1, 1, 1});
                    int arrays = manager.getManagedArrays().size();
                    try (TrainedTensor tensor = Trained.tensor(values, mask)) {
                        live(tensor, mask, signal.watch(tensor));
                    }
                    assertThat(manager.getManagedArrays()).hasSize(arrays);
                });
    }

    @ParameterizedTest
    @MethodSource("signals")
    void pruningsLeaveNoArraysBehind(Path path, Signal signal) {
        in(
                path,
                (manager, mask) -> {
                    TrainedTensor tensor =
                            Trained.tensor(manager.create(new float[] {1, 1, 1}), mask);
                    Signal.Watch watch = signal.watch(tensor);
                    int[] arrays = new int[4];
                    for (int i = 0; i < arrays.length; i++) {
                        live(tensor, mask, watch);
                        arrays[i] = tensor.manager().getManagedArrays().size();
                    }
                    assertThat(arrays).containsOnly(arrays[0]);
                });
    }
}
