package io.flipout.djl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.NDArray;
import ai.djl.nn.Parameter;
import ai.djl.training.Trainer;
import ai.djl.training.listener.TrainingListener;
import ai.djl.training.listener.TrainingListenerAdapter;
import ai.djl.training.optimizer.AdamW;
import ai.djl.training.optimizer.Optimizer;
import ai.djl.training.tracker.Tracker;
import io.flipout.allocation.Allocation;
import io.flipout.criterion.Criterion;
import io.flipout.criterion.RandomOrder;
import io.flipout.djl.training.Sgd;
import io.flipout.gradient.GradientTerm;
import io.flipout.mask.BlockPaths;
import io.flipout.mask.Mask;
import io.flipout.mask.ParameterInfo;
import io.flipout.mask.WeightSelector;
import io.flipout.method.FilterPruning;
import io.flipout.method.FlipOut;
import io.flipout.method.GlobalMagnitude;
import io.flipout.method.HoyerSquare;
import io.flipout.method.LayerMagnitude;
import io.flipout.method.MagnitudeUncertainty;
import io.flipout.method.PruningMethod;
import io.flipout.method.RandomPruning;
import io.flipout.schedule.PruningEvent.Unit;
import io.flipout.schedule.Schedule;
import io.flipout.signal.SignFlips;
import io.flipout.tensor.TrainedTensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

class PrunerTest {

    private static final String FIRST = "01Linear.weight";

    private static Pruner pruner(PruningMethod method, Schedule schedule, long seed) {
        return Pruner.builder().setMethod(method).setSchedule(schedule).optSeed(seed).build();
    }

    private static Pruner pruner(Schedule schedule) {
        return pruner(FlipOut.builder().build(), schedule, 0);
    }

    private static long alive(Pruner pruner) {
        return pruner.masks().values().stream().mapToLong(Mask::remaining).sum();
    }

    /** Runs a check before every step and at the end of every epoch, when pruning is done. */
    private static TrainingListener afterEveryStep(Runnable check) {
        return new TrainingListenerAdapter() {
            @Override
            public void onTrainingBatch(Trainer trainer, BatchData batchData) {
                check.run();
            }

            @Override
            public void onEpoch(Trainer trainer) {
                check.run();
            }
        };
    }

    static Stream<Named<Supplier<Optimizer>>> optimizers() {
        Tracker rate = Tracker.fixed(.05f);
        return Stream.of(
                Named.of("Sgd", TinyTraining::sgd),
                Named.of(
                        "DJL's Sgd",
                        () ->
                                Optimizer.sgd()
                                        .setLearningRateTracker(rate)
                                        .optMomentum(.9f)
                                        .optWeightDecays(1e-3f)
                                        .build()),
                Named.of("Adam", () -> Optimizer.adam().optLearningRateTracker(rate).build()),
                Named.of("AdamW", () -> AdamW.builder().optLearningRateTracker(rate).build()));
    }

    @ParameterizedTest
    @MethodSource("optimizers")
    void prunedWeightsStayZeroAfterEveryStepOfAnyOptimizer(Supplier<Optimizer> optimizer) {
        for (Path path : Path.values()) {
            path.run(() -> assertPrunedStayZero(optimizer.get()));
        }
    }

    private static void assertPrunedStayZero(Optimizer optimizer) {
        Pruner pruner = pruner(Schedule.toSparsity(.9).overEpochs(5));
        Map<String, byte[]> before = new HashMap<>();
        try (TinyTraining tiny = new TinyTraining(1)) {
            TrainingListener check =
                    afterEveryStep(
                            () -> {
                                Map<String, float[]> weights = tiny.weights();
                                pruner.masks()
                                        .forEach(
                                                (path, mask) -> {
                                                    assertZero(mask, weights.get(path));
                                                    assertShrunk(
                                                            before.put(path, mask.bytes().clone()),
                                                            mask.bytes());
                                                });
                            });
            tiny.fit(pruner.wrap(optimizer), 5, pruner.listener(), check);

            assertThat(pruner.prunings()).isEqualTo(3);
            assertThat(alive(pruner)).isEqualTo(Math.round(TinyTraining.WEIGHTS * .1));
            assertThat(pruner.report().sparsity()).isEqualTo(1 - 7d / TinyTraining.WEIGHTS);
            assertThat(tiny.weights().get(FIRST)).doesNotContain(Float.NaN);
        }
    }

