package io.flipout.djl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.Device;
import ai.djl.metric.Metrics;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.EasyTrain;
import ai.djl.training.GradientCollector;
import ai.djl.training.Trainer;
import ai.djl.training.dataset.Batch;
import ai.djl.training.dataset.Dataset;
import ai.djl.training.listener.EvaluatorTrainingListener;
import ai.djl.training.listener.TrainingListener;
import ai.djl.training.listener.TrainingListenerAdapter;
import ai.djl.training.loss.Loss;
import ai.djl.training.optimizer.Optimizer;
import ai.djl.translate.TranslateException;
import io.flipout.mask.Mask;
import io.flipout.method.FlipOut;
import io.flipout.method.GlobalMagnitude;
import io.flipout.method.LotteryTicket;
import io.flipout.method.PruningMethod;
import io.flipout.schedule.PruningEvent.Unit;
import io.flipout.schedule.Schedule;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** How a pruner becomes part of a training, and what is said where it does so by half. */
class AttachmentTest {

    private static final String NOT_WRAPPED =
            "The pruner listens to a training whose optimizer it does not wrap";

    private static Pruner pruner(PruningMethod method, Schedule schedule) {
        return Pruner.builder().setMethod(method).setSchedule(schedule).build();
    }

    private static Pruner pruner() {
        return pruner(GlobalMagnitude.builder().build(), Schedule.toSparsity(.75).overEpochs(3));
    }

    private static long alive(Pruner pruner) {
        return pruner.masks().values().stream().mapToLong(Mask::remaining).sum();
    }

    private static DefaultTrainingConfig config() {
        return new DefaultTrainingConfig(Loss.softmaxCrossEntropyLoss());
    }

    @Test
    void attachingIsWrappingAndListening() {
        Pruner attached = pruner(FlipOut.builder().build(), Schedule.toSparsity(.75).overEpochs(3));
        Pruner byHand = pruner(FlipOut.builder().build(), Schedule.toSparsity(.75).overEpochs(3));
        Map<String, float[]> weights;
        try (TinyTraining tiny = new TinyTraining(1)) {
            DefaultTrainingConfig config = config();
            assertThat(attached.attach(config, TinyTraining.sgd())).isSameAs(config);
            tiny.prepared(config, (trainer, data) -> EasyTrain.fit(trainer, 3, data, data));
            weights = tiny.weights();
        }
        assertThat(alive(attached)).isEqualTo(18);
        try (TinyTraining tiny = new TinyTraining(1)) {
            tiny.fit(byHand.wrap(TinyTraining.sgd()), 3, byHand.listener());
            tiny.weights()
                    .forEach((path, values) -> assertThat(weights.get(path)).isEqualTo(values));
        }
    }

    @Test
    void aListenerWithoutAWrappedOptimizerIsRefusedWhenTheTrainerIsMade() {
        Pruner pruner = pruner();
        try (TinyTraining tiny = new TinyTraining(1)) {
            assertThatThrownBy(() -> tiny.fit(TinyTraining.sgd(), 3, pruner.listener()))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageStartingWith(NOT_WRAPPED);
        }
    }

    @Test
    void aTrainerWhoseOptimizerIsNotTheWrappedOneIsToldAtTheSecondBatch() {
        Pruner pruner = pruner();
        pruner.wrap(TinyTraining.sgd()); // And forgotten.
        int[] batches = new int[1];
        TrainingListener count =
                new TrainingListenerAdapter() {
                    @Override
                    public void onTrainingBatch(Trainer trainer, BatchData data) {
                        batches[0]++;
                    }
                };
        try (TinyTraining tiny = new TinyTraining(1)) {
            assertThatThrownBy(() -> tiny.fit(TinyTraining.sgd(), 3, count, pruner.listener()))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageStartingWith(NOT_WRAPPED);
        }
        assertThat(batches[0]).isEqualTo(2);
    }

    @Test
    void aTrainerThatTellsOfNoBatchesIsToldAtTheSecondEpoch() {
        Pruner pruner = pruner();
        pruner.wrap(TinyTraining.sgd());
        try (TinyTraining tiny = new TinyTraining(1)) {
            assertThatThrownBy(
                            () ->
                                    tiny.prepared(
                                            TinyTraining.sgd(),
                                            (trainer, data) -> ownLoop(trainer, data, 2, true),
                                            pruner.listener()))
                    .hasMessageStartingWith(NOT_WRAPPED);
        }
    }

