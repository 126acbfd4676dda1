package io.flipout.djl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Parameter;
import ai.djl.nn.core.Linear;
import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.Trainer;
import ai.djl.training.dataset.ArrayDataset;
import ai.djl.training.dataset.Dataset;
import ai.djl.training.loss.Loss;
import ai.djl.training.optimizer.Optimizer;
import io.flipout.mask.BlockPaths;
import io.flipout.mask.Mask;
import io.flipout.mask.ParameterInfo;
import io.flipout.method.OptimalBrainDamage;
import io.flipout.method.PruningMethod;
import io.flipout.schedule.PruningEvent.Unit;
import io.flipout.schedule.Schedule;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What a network is shown before each pruning while it trains, and that it trains as if it was not.
 */
class ExamplesTest {

    private static Pruner pruner(PruningMethod method, Schedule schedule, Dataset examples, int n) {
        Pruner.Builder builder = Pruner.builder().setMethod(method).setSchedule(schedule);
        return (examples == null ? builder : builder.optExamples(examples, n)).build();
    }

    /**
     * θ = 1 1 under the loss ½(y − label)², the gradient of which is (y − label)·x. The examples 2
     * 1 and −2 1 have y = 3 and −1 and labels 2 and −2, so g = 2 1 and −2 1 and F = 4 1: the second
     * weight does less damage. The gradient of the batch is 0 1, whose square says the contrary.
     * With the first example alone, and θ = 1 3, y = 5 and g = 3·(2 1): F·θ² = 36 81.
     */
    @ParameterizedTest
    @CsvSource({"2, 1, 0", "1, 1, 0", "1, 3, 1"})
    void theSquaresOfSingleGradientsDecide(int examples, float second, int kept) {
        float[] theta = {1, second};
        try (Model model = Model.newInstance("row");
                NDManager manager = NDManager.newBaseManager()) {
            ArrayDataset data =
                    new ArrayDataset.Builder()
                            .setData(manager.create(new float[] {2, 1, -2, 1}, new Shape(2, 2)))
                            .optLabels(manager.create(new float[] {2, -2}, new Shape(2, 1)))
                            .setSampling(2, false)
                            .build();
            Pruner pruner =
                    pruner(
                            new OptimalBrainDamage(),
                            Schedule.oneShot(.5, Unit.EPOCH, 1),
                            data,
                            examples);
            model.setBlock(Linear.builder().setUnits(1).optBias(false).build());
            DefaultTrainingConfig config =
                    new DefaultTrainingConfig(Loss.l2Loss())
                            .optOptimizer(pruner.wrap(TinyTraining.sgd()))
                            .addTrainingListeners(pruner.listener());
            try (Trainer trainer = model.newTrainer(config)) {
                trainer.initialize(new Shape(1, 2));
                NDArray weight = model.getBlock().getParameters().valueAt(0).getArray();
                weight.set(theta);
                trainer.notifyListeners(l -> l.onTrainingBatch(trainer, null));
                trainer.notifyListeners(l -> l.onEpoch(trainer));

                theta[1 - kept] = 0;
                assertThat(weight.toFloatArray()).containsExactly(theta);
                assertThat(weight.getGradient().toFloatArray()).containsOnly(0f);
            }
        }
    }

    private record Trained(Map<String, byte[]> masks, Map<String, float[]> parameters) {}

    private static Trained train(PruningMethod method, Schedule schedule, int examples) {
        try (TinyTraining tiny = new TinyTraining(1);
                NDManager manager = NDManager.newBaseManager()) {
            Dataset data = examples == 0 ? null : TinyTraining.data(manager);
            Pruner pruner = pruner(method, schedule, data, examples);
            tiny.fit(pruner.wrap(TinyTraining.sgd()), 4, pruner.listener());
            Trained trained = new Trained(new LinkedHashMap<>(), new LinkedHashMap<>());
            pruner.masks().forEach((path, mask) -> trained.masks().put(path, mask.bytes()));
            for (Map.Entry<String, Parameter> entry :
                    BlockPaths.parameters(tiny.block()).entrySet()) {
                NDArray array = entry.getValue().getArray();
                trained.parameters().put(entry.getKey(), array.toFloatArray());
            }
            assertThat(pruner.masks().values().stream().mapToInt(Mask::remaining).sum())
                    .isEqualTo(18);
            return trained;
        }
    }

