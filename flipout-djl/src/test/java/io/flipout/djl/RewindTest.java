package io.flipout.djl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.nn.core.Linear;
import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.EasyTrain;
import ai.djl.training.Trainer;
import ai.djl.training.listener.TrainingListener;
import ai.djl.training.listener.TrainingListenerAdapter;
import ai.djl.training.loss.Loss;
import ai.djl.training.optimizer.Optimizer;
import ai.djl.training.tracker.Tracker;
import io.flipout.djl.training.Milestones;
import io.flipout.djl.training.Sgd;
import io.flipout.mask.BlockPaths;
import io.flipout.mask.Mask;
import io.flipout.mask.ParameterInfo;
import io.flipout.method.LotteryTicket;
import io.flipout.method.PruningMethod;
import io.flipout.schedule.PruningEvent.Unit;
import io.flipout.schedule.Schedule;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Going back to an early step after each pruning, as the lottery ticket does. */
class RewindTest {

    private static final int EPOCHS = 2;

    private static PruningMethod lottery(long step) {
        return LotteryTicket.builder().optRewindStep(step).build();
    }

    private static Pruner pruner(PruningMethod method, Schedule schedule) {
        return Pruner.builder().setMethod(method).setSchedule(schedule).build();
    }

    /** Copies all parameters, running statistics included. */
    private static Map<String, float[]> state(Block block) {
        Map<String, float[]> state = new LinkedHashMap<>();
        BlockPaths.parameters(block)
                .forEach((path, p) -> state.put(path, p.getArray().toFloatArray()));
        return state;
    }

    private static void assertSame(Map<String, float[]> one, Map<String, float[]> two) {
        assertThat(one.keySet()).isEqualTo(two.keySet());
        one.forEach((path, values) -> assertThat(values).as(path).isEqualTo(two.get(path)));
    }

    /** θ₀ = 1 −2 .5 and θ = .1 −3 .6 at the end: the first goes, the others go back. */
    @ParameterizedTest
    @EnumSource(Path.class)
    void theLeastOfTheTrainedWeightsGoesAndTheInitialOnesOfTheOthersComeBack(Path path) {
        path.run(
                () -> {
                    Pruner pruner = pruner(lottery(0), Schedule.oneShot(1 / 3d, Unit.EPOCH, 1));
                    try (Model model = Model.newInstance("row")) {
                        model.setBlock(Linear.builder().setUnits(1).optBias(false).build());
                        DefaultTrainingConfig config =
                                new DefaultTrainingConfig(Loss.l2Loss())
                                        .optOptimizer(pruner.wrap(TinyTraining.sgd()))
                                        .addTrainingListeners(pruner.listener());
                        try (Trainer trainer = model.newTrainer(config)) {
                            trainer.initialize(new Shape(1, 3));
                            NDArray weight = model.getBlock().getParameters().valueAt(0).getArray();
                            weight.set(new float[] {1, -2, .5f});
                            trainer.notifyListeners(l -> l.onTrainingBatch(trainer, null));
                            weight.set(new float[] {.1f, -3, .6f});
                            trainer.notifyListeners(l -> l.onEpoch(trainer));

                            assertThat(weight.toFloatArray()).containsExactly(0, -2, .5f);
                            Mask mask = pruner.masks().values().iterator().next();
                            assertThat(mask.bytes()).containsExactly(0, 1, 1);
                        }
                    }
                });
    }

    /**
     * A round of two epochs, a pruning, and another round: bit for bit the training of the ticket
     * alone, from the initialisation or from the first epoch on, with an optimizer of its own.
     */
    @ParameterizedTest
    @CsvSource({"DIRECT, 0", "DIRECT, 1", "ENGINE, 0", "ENGINE, 1"})
    void theLastRoundIsATrainingOfTheTicketAlone(Path path, int epoch) {
        path.run(
                () -> {
                    Map<String, byte[]> masks = new LinkedHashMap<>();
                    Map<String, float[]> found;
                    Pruner pruner =
                            pruner(
                                    lottery((long) epoch * TinyTraining.STEPS_PER_EPOCH),
                                    Schedule.toSparsity(.75).atRate(.75).inRoundsOf(EPOCHS));
                    try (TinyTraining tiny = new TinyTraining(1)) {
                        tiny.fit(pruner.wrap(TinyTraining.sgd()), 2 * EPOCHS, pruner.listener());
                        pruner.masks().forEach((name, mask) -> masks.put(name, mask.bytes()));
                        found = state(tiny.block());
                        assertThat(pruner.prunings()).isEqualTo(1);
                    }
                    Pruner alone =
                            pruner(new GivenMasks(masks), Schedule.oneShot(.75, Unit.EPOCH, epoch));
                    try (TinyTraining tiny = new TinyTraining(1)) {
                        if (epoch > 0) {
                            tiny.fit(alone.wrap(TinyTraining.sgd()), epoch, alone.listener());
                        }
                        tiny.prepared(
                                alone.wrap(TinyTraining.sgd()),
                                (trainer, data) -> {
                                    if (epoch == 0) {
                                        alone.pruneBeforeTraining(trainer, data, 1);
                                    }
                                    EasyTrain.fit(trainer, EPOCHS, data, null);
                                },
                                alone.listener());
                        assertSame(state(tiny.block()), found);
                    }
                });
    }