    @Test
    void theOptimizerOfAnotherPrunerIsNotItsOwn() {
        Pruner one = pruner();
        Pruner other = pruner();
        one.wrap(TinyTraining.sgd());
        try (TinyTraining tiny = new TinyTraining(1)) {
            Optimizer wrapped = other.wrap(TinyTraining.sgd());
            assertThatThrownBy(() -> tiny.fit(wrapped, 3, one.listener()))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("pruner.attach(config, optimizer)");
        }
        // The other has pruned this network before, and knows its parameters.
        try (TinyTraining tiny = new TinyTraining(1)) {
            Pruner known = pruner();
            Pruner second = pruner();
            second.wrap(TinyTraining.sgd());
            tiny.fit(known.wrap(TinyTraining.sgd()), 3, known.listener());
            Optimizer wrapped = known.wrap(TinyTraining.sgd());
            assertThatThrownBy(() -> tiny.fit(wrapped, 3, second.listener()))
                    .hasMessageContaining("pruner.attach(config, optimizer)");
        }
    }

    /** Two batches make a step: the weights have not changed at the second, nobody is blamed. */
    @Test
    void gatheringGradientsOfSeveralBatchesIsNoFault() {
        Pruner pruner =
                pruner(GlobalMagnitude.builder().build(), Schedule.oneShot(.5, Unit.STEP, 2));
        try (TinyTraining tiny = new TinyTraining(1)) {
            tiny.prepared(
                    pruner.wrap(TinyTraining.sgd()),
                    (trainer, data) -> {
                        int batches = 0;
                        for (Batch batch : trainer.iterateDataset(data)) {
                            EasyTrain.trainBatch(trainer, batch);
                            if (++batches % 2 == 0) {
                                trainer.step();
                            }
                            batch.close();
                        }
                        trainer.notifyListeners(listener -> listener.onEpoch(trainer));
                    },
                    pruner.listener());
        }
        assertThat(alive(pruner)).isEqualTo(36);
    }

