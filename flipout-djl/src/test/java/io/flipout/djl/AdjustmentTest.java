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
import ai.djl.training.loss.Loss;
import ai.djl.training.optimizer.Optimizer;
import ai.djl.training.tracker.Tracker;
import io.flipout.adjustment.Adjustment;
import io.flipout.criterion.Criterion;
import io.flipout.djl.training.Sgd;
import io.flipout.mask.Mask;
import io.flipout.method.GlobalMagnitude;
import io.flipout.method.OptimalBrainSurgeon;
import io.flipout.method.PruningMethod;
import io.flipout.schedule.PruningEvent.Unit;
import io.flipout.schedule.Schedule;
import io.flipout.signal.DiagonalFisher;
import io.flipout.signal.Signal;
import io.flipout.tensor.TrainedTensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Weights that make up for those which are pruned. */
class AdjustmentTest {

    private static OptimalBrainSurgeon surgeon(int block) {
        return OptimalBrainSurgeon.builder().optBlock(block).optDamping(.01).build();
    }

    /** Prunes the smallest weights, and adjusts the others in a way of its own. */
    private record Adjusting(Adjustment by) implements PruningMethod {

        @Override
        public String name() {
            return "adjusting";
        }

        @Override
        public Criterion criterion() {
            return GlobalMagnitude.builder().build().criterion();
        }

        @Override
        public Optional<Adjustment> adjustment() {
            return Optional.of(by);
        }
    }

    /** Says of all weights that they are 7 hereafter, also of those that go. */
    private static final Adjusting SEVENS =
            new Adjusting(
                    tensor -> {
                        float[] sevens = new float[tensor.mask().size()];
                        Arrays.fill(sevens, 7);
                        return sevens;
                    });

    /**
     * θ = 1 .5 and x = 1 1 make y = 1.5, and with a label of .5 the loss ½(y − label)² has a
     * gradient of 1 1. With a damping of 1, F = (2 1; 1 2): the second goes, and the first becomes
     * 1.25. The momentum that a step has left stays, but for that of the weight that goes.
     */
    @ParameterizedTest
    @EnumSource(Path.class)
    void theSurgeonMovesTheWeightThatStaysAndNotItsMomentum(Path path) {
        path.run(
                () -> {
                    try (Model model = Model.newInstance("row");
                            NDManager manager = NDManager.newBaseManager()) {
                        ArrayDataset data =
                                new ArrayDataset.Builder()
                                        .setData(manager.ones(new Shape(1, 2)))
                                        .optLabels(
                                                manager.create(new float[] {.5f}, new Shape(1, 1)))
                                        .setSampling(1, false)
                                        .build();
                        Pruner pruner =
                                Pruner.builder()
                                        .setMethod(
                                                OptimalBrainSurgeon.builder()
                                                        .optBlock(2)
                                                        .optDamping(1)
                                                        .build())
                                        .setSchedule(Schedule.oneShot(.5, Unit.EPOCH, 1))
                                        .optExamples(data, 1)
                                        .build();
                        Sgd sgd =
                                Sgd.builder()
                                        .setLearningRateTracker(Tracker.fixed(.5f))
                                        .optMomentum(.9f)
                                        .build();
                        Optimizer optimizer = pruner.wrap(sgd);
                        model.setBlock(Linear.builder().setUnits(1).optBias(false).build());
                        DefaultTrainingConfig config =
                                new DefaultTrainingConfig(Loss.l2Loss())
                                        .optOptimizer(optimizer)
                                        .addTrainingListeners(pruner.listener());
                        try (Trainer trainer = model.newTrainer(config)) {
                            trainer.initialize(new Shape(1, 2));
                            Parameter parameter = model.getBlock().getParameters().valueAt(0);
                            NDArray weight = parameter.getArray();
                            weight.set(new float[] {2, 1.5f});
                            trainer.notifyListeners(l -> l.onTrainingBatch(trainer, null));
                            try (NDArray gradient =
                                    manager.create(new float[] {2, 2}, new Shape(1, 2))) {
                                optimizer.update(parameter.getId(), weight, gradient);
                            }
                            trainer.notifyListeners(l -> l.onEpoch(trainer));

                            assertThat(weight.toFloatArray()).containsExactly(1.25f, 0);
                            NDArray momentum = sgd.state(parameter.getId(), weight).get(0);
                            assertThat(momentum.toFloatArray()).containsExactly(2, 0);
                        }
                    }
                });
    }

    private record Trained(
            Map<String, byte[]> masks, Map<String, float[]> weights, List<Integer> remaining) {}