    /** Of a step within an epoch, in all rounds, by any optimizer. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void everyPruningGoesBackToTheSameStep(boolean ours) {
        int step = 3;
        Pruner pruner =
                pruner(lottery(step), Schedule.toSparsity(.75).atRate(.5).inRoundsOf(EPOCHS));
        List<Map<String, float[]>> beforeSteps = new ArrayList<>();
        List<Map<String, float[]>> afterEpochs = new ArrayList<>();
        try (TinyTraining tiny = new TinyTraining(1)) {
            TrainingListener record =
                    new TrainingListenerAdapter() {
                        @Override
                        public void onTrainingBatch(Trainer trainer, BatchData batchData) {
                            beforeSteps.add(tiny.weights());
                        }

                        @Override
                        public void onEpoch(Trainer trainer) {
                            afterEpochs.add(masked(pruner, tiny.weights()));
                        }
                    };
            Optimizer optimizer =
                    ours
                            ? TinyTraining.sgd()
                            : Optimizer.adam().optLearningRateTracker(Tracker.fixed(.05f)).build();
            tiny.fit(pruner.wrap(optimizer), 3 * EPOCHS, pruner.listener(), record);
        }
        assertThat(pruner.prunings()).isEqualTo(2);
        Map<String, float[]> saved = beforeSteps.get(step);
        assertSame(afterEpochs.get(3), masked(pruner, saved));
        assertThat(afterEpochs.get(0).get("01Linear.bias"))
                .isNotEqualTo(saved.get("01Linear.bias"));
        assertThat(afterEpochs.get(1).get("01Linear.bias")).isEqualTo(saved.get("01Linear.bias"));
    }

    /** The weights, 0 where they are pruned by now. */
    private static Map<String, float[]> masked(Pruner pruner, Map<String, float[]> weights) {
        Map<String, float[]> masked = new HashMap<>();
        weights.forEach((path, values) -> masked.put(path, values.clone()));
        pruner.masks()
                .forEach(
                        (path, mask) -> {
                            for (int i = 0; i < mask.size(); i++) {
                                if (!mask.isAlive(i)) {
                                    masked.get(path)[i] = 0;
                                }
                            }
                        });
        return masked;
    }

    @Test
    void theOptimizersStateIsCleared() {
        Pruner pruner = pruner(lottery(0), Schedule.oneShot(.5, Unit.EPOCH, 1));
        Sgd sgd = TinyTraining.sgd();
        try (TinyTraining tiny = new TinyTraining(1)) {
            TrainingListener check =
                    new TrainingListenerAdapter() {
                        @Override
                        public void onEpoch(Trainer trainer) {
                            for (ParameterInfo info : pruner.parameters()) {
                                NDArray weight = info.parameter().getArray();
                                for (NDArray v : sgd.state(info.parameter().getId(), weight)) {
                                    assertThat(v.toFloatArray()).as(info.path()).containsOnly(0f);
                                }
                            }
                        }
                    };
            tiny.fit(pruner.wrap(sgd), 1, pruner.listener(), check);
            assertThat(pruner.prunings()).isEqualTo(1);
        }
    }