    static Stream<Arguments> methodsAndSchedules() {
        // Of 72 weights: 36, 18 and 9 by halves; 72·(.25, .0625) = 18, 4.5 rounded up; 72·.03 = 2;
        // 72·(1 − .9·(1 − .5³)) = 15.3 and 72·.1 = 7.2.
        Map<Schedule, List<Long>> schedules =
                Map.of(
                        Schedule.atRate(.5).every(1).overEpochs(4),
                        List.of(36L, 18L, 9L),
                        Schedule.toSparsity(.9375).atRate(.75).overEpochs(4),
                        List.of(18L, 5L, 5L),
                        Schedule.oneShot(.97, Unit.EPOCH, 2),
                        List.of(72L, 2L, 2L),
                        Schedule.cubic(.9).between(Unit.EPOCH, 0, 2, 1),
                        List.of(15L, 7L, 7L));
        return Stream.of(
                        FlipOut.builder().build(),
                        GlobalMagnitude.builder().build(),
                        GlobalMagnitude.builder().optNoise(1f).build(),
                        MagnitudeUncertainty.builder().setValues(4).setLambda(.001).build(),
                        new LayerMagnitude(),
                        new RandomPruning())
                .flatMap(
                        method ->
                                schedules.entrySet().stream()
                                        .map(
                                                entry ->
                                                        Arguments.of(
                                                                method,
                                                                entry.getKey(),
                                                                entry.getValue())));
    }

    @ParameterizedTest
    @MethodSource("methodsAndSchedules")
    void everyMethodKeepsExactlyWhatEverySchedulePlans(
            PruningMethod method, Schedule schedule, List<Long> kept) {
        Pruner pruner = pruner(method, schedule, 1);
        List<Long> alive = new ArrayList<>();
        TrainingListener count =
                new TrainingListenerAdapter() {
                    @Override
                    public void onEpoch(Trainer trainer) {
                        alive.add(alive(pruner));
                    }
                };
        try (TinyTraining tiny = new TinyTraining(1)) {
            tiny.fit(pruner.wrap(TinyTraining.sgd()), 4, pruner.listener(), count);
        }
        assertThat(alive.subList(0, 3)).isEqualTo(kept);
        assertThat(alive.get(3)).as("the last epoch prunes nothing").isEqualTo(kept.get(2));
    }

    /**
     * Eight neurons of 6 weights, and the output layer of 24: four whole neurons leave 48 of 72.
     */
    @ParameterizedTest
    @EnumSource(Path.class)
    void filterPruningRemovesWholeNeuronsButNoOutputs(Path path) {
        path.run(
                () -> {
                    Pruner pruner =
                            Pruner.builder()
                                    .setMethod(new FilterPruning())
                                    .setSchedule(Schedule.oneShot(.4, Unit.EPOCH, 1))
                                    .optAllocation(Allocation.perFilter())
                                    .build();
                    try (TinyTraining tiny = new TinyTraining(1)) {
                        tiny.fit(pruner.wrap(TinyTraining.sgd()), 2, pruner.listener());
                        Mask mask = pruner.masks().get(FIRST);
                        assertThat(alive(pruner)).isEqualTo(48);
                        assertThat(mask.remaining()).isEqualTo(24);
                        for (int i = 0; i < mask.size(); i++) {
                            assertThat(mask.isAlive(i)).isEqualTo(mask.isAlive(i / 6 * 6));
                        }
                        assertZero(mask, tiny.weights().get(FIRST));
                    }
                });
    }

    /** Without the output layer among the prunable ones, the hidden layer is still none. */
    @Test
    void theOutputLayerIsTheNetworksAndNotTheLastThatMayBePruned() {
        Pruner pruner =
                Pruner.builder()
                        .setMethod(new FilterPruning())
                        .setSchedule(Schedule.oneShot(.5, Unit.EPOCH, 1))
                        .optAllocation(Allocation.perFilter())
                        .optWeights(WeightSelector.builder().optInclude(FIRST).build())
                        .build();
        try (TinyTraining tiny = new TinyTraining(1)) {
            tiny.fit(pruner.wrap(TinyTraining.sgd()), 2, pruner.listener());
            assertThat(alive(pruner)).isEqualTo(24);
        }
    }