    @Test
    void theListenerComesOnce() {
        Pruner pruner = pruner();
        try (TinyTraining tiny = new TinyTraining(1)) {
            TrainingListener listener = pruner.listener();
            Optimizer wrapped = pruner.wrap(TinyTraining.sgd());
            assertThatThrownBy(() -> tiny.fit(wrapped, 3, listener, pruner.listener()))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageStartingWith("The pruner's listener has been added twice");
        }
        DefaultTrainingConfig config = config().addTrainingListeners(pruner.listener());
        assertThatThrownBy(() -> pruner.attach(config, TinyTraining.sgd()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("has the pruner's listener already");
    }

    @Test
    void anOptimizerIsWrappedOnce() {
        Pruner pruner = pruner();
        Optimizer wrapped = pruner.wrap(TinyTraining.sgd());
        assertThatThrownBy(() -> pruner.wrap(wrapped))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("The pruner wraps this optimizer already");
        Optimizer between = pruner().wrap(wrapped);
        assertThatThrownBy(() -> pruner.attach(config(), between))
                .hasMessageStartingWith("The pruner wraps this optimizer already");
        assertThatThrownBy(() -> pruner.wrap(null)).hasMessageContaining("must not be null");
        assertThatThrownBy(() -> pruner.attach(config(), null)).hasMessageContaining("null");
        assertThatThrownBy(() -> pruner.attach(null, TinyTraining.sgd()))
                .hasMessageContaining("must not be null");
    }

    @Test
    void aSecondTrainerWithoutTheListenerIsRefusedAtItsFirstStep() {
        Pruner pruner = pruner();
        try (TinyTraining tiny = new TinyTraining(1)) {
            tiny.fit(pruner.wrap(TinyTraining.sgd()), 1, pruner.listener());
            assertThatThrownBy(() -> tiny.fit(pruner.wrap(TinyTraining.sgd()), 1))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("addTrainingListeners(pruner.listener())");
        }
    }

    @Test
    void aTrainerThatClosesLateDoesNotEndTheNext() {
        Pruner pruner = pruner();
        try (TinyTraining tiny = new TinyTraining(1)) {
            tiny.prepared(
                    pruner.wrap(TinyTraining.sgd()),
                    (first, data) -> {
                        EasyTrain.fit(first, 1, data, null);
                        DefaultTrainingConfig config = pruner.attach(config(), TinyTraining.sgd());
                        try (Trainer second = tiny.model.newTrainer(config)) {
                            second.initialize(new Shape(8, 6));
                            first.notifyListeners(listener -> listener.onTrainingEnd(first));
                            EasyTrain.fit(second, 2, data, null);
                        }
                    },
                    pruner.listener());
        }
        assertThat(alive(pruner)).isEqualTo(18);
    }

    /** A loop as users write them, which tells nobody of batches. */
    private static void ownLoop(Trainer trainer, Dataset data, int epochs, boolean tells)
            throws IOException, TranslateException {
        for (int epoch = 0; epoch < epochs; epoch++) {
            for (Batch batch : trainer.iterateDataset(data)) {
                try (batch;
                        GradientCollector collector = trainer.newGradientCollector()) {
                    Batch moved = batch.split(new Device[] {Device.cpu()}, false)[0];
                    NDList predicted = trainer.forward(moved.getData());
                    NDArray loss = trainer.getLoss().evaluate(moved.getLabels(), predicted);
                    collector.backward(loss);
                }
                trainer.step();
            }
            if (tells) {
                trainer.notifyListeners(listener -> listener.onEpoch(trainer));
            }
        }
    }

    private static Map<String, float[]> trainByOwnLoop(Pruner pruner, int epochs, boolean tells) {
        try (TinyTraining tiny = new TinyTraining(1)) {
            tiny.prepared(
                    pruner.wrap(TinyTraining.sgd()),
                    (trainer, data) -> ownLoop(trainer, data, epochs, tells),
                    pruner.listener());
            return tiny.weights();
        }
    }

    @Test
    void aLoopThatTellsOfNoBatchesTrainsAsOneThatDoes() {
        for (PruningMethod method :
                List.of(
                        FlipOut.builder().build(),
                        LotteryTicket.builder().build(),
                        LotteryTicket.builder().optRewindStep(3).build())) {
            Schedule schedule = Schedule.toSparsity(.75).inRoundsOf(2);
            Pruner told = pruner(method, schedule);
            Map<String, float[]> expected;
            try (TinyTraining tiny = new TinyTraining(1)) {
                tiny.fit(told.wrap(TinyTraining.sgd()), 6, told.listener());
                expected = tiny.weights();
            }
            Pruner untold = pruner(method, schedule);
            Map<String, float[]> found = trainByOwnLoop(untold, 6, true);

            assertThat(alive(untold)).as(method.name()).isEqualTo(18);
            assertThat(found.keySet()).isEqualTo(expected.keySet());
            expected.forEach((path, values) -> assertThat(found.get(path)).isEqualTo(values));
        }
    }

    @Test
    void withoutNewsOfBatchesPruningBeforeTrainingComesBeforeTheFirstStep() {
        List<Integer> zerosAtStep = new ArrayList<>();
        Pruner pruner =
                pruner(GlobalMagnitude.builder().build(), Schedule.oneShot(.5, Unit.EPOCH, 0));
        Optimizer looking =
                new Looking(
                        weight -> {
                            int zeros = 0;
                            for (float value : weight.toFloatArray()) {
                                zeros += value == 0 ? 1 : 0;
                            }
                            if (weight.getShape().dimension() == 2) {
                                zerosAtStep.add(zeros);
                            }
                        });
        try (TinyTraining tiny = new TinyTraining(1)) {
            tiny.prepared(
                    pruner.wrap(looking),
                    (trainer, data) -> ownLoop(trainer, data, 1, true),
                    pruner.listener());
        }
        assertThat(zerosAtStep.get(0) + zerosAtStep.get(1)).isEqualTo(36);
    }

    /** An optimizer that looks at what it is given, and leaves it as it is. */
    private static final class Looking extends Optimizer {

        private final Consumer<NDArray> look;

        Looking(Consumer<NDArray> look) {
            super(new Settings());
            this.look = look;
        }

        @Override
        public void update(String parameterId, NDArray weight, NDArray grad) {
            look.accept(weight);
        }

        private static final class Settings extends OptimizerBuilder<Settings> {
            @Override
            protected Settings self() {
                return this;
            }
        }
    }

    @Test
    void aLoopThatTellsOfNoEpochsIsToldAtTheEndWhichCallIsMissing() {
        Pruner pruner = pruner();
        List<String> warnings = Warnings.of(() -> trainByOwnLoop(pruner, 3, false));

        assertThat(alive(pruner)).isEqualTo(72);
        assertThat(warnings)
                .filteredOn(line -> line.contains("The training has ended"))
                .singleElement()
                .asString()
                .contains("after 0 epochs and 12 steps with 0 of 2 prunings done")
                .contains("72 of 72 weights are left, where the schedule ends with 18")
                .contains("trainer.notifyListeners(listener -> listener.onEpoch(trainer))");
    }

    @Test
    void aTrainingThatEndsEarlySaysWhatIsMissing() {
        Pruner pruner = pruner();
        List<String> warnings =
                Warnings.of(
                        () -> {
                            try (TinyTraining tiny = new TinyTraining(1)) {
                                tiny.fit(pruner.wrap(TinyTraining.sgd()), 1, pruner.listener());
                            }
                        });

        assertThat(warnings)
                .filteredOn(line -> line.contains("The training has ended"))
                .singleElement()
                .asString()
                .contains("after 1 epoch and 4 steps with 1 of 2 prunings done")
                .contains("The next was to come after epoch 2");
    }

    @Test
    void aTrainingThatIsSavedOrCompleteEndsWithoutAWord(@TempDir java.nio.file.Path folder) {
        Pruner saved = pruner();
        Pruner complete = pruner();
        List<String> warnings =
                Warnings.of(
                        () -> {
                            try (TinyTraining tiny = new TinyTraining(1)) {
                                tiny.prepared(
                                        saved.wrap(TinyTraining.sgd()),
                                        (trainer, data) -> {
                                            EasyTrain.fit(trainer, 1, data, null);
                                            saved.save(folder.resolve("state"), Map.of());
                                        },
                                        saved.listener());
                            }
                            try (TinyTraining tiny = new TinyTraining(1)) {
                                tiny.fit(complete.wrap(TinyTraining.sgd()), 3, complete.listener());
                            }
                        });

        assertThat(warnings).noneMatch(line -> line.contains("The training has ended"));
    }

    @Test
    void djlsOwnLogShowsTheSparsity() {
        Pruner pruner = pruner();
        Metrics metrics = new Metrics();
        try (TinyTraining tiny = new TinyTraining(1)) {
            tiny.prepared(
                    pruner.wrap(TinyTraining.sgd()),
                    (trainer, data) -> {
                        trainer.setMetrics(metrics);
                        EasyTrain.fit(trainer, 3, data, data);
                    },
                    new EvaluatorTrainingListener(),
                    pruner.listener());
        }
        // Before each epoch's pruning: of the network that was scored.
        assertThat(metrics.getMetric("train_epoch_Sparsity%"))
                .extracting(metric -> metric.getValue().doubleValue())
                .containsExactly(0., 50., 75.);
        assertThat(metrics.getMetric("sparsity"))
                .extracting(metric -> metric.getValue().doubleValue())
                .containsExactly(.5, .75, .75);
    }

    @Test
    void spinningThreadsAreAdvisedAgainstWhereTheyDisturb() {
        assertThat(PassiveWaiting.isAdvisable(Device.cpu(), Map.of(), 2)).isTrue();
        assertThat(PassiveWaiting.isAdvisable(Device.cpu(), Map.of(), 1)).isFalse();
        assertThat(PassiveWaiting.isAdvisable(Device.gpu(), Map.of(), 2)).isFalse();
        for (String variable : List.of("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")) {
            assertThat(PassiveWaiting.isAdvisable(Device.cpu(), Map.of(variable, "active"), 2))
                    .isFalse();
        }
    }
}