    /**
     * A training that is shown nothing and prunes the same weights at the same time is the same bit
     * for bit. At time 0 the first step's gradients are waiting; single examples under batch
     * normalisation's training mode would have no variance.
     */
    @ParameterizedTest
    @CsvSource({
        "DIRECT, EPOCH, 2",
        "DIRECT, STEP, 3",
        "DIRECT, STEP, 0",
        "ENGINE, EPOCH, 2",
        "ENGINE, STEP, 0"
    })
    void whatIsShownLeavesTheTrainingAsItWas(Path path, Unit unit, long at) {
        path.run(
                () -> {
                    Schedule schedule = Schedule.oneShot(.75, unit, at);
                    Trained shown = train(new OptimalBrainDamage(), schedule, 20);
                    Trained alone = train(new GivenMasks(shown.masks()), schedule, 0);

                    assertThat(alone.parameters().keySet()).isEqualTo(shown.parameters().keySet());
                    shown.parameters()
                            .forEach(
                                    (name, values) ->
                                            assertThat(alone.parameters().get(name))
                                                    .as(name)
                                                    .isEqualTo(values));
                });
    }

    @Test
    void theNumberOfExamplesMatters() {
        Schedule schedule = Schedule.oneShot(.75, Unit.EPOCH, 2);

        assertThat(train(new OptimalBrainDamage(), schedule, 1).masks().get("01Linear.weight"))
                .isNotEqualTo(
                        train(new OptimalBrainDamage(), schedule, 32)
                                .masks()
                                .get("01Linear.weight"));
    }

    @Test
    void aMethodWithoutExamplesEndsInASentenceAtTheFirstBatch() {
        Pruner pruner =
                pruner(new OptimalBrainDamage(), Schedule.oneShot(.5, Unit.EPOCH, 9), null, 0);
        try (TinyTraining tiny = new TinyTraining(1)) {
            assertThatThrownBy(
                            () -> tiny.fit(pruner.wrap(TinyTraining.sgd()), 1, pruner.listener()))
                    .hasMessage(
                            "The method obd prunes by the gradients of examples, and got none: give"
                                    + " the pruner some,"
                                    + " Pruner.builder().optExamples(dataset, 1000).");
        }
        try (NDManager manager = NDManager.newBaseManager()) {
            Dataset data = TinyTraining.data(manager);
            assertThatThrownBy(() -> Pruner.builder().optExamples(data, 0))
                    .hasMessageContaining("must be at least 1, got 0");
        }
    }

    /** The model lies on one device and trains on another: its own arrays are no mirrors. */
    @Test
    void aNetworkThatTrainsOnAnotherDeviceThanItsOwnIsRefused() {
        try (TinyTraining tiny = new TinyTraining(1);
                NDManager manager = NDManager.newBaseManager()) {
            Pruner pruner =
                    pruner(
                            new OptimalBrainDamage(),
                            Schedule.oneShot(.5, Unit.EPOCH, 1),
                            TinyTraining.data(manager),
                            1);
            Optimizer optimizer = pruner.wrap(TinyTraining.sgd());
            tiny.prepared(
                    optimizer,
                    (trainer, data) -> {
                        trainer.notifyListeners(l -> l.onTrainingBatch(trainer, null));
                        for (ParameterInfo info : pruner.parameters()) {
                            NDArray moved = info.parameter().getArray().duplicate();
                            NDArray gradient = manager.ones(moved.getShape());
                            optimizer.update(info.parameter().getId(), moved, gradient);
                        }
                        assertThatThrownBy(() -> trainer.notifyListeners(l -> l.onEpoch(trainer)))
                                .hasMessageStartingWith("The network lies on cpu() and trains");
                    },
                    pruner.listener());
        }
    }
}