    private static void assertZero(Mask mask, float[] values) {
        for (int i = 0; i < values.length; i++) {
            if (!mask.isAlive(i)) {
                assertThat(values[i]).isZero();
            }
        }
    }

    private static void assertShrunk(byte[] before, byte[] after) {
        for (int i = 0; before != null && i < after.length; i++) {
            assertThat(after[i]).isLessThanOrEqualTo(before[i]);
        }
    }

    @ParameterizedTest
    @EnumSource(Path.class)
    void theMomentumOfPrunedWeightsIsZero(Path path) {
        path.run(
                () -> {
                    Pruner pruner = pruner(Schedule.toSparsity(.9).overEpochs(5));
                    Sgd sgd = TinyTraining.sgd();
                    try (TinyTraining tiny = new TinyTraining(1)) {
                        TrainingListener check =
                                afterEveryStep(
                                        () -> {
                                            for (ParameterInfo info : pruner.parameters()) {
                                                if (info.prunable()) {
                                                    assertMomentumZero(pruner, sgd, info);
                                                }
                                            }
                                        });
                        tiny.fit(pruner.wrap(sgd), 5, pruner.listener(), check);
                    }
                });
    }

    private static void assertMomentumZero(Pruner pruner, Sgd sgd, ParameterInfo info) {
        NDArray weight = info.parameter().getArray();
        for (NDArray velocity : sgd.state(info.parameter().getId(), weight)) {
            assertZero(pruner.masks().get(info.path()), velocity.toFloatArray());
        }
    }

    /** Of 4 steps an epoch: the 2 records before the first pruning are those of steps 2 and 4. */
    @Test
    void aPruningBeforeEnoughValuesWereRecordedEndsInASentence() {
        Schedule schedule = Schedule.oneShot(.5, Unit.EPOCH, 1);
        PruningMethod enough =
                MagnitudeUncertainty.builder().setValues(2).setLambda(0).optEvery(2).build();
        PruningMethod tooMany =
                MagnitudeUncertainty.builder().setValues(3).setLambda(0).optEvery(2).build();
        try (TinyTraining tiny = new TinyTraining(1)) {
            Pruner pruner = pruner(enough, schedule, 0);
            tiny.fit(pruner.wrap(TinyTraining.sgd()), 2, pruner.listener());
            assertThat(alive(pruner)).isEqualTo(36);
        }
        try (TinyTraining tiny = new TinyTraining(1)) {
            Pruner pruner = pruner(tooMany, schedule, 0);
            assertThatThrownBy(
                            () -> tiny.fit(pruner.wrap(TinyTraining.sgd()), 2, pruner.listener()))
                    .hasMessageStartingWith("The last 3 values of the weights are needed");
        }
    }

    @ParameterizedTest
    @EnumSource(Path.class)
    void aThresholdPrunesWhatLiesBelowItAndEndsTheRegulariser(Path path) {
        path.run(
                () -> {
                    double threshold = .05;
                    Map<String, float[]> before = new HashMap<>();
                    Pruner pruner =
                            pruner(
                                    HoyerSquare.builder().setStrength(.01f).build(),
                                    Schedule.belowThreshold(threshold, Unit.EPOCH, 2),
                                    0);
                    try (TinyTraining tiny = new TinyTraining(1)) {
                        // Listeners are told in this order: before the pruning, and the pruning.
                        TrainingListener record =
                                new TrainingListenerAdapter() {
                                    @Override
                                    public void onEpoch(Trainer trainer) {
                                        if (pruner.prunings() == 0) {
                                            before.putAll(tiny.weights());
                                        }
                                    }
                                };
                        tiny.fit(pruner.wrap(TinyTraining.sgd()), 4, record, pruner.listener());
                        assertThat(pruner.prunings()).isEqualTo(1);
                        pruner.masks()
                                .forEach(
                                        (name, mask) -> {
                                            for (int i = 0; i < mask.size(); i++) {
                                                assertThat(mask.isAlive(i))
                                                        .isEqualTo(
                                                                Math.abs(before.get(name)[i])
                                                                        >= threshold);
                                            }
                                            assertZero(mask, tiny.weights().get(name));
                                        });
                        assertThat(alive(pruner)).isBetween(1L, TinyTraining.WEIGHTS - 1L);
                    }
                });
    }