    private static Trained train(PruningMethod method, Schedule schedule) {
        try (TinyTraining tiny = new TinyTraining(1);
                NDManager manager = NDManager.newBaseManager()) {
            Pruner pruner =
                    Pruner.builder()
                            .setMethod(method)
                            .setSchedule(schedule)
                            .optExamples(TinyTraining.data(manager), 20)
                            .build();
            List<Integer> remaining = new ArrayList<>();
            pruner.beforePruning(
                    event ->
                            remaining.add(
                                    pruner.masks().values().stream()
                                            .mapToInt(Mask::remaining)
                                            .sum()));
            tiny.fit(pruner.wrap(TinyTraining.sgd()), 4, pruner.listener());
            remaining.add(pruner.masks().values().stream().mapToInt(Mask::remaining).sum());
            Map<String, byte[]> masks = new LinkedHashMap<>();
            pruner.masks().forEach((path, mask) -> masks.put(path, mask.bytes()));
            return new Trained(masks, tiny.weights(), remaining);
        }
    }

    /** Some blocks lie across rows, and the weights left come to fit into one. */
    @ParameterizedTest
    @CsvSource({"1, DIRECT", "5, DIRECT", "5, ENGINE", "100, ENGINE"})
    void theSurgeonPrunesToTheNumberAgainAndAgain(int block, Path path) {
        path.run(
                () -> {
                    Trained trained =
                            train(surgeon(block), Schedule.atRate(.5).every(1).overEpochs(4));

                    assertThat(trained.remaining()).containsExactly(72, 36, 18, 9);
                    trained.masks()
                            .forEach(
                                    (name, mask) -> {
                                        float[] weights = trained.weights().get(name);
                                        for (int i = 0; i < mask.length; i++) {
                                            assertThat(weights[i] != 0)
                                                    .as(name)
                                                    .isEqualTo(mask[i] != 0);
                                        }
                                    });
                });
    }

    @Test
    void theSurgeonIsTheSameEveryTimeAndOnBothPaths() {
        Trained[] trained = new Trained[3];
        Schedule schedule = Schedule.atRate(.5).every(1).overEpochs(4);
        Path.DIRECT.run(() -> trained[0] = train(surgeon(16), schedule));
        Path.DIRECT.run(() -> trained[1] = train(surgeon(16), schedule));
        Path.ENGINE.run(() -> trained[2] = train(surgeon(16), schedule));

        trained[0]
                .masks()
                .forEach(
                        (name, mask) -> {
                            assertThat(trained[1].masks().get(name)).isEqualTo(mask);
                            assertThat(trained[2].masks().get(name)).isEqualTo(mask);
                        });
        trained[0]
                .weights()
                .forEach(
                        (name, weights) ->
                                assertThat(trained[1].weights().get(name)).isEqualTo(weights));
    }

    /** Before the first step, after some, and at the end of an epoch. */
    @ParameterizedTest
    @CsvSource({"STEP, 0", "STEP, 13", "EPOCH, 4"})
    void whatIsPrunedIsNotAdjusted(Unit unit, long at) {
        Trained trained = train(SEVENS, Schedule.oneShot(.75, unit, unit == Unit.EPOCH ? 3 : at));

        trained.masks()
                .forEach(
                        (name, mask) -> {
                            float[] weights = trained.weights().get(name);
                            for (int i = 0; i < mask.length; i++) {
                                if (mask[i] == 0) {
                                    assertThat(Float.floatToRawIntBits(weights[i])).isZero();
                                } else {
                                    assertThat(weights[i]).isBetween(3f, 9f);
                                }
                            }
                        });
    }

    @Test
    void anAdjustmentOfTooFewWeightsIsRefused() {
        assertThatThrownBy(
                        () ->
                                train(
                                        new Adjusting(tensor -> new float[3]),
                                        Schedule.oneShot(.5, Unit.STEP, 1)))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage(
                        "The adjustment of 01Linear.weight gives 3 weights, where there are 48.");
    }

    /** Keeps more of gradients than there ever is memory for, and must not be shown one. */
    private static final class Greedy implements Signal {

        @Override
        public Watch watch(TrainedTensor tensor) {
            throw new AssertionError("Nothing is to be watched.");
        }

        @Override
        public long bytesOfGradients(int[] alive) {
            assertThat(alive).containsExactly(48, 24);
            return 1L << 60;
        }
    }

    @Test
    void whatTakesMoreMemoryThanThereIsIsRefusedBeforeTheFirstStep() {
        PruningMethod greedy =
                new PruningMethod() {
                    @Override
                    public String name() {
                        return "greedy";
                    }

                    @Override
                    public Criterion criterion() {
                        return SEVENS.criterion();
                    }

                    @Override
                    public List<Signal> signals() {
                        return List.of(new DiagonalFisher(), new Greedy());
                    }
                };

        assertThatThrownBy(() -> train(greedy, Schedule.oneShot(.5, Unit.EPOCH, 3)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageMatching(
                        "The method greedy takes 1099511627776 MiB of Java's memory for a pruning of"
                                + " this network, and \\d+ MiB are free of \\d+ MiB: set smaller"
                                + " blocks by OptimalBrainSurgeon\\.builder\\(\\)\\.optBlock\\(b\\),"
                                + " or give Java more memory by -Xmx\\.");
    }
}