    /** What a trainer was given counts as the beginning, and a second trainer remembers it. */
    @Test
    void aLoadedNetworkGoesBackToWhatWasLoadedThroughTwoTrainers() {
        Pruner pruner = pruner(lottery(0), Schedule.oneShot(.5, Unit.EPOCH, 2));
        try (TinyTraining tiny = new TinyTraining(1)) {
            tiny.fit(TinyTraining.sgd(), 1);
            Map<String, float[]> loaded = state(tiny.block());
            assertThat(loaded.get("02BatchNorm.runningMean")).doesNotContain(0f);
            tiny.fit(pruner.wrap(TinyTraining.sgd()), 1, pruner.listener());
            tiny.fit(pruner.wrap(TinyTraining.sgd()), 1, pruner.listener());
            assertThat(pruner.prunings()).isEqualTo(1);
            assertSame(state(tiny.block()), masked(pruner, loaded));
        }
    }

    /** Drives updates as DJL does with two devices. */
    @ParameterizedTest
    @EnumSource(Path.class)
    void allMirrorsGoBack(Path path) {
        path.run(
                () -> {
                    Pruner pruner = pruner(lottery(1), Schedule.oneShot(.5, Unit.STEP, 3));
                    Optimizer optimizer = pruner.wrap(TinyTraining.sgd());
                    Device[] devices = {Device.of("mirror", 0), Device.of("mirror", 1)};
                    try (TinyTraining tiny = new TinyTraining(1);
                            NDManager manager = NDManager.newBaseManager()) {
                        tiny.block().initialize(manager, DataType.FLOAT32, new Shape(8, 6));
                        DefaultTrainingConfig config =
                                new DefaultTrainingConfig(Loss.softmaxCrossEntropyLoss())
                                        .optOptimizer(optimizer)
                                        .optDevices(devices);
                        try (Trainer trainer = tiny.model.newTrainer(config)) {
                            TrainingListener listener = pruner.listener();
                            listener.onTrainingBegin(trainer);
                            Map<String, Parameter> parameters = BlockPaths.parameters(tiny.block());
                            parameters.values().removeIf(p -> !p.requiresGradient());
                            Map<String, NDArray> second = new LinkedHashMap<>();
                            parameters.forEach((n, p) -> second.put(n, p.getArray().duplicate()));
                            Map<String, float[]> saved = Map.of();
                            for (int step = 0; step < 3; step++) {
                                listener.onTrainingBatch(trainer, null);
                                saved = step == 1 ? tiny.weights() : saved;
                                parameters.forEach(
                                        (name, parameter) -> {
                                            NDArray own = parameter.getArray();
                                            NDArray gradient = manager.ones(own.getShape());
                                            String id = parameter.getId();
                                            optimizer.update(id, own, gradient);
                                            optimizer.update(id, second.get(name), gradient);
                                        });
                            }
                            assertThat(pruner.prunings()).isEqualTo(1);
                            Map<String, float[]> expected = masked(pruner, saved);
                            assertSame(tiny.weights(), expected);
                            second.forEach(
                                    (name, mirror) ->
                                            assertThat(mirror.toFloatArray())
                                                    .as(name)
                                                    .isEqualTo(expected.get(name)));
                        }
                    }
                });
    }

    @Test
    void aStepBeyondTheFirstPruningEndsInASentence() {
        Pruner pruner = pruner(lottery(5), Schedule.oneShot(.5, Unit.EPOCH, 1));
        try (TinyTraining tiny = new TinyTraining(1)) {
            assertThatThrownBy(
                            () -> tiny.fit(pruner.wrap(TinyTraining.sgd()), 2, pruner.listener()))
                    .hasMessage(
                            "The network is to go back to step 5, but the first pruning comes after"
                                    + " 4 steps: rewind to an earlier step or prune later.");
        }
        assertThatThrownBy(() -> lottery(-1))
                .hasMessageContaining("must be at least 0, the initialisation; got -1");
    }

    /** Rates 1 and .1 of a round of four steps, later rounds from the second step on. */
    @Test
    void learningRatesStartAnewInEveryRound() {
        Tracker rates = new Milestones(1, .1f, 2).inRounds(4, 0);
        Tracker late = new Milestones(1, .1f, 2).inRounds(4, 1);
        List<Float> seen = new ArrayList<>();
        List<Float> seenLate = new ArrayList<>();
        for (int step = 1; step <= 9; step++) {
            seen.add(rates.getNewValue(step));
            seenLate.add(late.getNewValue(step));
        }
        assertThat(seen).containsExactly(1f, 1f, .1f, .1f, 1f, 1f, .1f, .1f, 1f);
        assertThat(seenLate).containsExactly(1f, 1f, .1f, .1f, 1f, .1f, .1f, .1f, 1f);
    }
}