    /** Of 48 and 24 weights, each layer keeps a quarter: 12 and 6. */
    @Test
    void layerMagnitudeKeepsTheLargestOfEachLayer() {
        Map<String, float[]> before = new HashMap<>();
        Pruner pruner =
                Pruner.builder()
                        .setMethod(new LayerMagnitude())
                        .setSchedule(Schedule.toSparsity(.75).atRate(.75).overEpochs(2))
                        .optAllocation(Allocation.perLayer())
                        .build();
        try (TinyTraining tiny = new TinyTraining(1)) {
            TrainingListener record =
                    new TrainingListenerAdapter() {
                        @Override
                        public void onEpoch(Trainer trainer) {
                            if (pruner.prunings() == 0) {
                                before.putAll(tiny.weights());
                            }
                        }
                    };
            tiny.fit(pruner.wrap(TinyTraining.sgd()), 2, record, pruner.listener());
        }
        pruner.masks()
                .forEach(
                        (name, mask) -> {
                            assertThat(mask.remaining()).as(name).isEqualTo(mask.size() / 4);
                            float[] magnitudes = before.get(name).clone();
                            for (int i = 0; i < magnitudes.length; i++) {
                                magnitudes[i] = Math.abs(magnitudes[i]);
                            }
                            float[] sorted = magnitudes.clone();
                            Arrays.sort(sorted);
                            float least = sorted[sorted.length - mask.remaining()];
                            for (int i = 0; i < magnitudes.length; i++) {
                                assertThat(mask.isAlive(i)).isEqualTo(magnitudes[i] >= least);
                            }
                        });
    }

    /** Random pruning with a term that writes down the steps of the first weight and prunings. */
    private record Recording(List<String> calls) implements PruningMethod {

        @Override
        public String name() {
            return "recording";
        }

        @Override
        public Criterion criterion() {
            return new RandomOrder();
        }

        @Override
        public List<GradientTerm> gradientTerms() {
            return List.of(
                    (parameters, seed) ->
                            new GradientTerm.Running() {
                                @Override
                                public void apply(TrainedTensor tensor, NDArray gradient) {
                                    if (tensor.info().path().equals(FIRST)) {
                                        calls.add("step");
                                    }
                                }

                                @Override
                                public void afterPruning() {
                                    calls.add("pruning");
                                }
                            });
        }
    }

    @Test
    void gradientTermsLearnOfAPruningWhenItComes() {
        List<String> calls = new ArrayList<>();
        Pruner pruner = pruner(new Recording(calls), Schedule.oneShot(.5, Unit.STEP, 2), 0);
        try (TinyTraining tiny = new TinyTraining(1)) {
            tiny.fit(pruner.wrap(TinyTraining.sgd()), 1, pruner.listener());
        }
        assertThat(calls).containsExactly("step", "step", "pruning", "step", "step");
    }

    /** The regulariser pulls the weights apart while it lasts, and a pruning ends it for good. */
    @ParameterizedTest
    @EnumSource(Path.class)
    void theRegularisersStrengthMattersOnlyBeforeThePruning(Path path) {
        path.run(
                () -> {
                    assertThat(hoyerAfter(0, 1e-9f)).isEqualTo(hoyerAfter(0, .1f));
                    assertThat(hoyerAfter(1, 1e-9f)).isNotEqualTo(hoyerAfter(1, .1f));
                });
    }

    /** Trains two epochs in two trainers after a pruning of one weight at the end of that epoch. */
    private static List<Float> hoyerAfter(int epoch, float strength) {
        Pruner pruner =
                pruner(
                        HoyerSquare.builder().setStrength(strength).build(),
                        Schedule.oneShot(1 / 72d, Unit.EPOCH, epoch),
                        0);
        List<Float> weights = new ArrayList<>();
        try (TinyTraining tiny = new TinyTraining(1)) {
            tiny.fit(pruner.wrap(TinyTraining.sgd()), 1, pruner.listener());
            tiny.fit(pruner.wrap(TinyTraining.sgd()), 1, pruner.listener());
            for (float weight : tiny.weights().get(FIRST)) {
                weights.add(weight);
            }
        }
        return weights;
    }

    @Test
    void forgettingTheListenerEndsInASentence() {
        Pruner pruner = pruner(Schedule.toSparsity(.5).overEpochs(2));
        try (TinyTraining tiny = new TinyTraining(1)) {
            assertThatThrownBy(() -> tiny.fit(pruner.wrap(TinyTraining.sgd()), 2))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("addTrainingListeners(pruner.listener())");
        }
    }

