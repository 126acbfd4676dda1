package io.flipout.djl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.nn.Block;
import ai.djl.training.EasyTrain;
import ai.djl.training.Trainer;
import ai.djl.training.listener.TrainingListenerAdapter;
import ai.djl.training.tracker.ParameterTracker;
import io.flipout.djl.training.Sgd;
import io.flipout.mask.Mask;
import io.flipout.mask.WeightSelector;
import io.flipout.method.DeepR;
import io.flipout.method.FlipOut;
import io.flipout.method.GlobalMagnitude;
import io.flipout.method.PruningMethod;
import io.flipout.schedule.PruningEvent.Unit;
import io.flipout.schedule.Schedule;
import io.flipout.signal.SignFlips;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Parameters that are frozen or unfrozen while the training goes on. */
class FreezingTest {

    private static final String FIRST = "01Linear.weight";
    private static final String LAST = "04Linear.weight";

    private static Pruner pruner(PruningMethod method, Schedule schedule) {
        return Pruner.builder().setMethod(method).setSchedule(schedule).build();
    }

    private static Map<String, Integer> alive(Pruner pruner) {
        Map<String, Integer> alive = new HashMap<>();
        pruner.masks().forEach((path, mask) -> alive.put(path, mask.remaining()));
        return alive;
    }

    private static long total(Pruner pruner) {
        return pruner.masks().values().stream().mapToLong(Mask::remaining).sum();
    }

    private static Block first(TinyTraining tiny) {
        return tiny.block().getChildren().valueAt(0);
    }

    private static Block last(TinyTraining tiny) {
        return tiny.block().getChildren().valueAt(3);
    }

    /** Trains epoch by epoch, and does something after each. */
    private static void train(
            TinyTraining tiny, Pruner pruner, int epochs, Consumer<Integer> afterEpoch) {
        tiny.prepared(
                pruner.wrap(TinyTraining.sgd()),
                (trainer, data) -> {
                    for (int epoch = 1; epoch <= epochs; epoch++) {
                        EasyTrain.fit(trainer, 1, data, null);
                        afterEpoch.accept(epoch);
                    }
                },
                pruner.listener());
    }

    /** The head of 24 weights trains for an epoch, then all 72: half, and a quarter, are left. */
    @ParameterizedTest
    @EnumSource(Path.class)
    void whatIsUnfrozenLaterJoinsAndCountsAmongAll(Path path) {
        path.run(
                () -> {
                    Pruner pruner =
                            pruner(
                                    FlipOut.builder().build(),
                                    Schedule.toSparsity(.75).overEpochs(3));
                    List<Long> left = new ArrayList<>();
                    try (TinyTraining tiny = new TinyTraining(1)) {
                        first(tiny).freezeParameters(true);
                        train(
                                tiny,
                                pruner,
                                3,
                                epoch -> {
                                    left.add(total(pruner));
                                    first(tiny).freezeParameters(false);
                                });
                        assertThat(left).containsExactly(12L, 18L, 18L);
                        assertThat(pruner.masks()).containsOnlyKeys(FIRST, LAST);
                        assertThat(pruner.report().weights()).isEqualTo(72);
                        pruner.masks()
                                .forEach(
                                        (name, mask) -> {
                                            float[] values = tiny.weights().get(name);
                                            for (int i = 0; i < values.length; i++) {
                                                assertThat(values[i] == 0)
                                                        .isEqualTo(!mask.isAlive(i));
                                            }
                                        });
                    }
                });
    }

    /** Counts only grow while nothing is pruned, whatever joins. */
    @ParameterizedTest
    @EnumSource(Path.class)
    void whatWasSeenIsNotForgottenWhenOthersJoin(Path path) {
        path.run(
                () -> {
                    Pruner pruner = pruner(FlipOut.builder().build(), Schedule.none());
                    List<int[]> flips = new ArrayList<>();
                    try (TinyTraining tiny = new TinyTraining(1)) {
                        first(tiny).freezeParameters(true);
                        train(
                                tiny,
                                pruner,
                                4,
                                epoch -> {
                                    flips.add(flips(pruner));
                                    first(tiny).freezeParameters(false);
                                });
                    }
                    assertThat(IntStream.of(flips.get(0)).sum()).isPositive();
                    for (int epoch = 1; epoch < flips.size(); epoch++) {
                        for (int i = 0; i < flips.get(epoch).length; i++) {
                            assertThat(flips.get(epoch)[i])
                                    .isGreaterThanOrEqualTo(flips.get(epoch - 1)[i]);
                        }
                    }
                });
    }

    private static int[] flips(Pruner pruner) {
        return pruner.watches(LAST).stream()
                .map(watch -> ((SignFlips.Counts) watch).flips().clone())
                .findFirst()
                .orElseThrow();
    }

    @Test
    void aHeadThatIsFrozenWhileTheRestIsUnfrozenKeepsItsWeights() {
        Pruner pruner =
                pruner(GlobalMagnitude.builder().build(), Schedule.toSparsity(.75).overEpochs(3));
        try (TinyTraining tiny = new TinyTraining(1)) {
            first(tiny).freezeParameters(true);
            train(
                    tiny,
                    pruner,
                    3,
                    epoch -> {
                        first(tiny).freezeParameters(epoch == 0);
                        last(tiny).freezeParameters(epoch > 0);
                    });
        }
        assertThat(alive(pruner)).containsEntry(LAST, 12).containsEntry(FIRST, 6);
    }

