package io.flipout.djl.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.core.Linear;
import ai.djl.nn.norm.Dropout;
import ai.djl.training.ParameterStore;
import ai.djl.training.Trainer;
import ai.djl.training.dataset.ArrayDataset;
import ai.djl.training.listener.TrainingListener;
import ai.djl.training.listener.TrainingListenerAdapter;
import io.flipout.djl.Pruner;
import io.flipout.djl.TinyTraining;
import io.flipout.method.FlipOut;
import io.flipout.schedule.Schedule;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class TrainingLoopTest {

    private static Pruner pruner(int epochs) {
        return Pruner.builder()
                .setMethod(FlipOut.builder().build())
                .setSchedule(Schedule.toSparsity(0.75).overEpochs(epochs))
                .build();
    }

    @Test
    void itTrainsAsDjlsOwnLoopDoes() {
        Map<String, float[]> own;
        try (TinyTraining training = new TinyTraining(3)) {
            Pruner pruner = pruner(6);
            training.loop(pruner.wrap(TinyTraining.sgd()), 6, pruner.listener());
            own = training.weights();
        }
        try (TinyTraining training = new TinyTraining(3)) {
            Pruner pruner = pruner(6);
            training.fit(pruner.wrap(TinyTraining.sgd()), 6, pruner.listener());
            training.weights()
                    .forEach(
                            (path, weights) ->
                                    assertThat(own.get(path)).as(path).isEqualTo(weights));
        }
    }

    /** Dropout is drawn by the engine, whose generator no checkpoint can keep. */
    @Test
    void whatTheEngineDrawsIsThatOfTheSeedAndTheStep() {
        float[] first = dropout(1, 5L);
        assertThat(dropout(2, 5L)).isEqualTo(first);
        assertThat(dropout(1, 6L)).isNotEqualTo(first);
        assertThat(dropout(2, null)).isNotEqualTo(dropout(1, null));
    }

    /** Trains a network with dropout, the engine's generator being where a number puts it. */
    private static float[] dropout(int generator, Long seed) {
        try (TinyTraining training = new TinyTraining(3)) {
            training.model.setBlock(
                    new SequentialBlock()
                            .add(Linear.builder().setUnits(8).build())
                            .add(Activation::relu)
                            .add(Dropout.builder().optRate(.5f).build())
                            .add(Linear.builder().setUnits(3).build()));
            training.prepared(
                    TinyTraining.sgd(),
                    (trainer, data) -> {
                        Engine.getInstance().setRandomSeed(generator);
                        TrainingLoop.Builder loop =
                                TrainingLoop.builder()
                                        .setTrainer(trainer)
                                        .setEpochs(2)
                                        .setTrain(data);
                        if (seed != null) {
                            loop.optSeed(seed);
                        }
                        loop.build().run();
                    });
            return training.weights().values().iterator().next();
        }
    }

    @Test
    void theLastScoreIsThatOfTheNetworkItLeaves() {
        try (TinyTraining training = new TinyTraining(3);
                NDManager manager = NDManager.newBaseManager()) {
            List<EpochResult> results = training.loop(TinyTraining.sgd(), 5);
            assertThat(results).extracting(EpochResult::epoch).containsExactly(1, 2, 3, 4, 5);
            Score test = results.get(4).test().orElseThrow();
            var data = TinyTraining.data(manager);
            int hits = 0;
            double loss = 0;
            for (int i = 0; i < 32; i++) {
                var record = data.get(manager, i);
                NDArray outputs =
                        training.block()
                                .forward(
                                        new ParameterStore(manager, false),
                                        new NDList(record.getData().head().expandDims(0)),
                                        false)
                                .head();
                int label = (int) record.getLabels().head().getFloat();
                hits += outputs.argMax(1).getLong() == label ? 1 : 0;
                loss -= outputs.logSoftmax(1).getFloat(0, label);
            }
            assertThat(test.images()).isEqualTo(32);
            assertThat(test.accuracy()).isEqualTo(hits / 32.0);
            assertThat(test.loss()).isCloseTo(loss / 32, within(1e-5));
            assertThat(results.get(0).train().loss()).isGreaterThan(results.get(4).train().loss());
            assertThat(results.get(0).validation()).isEmpty();
        }
    }

    @Test
    void aLossThatIsNoNumberStopsItAndSaysWhere() {
        try (TinyTraining training = new TinyTraining(3)) {
            assertThatThrownBy(() -> training.loop(TinyTraining.sgd(1e30f), 5))
                    .isInstanceOf(DivergedException.class)
                    .hasMessageContaining("at step 2 of epoch 1")
                    .extracting(e -> ((DivergedException) e).step())
                    .isEqualTo(2);
        }
    }

    @Test
    void listenersHearOfBatchesBeforeTheStepAndOfTheEpochAfterTheEvaluation() {
        List<String> heard = new ArrayList<>();
        TrainingListener listener =
                new TrainingListenerAdapter() {
                    @Override
                    public void onTrainingBatch(Trainer trainer, BatchData batchData) {
                        heard.add("batch");
                    }

                    @Override
                    public void onEpoch(Trainer trainer) {
                        heard.add("epoch");
                    }
                };
        try (TinyTraining training = new TinyTraining(3)) {
            training.loop(TinyTraining.sgd(), 2, listener);
        }
        assertThat(heard)
                .containsExactly(
                        "batch", "batch", "batch", "batch", "epoch", "batch", "batch", "batch",
                        "batch", "epoch");
    }

    @Test
    void thousandsOfStepsLeaveNoArraysBehind() {
        List<Integer> alive = new ArrayList<>();
        TrainingListener counter =
                new TrainingListenerAdapter() {
                    @Override
                    public void onEpoch(Trainer trainer) {
                        alive.add(trainer.getModel().getNDManager().getManagedArrays().size());
                    }
                };
        try (TinyTraining training = new TinyTraining(3)) {
            Pruner pruner = pruner(600);
            training.loop(pruner.wrap(TinyTraining.sgd()), 600, pruner.listener(), counter);
        }
        // The first epochs make the state, a pruning the copies of masks.
        assertThat(alive.get(599)).isEqualTo(alive.get(450));
    }

    @Test
    void whatIsMissingIsSaid() {
        assertThatThrownBy(() -> TrainingLoop.builder().build()).hasMessageContaining("setTrainer");
    }

    /** Nine samples by fours, and batch normalisation of single values. */
    @Test
    void aLastSampleThatBatchNormalisationCannotTrainOnIsLeftOut() {
        try (TinyTraining training = new TinyTraining(3);
                NDManager manager = NDManager.newBaseManager()) {
            List<EpochResult> results = new ArrayList<>();
            int[] steps = new int[1];
            TrainingListener count =
                    new TrainingListenerAdapter() {
                        @Override
                        public void onTrainingBatch(Trainer trainer, BatchData batchData) {
                            steps[0]++;
                        }
                    };
            training.prepared(
                    TinyTraining.sgd(),
                    (trainer, data) ->
                            results.addAll(
                                    TrainingLoop.builder()
                                            .setTrainer(trainer)
                                            .setEpochs(2)
                                            .setTrain(samples(manager, 9, 4))
                                            .optTest(samples(manager, 9, 4))
                                            .build()
                                            .run()),
                    count);
            assertThat(steps[0]).isEqualTo(4);
            assertThat(results).hasSize(2);
            training.weights().values().forEach(w -> assertThat(w).doesNotContain(Float.NaN));
            assertThat(results.get(1).test().orElseThrow().loss()).isFinite();

            assertThatThrownBy(
                            () ->
                                    training.prepared(
                                            TinyTraining.sgd(),
                                            (trainer, data) ->
                                                    TrainingLoop.builder()
                                                            .setTrainer(trainer)
                                                            .setEpochs(2)
                                                            .setTrain(samples(manager, 9, 1))
                                                            .build()
                                                            .run()))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("batch of 1 has no more: make batches larger");
        }
    }

    private static ArrayDataset samples(NDManager manager, int count, int batchSize) {
        return new ArrayDataset.Builder()
                .setData(manager.randomNormal(new Shape(count, 6)))
                .optLabels(manager.zeros(new Shape(count)))
                .setSampling(batchSize, false)
                .build();
    }
}