    @Test
    void aSecondNetworkEndsInASentence() {
        Pruner pruner = pruner(Schedule.toSparsity(.5).overEpochs(2));
        try (TinyTraining first = new TinyTraining(1);
                TinyTraining second = new TinyTraining(1)) {
            first.fit(pruner.wrap(TinyTraining.sgd()), 2, pruner.listener());

            assertThatThrownBy(
                            () -> second.fit(pruner.wrap(TinyTraining.sgd()), 2, pruner.listener()))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageStartingWith("A pruner serves one network");
        }
    }

    @Test
    void methodAndScheduleAreAskedFor() {
        Pruner.Builder builder = Pruner.builder();
        assertThatThrownBy(builder::build).hasMessageContaining("setMethod");
        builder.setMethod(new RandomPruning());
        assertThatThrownBy(builder::build).hasMessageContaining("setSchedule");
        assertThatThrownBy(() -> pruner(Schedule.none()).report())
                .hasMessageContaining("pruner.listener()");
    }

    @ParameterizedTest
    @EnumSource(Path.class)
    void aSeedReproducesARunBitForBit(Path path) {
        path.run(
                () -> {
                    assertSame(run(1, 5), run(1, 5));
                    assertThat(run(1, 5).get(FIRST)).isNotEqualTo(run(2, 5).get(FIRST));
                });
    }

    @Test
    void thePrunersSeedGovernsWhatIsDrawnAtRandom() {
        PruningMethod random = new RandomPruning();

        assertThat(run(random, 1, 5).get(FIRST)).isNotEqualTo(run(random, 1, 6).get(FIRST));
        assertSame(run(random, 1, 5), run(random, 1, 5));
    }

    private static Map<String, float[]> run(int engineSeed, long seed) {
        return run(FlipOut.builder().build(), engineSeed, seed);
    }

    private static Map<String, float[]> run(PruningMethod method, int engineSeed, long seed) {
        Pruner pruner = pruner(method, Schedule.toSparsity(.75).overEpochs(4), seed);
        try (TinyTraining tiny = new TinyTraining(engineSeed)) {
            tiny.fit(pruner.wrap(TinyTraining.sgd()), 4, pruner.listener());
            return tiny.weights();
        }
    }

    private static void assertSame(Map<String, float[]> one, Map<String, float[]> two) {
        assertThat(one.keySet()).isEqualTo(two.keySet());
        one.forEach((path, values) -> assertThat(values).as(path).isEqualTo(two.get(path)));
    }

    @Test
    void anEventAtAStepPrunesBetweenThatStepAndTheNext() {
        Pruner pruner = pruner(Schedule.oneShot(.5, Unit.STEP, 3));
        List<Long> aliveBeforeStep = new ArrayList<>();
        try (TinyTraining tiny = new TinyTraining(1)) {
            TrainingListener record =
                    new TrainingListenerAdapter() {
                        @Override
                        public void onTrainingBatch(Trainer trainer, BatchData batchData) {
                            aliveBeforeStep.add(alive(pruner));
                        }
                    };
            tiny.fit(pruner.wrap(TinyTraining.sgd()), 2, pruner.listener(), record);
        }

        assertThat(aliveBeforeStep).containsExactly(72L, 72L, 72L, 36L, 36L, 36L, 36L, 36L);
    }

    @ParameterizedTest
    @EnumSource(Unit.class)
    void anEventAtTimeZeroPrunesBeforeTheFirstStep(Unit unit) {
        Pruner pruner = pruner(GlobalMagnitude.builder().build(), Schedule.oneShot(.5, unit, 0), 0);
        List<Long> aliveBeforeStep = new ArrayList<>();
        try (TinyTraining tiny = new TinyTraining(1)) {
            TrainingListener record = afterEveryStep(() -> aliveBeforeStep.add(alive(pruner)));
            tiny.fit(pruner.wrap(TinyTraining.sgd()), 1, pruner.listener(), record);
        }

        assertThat(aliveBeforeStep).containsOnly(36L);
    }