    /** The first layer keeps what it has after one epoch; the whole is as sparse as planned. */
    @Test
    void whatIsFrozenLaterIsPrunedNoMore() {
        Pruner pruner =
                pruner(GlobalMagnitude.builder().build(), Schedule.toSparsity(.5).overEpochs(4));
        Map<String, Integer> before = new HashMap<>();
        Map<String, float[]> frozen = new HashMap<>();
        try (TinyTraining tiny = new TinyTraining(1)) {
            train(
                    tiny,
                    pruner,
                    4,
                    epoch -> {
                        if (epoch == 1) {
                            before.putAll(alive(pruner));
                            frozen.putAll(tiny.weights());
                            last(tiny).freezeParameters(true);
                        }
                    });
            assertThat(
                            tiny.block()
                                    .getParameters()
                                    .get("04Linear_weight")
                                    .getArray()
                                    .toFloatArray())
                    .isEqualTo(frozen.get(LAST));
        }
        assertThat(total(pruner)).isEqualTo(36);
        assertThat(alive(pruner)).containsEntry(LAST, before.get(LAST));
    }

    @Test
    void moreThanIsToBeLeftCannotBeFrozen() {
        Pruner pruner =
                pruner(GlobalMagnitude.builder().build(), Schedule.oneShot(.9, Unit.EPOCH, 2));
        try (TinyTraining tiny = new TinyTraining(1)) {
            assertThatThrownBy(
                            () ->
                                    train(
                                            tiny,
                                            pruner,
                                            3,
                                            epoch -> last(tiny).freezeParameters(true)))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("frozen have 24 weights, and 7 are to be left");
        }
    }

    /** Of four steps an epoch, the pruning after step 6 comes before the seventh. */
    @Test
    void stepsAreCountedRightlyWhenALayerIsFrozenMeanwhile() {
        Pruner pruner =
                pruner(GlobalMagnitude.builder().build(), Schedule.oneShot(.5, Unit.STEP, 6));
        List<Long> atBatch = new ArrayList<>();
        try (TinyTraining tiny = new TinyTraining(1)) {
            TrainingListenerAdapter count =
                    new TrainingListenerAdapter() {
                        @Override
                        public void onTrainingBatch(Trainer trainer, BatchData data) {
                            atBatch.add(total(pruner));
                            last(tiny).freezeParameters(atBatch.size() >= 3);
                        }
                    };
            tiny.fit(pruner.wrap(TinyTraining.sgd()), 2, pruner.listener(), count);
        }
        assertThat(atBatch).containsExactly(72L, 72L, 72L, 72L, 72L, 72L, 36L, 36L);
    }

    @Test
    void aMethodThatRewiresRefusesWhatIsUnfrozenLater() {
        Pruner pruner = pruner(DeepR.builder().build(), Schedule.oneShot(.5, Unit.STEP, 0));
        try (TinyTraining tiny = new TinyTraining(1)) {
            first(tiny).freezeParameters(true);
            assertThatThrownBy(
                            () ->
                                    train(
                                            tiny,
                                            pruner,
                                            3,
                                            epoch -> first(tiny).freezeParameters(false)))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("unfreeze them before the trainer is made");
        }
    }

    /** Patterns may name what is frozen yet, if something else is there. */
    @Test
    void whatIsLeftOutStaysLeftOutWhenItIsUnfrozen() {
        Pruner pruner =
                Pruner.builder()
                        .setMethod(GlobalMagnitude.builder().build())
                        .setSchedule(Schedule.toSparsity(.75).overEpochs(3))
                        .optWeights(WeightSelector.builder().optInclude("04*").build())
                        .build();
        try (TinyTraining tiny = new TinyTraining(1)) {
            first(tiny).freezeParameters(true);
            train(tiny, pruner, 3, epoch -> first(tiny).freezeParameters(false));
        }
        assertThat(alive(pruner)).containsOnlyKeys(LAST).containsEntry(LAST, 6);
    }

    /** Three epochs of four steps: joined after one, or frozen meanwhile, it is at step 12 too. */
    @Test
    void theLearningRateOfWhatJoinsIsThatOfTheOthers() {
        Map<String, Integer> last = new HashMap<>();
        ParameterTracker tracker =
                (parameter, step) -> {
                    last.put(parameter, step);
                    return .1f;
                };
        Sgd sgd = Sgd.builder().setLearningRateTracker(tracker).optMomentum(.9f).build();
        Pruner pruner = pruner(FlipOut.builder().build(), Schedule.toSparsity(.75).overEpochs(3));
        try (TinyTraining tiny = new TinyTraining(1)) {
            first(tiny).freezeParameters(true);
            tiny.prepared(
                    pruner.wrap(sgd),
                    (trainer, data) -> {
                        EasyTrain.fit(trainer, 1, data, null);
                        first(tiny).freezeParameters(false);
                        last(tiny).freezeParameters(true);
                        EasyTrain.fit(trainer, 1, data, null);
                        last(tiny).freezeParameters(false);
                        EasyTrain.fit(trainer, 1, data, null);
                    },
                    pruner.listener());
        }
        assertThat(last).hasSize(6);
        assertThat(last.values()).containsOnly(12);
    }
}