    @Test
    void pruningComesAfterTheEpochsEvaluationAndNotAtTheLastEpoch() {
        Pruner pruner = pruner(Schedule.atRate(.5).every(1).overEpochs(3));
        List<Long> alive = new ArrayList<>();
        try (TinyTraining tiny = new TinyTraining(1)) {
            TrainingListener record =
                    new TrainingListenerAdapter() {
                        @Override
                        public void onValidationBatch(Trainer trainer, BatchData batchData) {
                            alive.add(alive(pruner));
                        }
                    };
            tiny.fit(pruner.wrap(TinyTraining.sgd()), 3, pruner.listener(), record);
        }

        assertThat(alive.stream().distinct()).containsExactly(72L, 36L, 18L);
        assertThat(alive).hasSize(3 * TinyTraining.STEPS_PER_EPOCH);
        assertThat(alive(pruner)).isEqualTo(18);
        assertThat(pruner.prunings()).isEqualTo(2);
    }

    @Test
    void aSecondTrainerOfTheSameNetworkGoesOn() {
        Pruner pruner = pruner(Schedule.atRate(.1).every(1).overEpochs(4));
        List<int[]> flips = new ArrayList<>();
        List<boolean[]> alive = new ArrayList<>();
        try (TinyTraining tiny = new TinyTraining(1)) {
            TrainingListener record =
                    afterEveryStep(
                            () -> {
                                int[] now = flips(pruner);
                                if (now.length > 0) {
                                    flips.add(now);
                                    alive.add(living(pruner));
                                }
                            });
            tiny.fit(pruner.wrap(TinyTraining.sgd(.5f)), 2, pruner.listener(), record);
            assertThat(Arrays.stream(flips.get(flips.size() - 1)).sum()).isPositive();
            assertThat(pruner.prunings()).isEqualTo(2);
            tiny.fit(pruner.wrap(TinyTraining.sgd(.5f)), 2, pruner.listener(), record);

            assertThat(pruner.prunings()).isEqualTo(3);
            assertThat(alive(pruner)).isEqualTo(54);
        }
        for (int step = 1; step < flips.size(); step++) {
            for (int i = 0; i < flips.get(0).length; i++) {
                int least = alive.get(step)[i] ? flips.get(step - 1)[i] : 0;
                assertThat(flips.get(step)[i]).isBetween(least, alive.get(step)[i] ? least + 1 : 0);
            }
        }
    }

    private static int[] flips(Pruner pruner) {
        return pruner.watches(FIRST).stream()
                .map(watch -> ((SignFlips.Counts) watch).flips().clone())
                .findFirst()
                .orElse(new int[0]);
    }

    private static boolean[] living(Pruner pruner) {
        Mask mask = pruner.masks().get(FIRST);
        boolean[] living = new boolean[mask.size()];
        for (int i = 0; i < living.length; i++) {
            living[i] = mask.isAlive(i);
        }
        return living;
    }

    @Test
    void biasesAndNormsAreNeverPrunedByDefault() {
        Pruner pruner = pruner(Schedule.toSparsity(.9).overEpochs(5));
        try (TinyTraining tiny = new TinyTraining(1)) {
            tiny.fit(pruner.wrap(TinyTraining.sgd()), 5, pruner.listener());

            assertThat(pruner.masks()).containsOnlyKeys(FIRST, "04Linear.weight");
            tiny.weights()
                    .forEach(
                            (path, values) -> {
                                if (!pruner.masks().containsKey(path)) {
                                    assertThat(values).as(path).doesNotContain(0f);
                                }
                            });
        }
    }

    @Test
    void anUnknownParameterHasNoWatches() {
        Pruner pruner = pruner(Schedule.none());
        try (TinyTraining tiny = new TinyTraining(1)) {
            tiny.fit(pruner.wrap(TinyTraining.sgd()), 1, pruner.listener());

            assertThatThrownBy(() -> pruner.watches("fc.weight"))
                    .hasMessageContaining("no prunable weight 'fc.weight'");
            assertThat(pruner.watches(FIRST)).as("off the devices when a trainer ends").isEmpty();
        }
    }

    @Test
    void theBlockStaysOrdinary() {
        Pruner pruner = pruner(Schedule.toSparsity(.9).overEpochs(5));
        try (TinyTraining tiny = new TinyTraining(1)) {
            tiny.fit(pruner.wrap(TinyTraining.sgd()), 5, pruner.listener());

            Map<String, Parameter> parameters = BlockPaths.parameters(tiny.block());
            assertThat(parameters).hasSize(8);
            assertThat(parameters.get(FIRST).getArray().hasGradient()).isTrue();
        }
    }
}
