package io.flipout.djl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.NDArray;
import ai.djl.training.EasyTrain;
import ai.djl.training.Trainer;
import ai.djl.training.listener.TrainingListener;
import ai.djl.training.listener.TrainingListenerAdapter;
import ai.djl.training.optimizer.Optimizer;
import ai.djl.training.tracker.Tracker;
import io.flipout.allocation.Allocation;
import io.flipout.djl.training.Sgd;
import io.flipout.mask.Mask;
import io.flipout.mask.ParameterInfo;
import io.flipout.method.AdaptiveFlipOut;
import io.flipout.method.DeepR;
import io.flipout.method.PruningMethod;
import io.flipout.method.SoftDeepR;
import io.flipout.schedule.PruningEvent.Unit;
import io.flipout.schedule.Schedule;
import io.flipout.signal.SignFlips;
import io.flipout.signal.Signal;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Methods that bring weights back while the network trains. */
class RewiringTest {

    private static final String FIRST = "01Linear.weight";
    private static final String SECOND = "04Linear.weight";

    private static DeepR deepR() {
        return DeepR.builder().optL1(1e-3f).optNoise(.1f).build();
    }

    private static SoftDeepR softDeepR() {
        return SoftDeepR.builder().optDensity(.25).optL1(.01f).optNoise(.1f).build();
    }

    private static Pruner pruner(PruningMethod method, double sparsity, long seed) {
        return Pruner.builder()
                .setMethod(method)
                .setSchedule(Schedule.beforeTraining(sparsity, 1))
                .optAllocation(Allocation.perLayer())
                .optSeed(seed)
                .build();
    }

    /** Runs a check before the training, before every step but the first, and after the last. */
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

    private static void train(
            TinyTraining tiny, Pruner pruner, Optimizer optimizer, TrainingListener... listeners) {
        List<TrainingListener> all = new ArrayList<>(List.of(listeners));
        all.add(0, pruner.listener());
        tiny.prepared(
                pruner.wrap(optimizer),
                (trainer, data) -> {
                    pruner.pruneBeforeTraining();
                    EasyTrain.fit(trainer, 5, data, null);
                },
                all.toArray(TrainingListener[]::new));
    }

    private static Optimizer djlsSgd() {
        return Optimizer.sgd().setLearningRateTracker(Tracker.fixed(.1f)).optMomentum(.9f).build();
    }

    /** Of 48 and 24 weights a quarter, 12 and 6, or all but one. */
    @ParameterizedTest
    @CsvSource({"DIRECT, .75", "DIRECT, .1", "ENGINE, .75", "ENGINE, .1"})
    void deepRKeepsItsNumberInEveryTensorAfterEveryStep(Path path, double sparsity) {
        path.run(
                () -> {
                    assertKept(sparsity, TinyTraining.sgd());
                    assertKept(sparsity, djlsSgd());
                });
    }

    private static void assertKept(double sparsity, Optimizer optimizer) {
        Pruner pruner = pruner(deepR(), sparsity, 1);
        Set<List<Byte>> masks = new HashSet<>();
        Map<String, float[]> signs = new LinkedHashMap<>();
        Map<String, Integer> kept = new LinkedHashMap<>();
        try (TinyTraining tiny = new TinyTraining(1)) {
            train(
                    tiny,
                    pruner,
                    optimizer,
                    afterEveryStep(
                            () -> {
                                Map<String, float[]> weights = tiny.weights();
                                pruner.masks()
                                        .forEach(
                                                (name, mask) -> {
                                                    kept.putIfAbsent(name, mask.remaining());
                                                    assertThat(mask.remaining())
                                                            .isEqualTo(kept.get(name));
                                                });
                                assertWired(pruner, weights, signs);
                                masks.add(bytes(pruner.masks().get(FIRST)));
                                if (optimizer instanceof Sgd sgd) {
                                    assertNoMomentumOfTheDormant(pruner, sgd);
                                }
                            }));
        }
        assertThat(kept.values().stream().mapToInt(Integer::intValue).sum())
                .isEqualTo((int) Math.round(TinyTraining.WEIGHTS * (1 - sparsity)));
        assertThat(pruner.report().remaining())
                .isEqualTo(Math.round(TinyTraining.WEIGHTS * (1 - sparsity)));
        assertThat(masks).as("weights were rewired").hasSizeGreaterThan(3);
    }

    private static void assertWired(
            Pruner pruner, Map<String, float[]> weights, Map<String, float[]> signs) {
        pruner.masks()
                .forEach(
                        (name, mask) ->
                                assertWired(
                                        mask,
                                        weights.get(name),
                                        signs.computeIfAbsent(name, n -> new float[mask.size()])));
    }

    /** Dormant weights are exactly 0, those alive are not and keep their sign for good. */
    private static void assertWired(Mask mask, float[] weights, float[] signs) {
        for (int i = 0; i < weights.length; i++) {
            assertThat(weights[i] != 0).isEqualTo(mask.isAlive(i));
            if (weights[i] != 0) {
                assertThat(signs[i] * weights[i] < 0).isFalse();
                signs[i] = Math.signum(weights[i]);
            }
        }
    }

    private static void assertNoMomentumOfTheDormant(Pruner pruner, Sgd sgd) {
        for (ParameterInfo info : pruner.parameters()) {
            if (info.prunable()) {
                Mask mask = pruner.masks().get(info.path());
                NDArray weight = info.parameter().getArray();
                for (NDArray velocity : sgd.state(info.parameter().getId(), weight)) {
                    float[] values = velocity.toFloatArray();
                    float[] weights = weight.toFloatArray();
                    for (int i = 0; i < values.length; i++) {
                        if (!mask.isAlive(i) || Math.abs(weights[i]) == 1e-12f) {
                            assertThat(values[i]).isZero();
                        }
                    }
                }
            }
        }
    }

    private static List<Byte> bytes(Mask mask) {
        List<Byte> bytes = new ArrayList<>();
        for (byte alive : mask.bytes()) {
            bytes.add(alive);
        }
        return bytes;
    }

    private static Map<String, float[]> run(PruningMethod method, long seed) {
        Pruner pruner = pruner(method, .75, seed);
        try (TinyTraining tiny = new TinyTraining(1)) {
            train(tiny, pruner, TinyTraining.sgd());
            return tiny.weights();
        }
    }

    @ParameterizedTest
    @EnumSource(Path.class)
    void softDeepRLetsTheNumberOfWeightsMove(Path path) {
        path.run(
                () -> {
                    Pruner pruner = pruner(softDeepR(), .75, 1);
                    List<Long> alive = new ArrayList<>();
                    try (TinyTraining tiny = new TinyTraining(1)) {
                        Map<String, float[]> signs = new LinkedHashMap<>();
                        TrainingListener check =
                                afterEveryStep(
                                        () -> {
                                            alive.add(pruner.report().remaining());
                                            assertWired(pruner, tiny.weights(), signs);
                                        });
                        train(tiny, pruner, TinyTraining.sgd(), check);
                        // Latent values and signs outlive the trainer.
                        tiny.fit(pruner.wrap(TinyTraining.sgd()), 3, pruner.listener(), check);
                    }
                    assertThat(alive.get(0)).isEqualTo(18);
                    assertThat(new HashSet<>(alive)).hasSizeGreaterThan(5);
                });
    }

    @Test
    void softDeepRRefusesToPruneOnTheWay() {
        Pruner pruner =
                Pruner.builder()
                        .setMethod(softDeepR())
                        .setSchedule(Schedule.toSparsity(.5).overEpochs(3))
                        .build();
        try (TinyTraining tiny = new TinyTraining(1)) {
            assertThatThrownBy(
                            () -> tiny.fit(pruner.wrap(TinyTraining.sgd()), 3, pruner.listener()))
                    .hasMessageContaining("nothing can be pruned once the training has begun");
        }
    }

    static Stream<Arguments> methods() {
        return Stream.of(deepR(), softDeepR())
                .flatMap(method -> Stream.of(Path.values()).map(p -> Arguments.of(p, method)));
    }

    @ParameterizedTest
    @MethodSource("methods")
    void aSeedReproducesARunBitForBit(Path path, PruningMethod method) {
        path.run(
                () -> {
                    Map<String, float[]> first = run(method, 5);
                    Map<String, float[]> again = run(method, 5);
                    first.forEach((name, values) -> assertThat(values).isEqualTo(again.get(name)));
                    assertThat(first.get(FIRST)).isNotEqualTo(run(method, 6).get(FIRST));
                });
    }

    /** Flips of all weights, of tensor by tensor. */
    private static List<int[]> flips(Pruner pruner) {
        List<int[]> flips = new ArrayList<>();
        for (String path : List.of(FIRST, SECOND)) {
            for (Signal.Watch watch : pruner.watches(path)) {
                flips.add(((SignFlips.Counts) watch).flips().clone());
            }
        }
        return flips;
    }

    /**
     * What is exchanged keeps each tensor's number, and forgets the flips that it had: whoever
     * comes back begins anew, on the host and on a device alike.
     */
    @Test
    void anExchangeBetweenPruningsForgetsTheFlipsOfWhatGoes() {
        Map<Path, List<int[]>> ended = new HashMap<>();
        for (Path path : Path.values()) {
            path.run(
                    () -> {
                        Pruner pruner =
                                Pruner.builder()
                                        .setMethod(
                                                AdaptiveFlipOut.builder()
                                                        .setSteps(1_000)
                                                        .optPeriod(2)
                                                        .optShare(.5)
                                                        .build())
                                        .setSchedule(Schedule.oneShot(.5, Unit.STEP, 3))
                                        .build();
                        List<byte[]> masks = new ArrayList<>();
                        List<List<int[]>> seen = new ArrayList<>();
                        int[] cameBack = {0};
                        try (TinyTraining tiny = new TinyTraining(1)) {
                            TrainingListener check =
                                    afterEveryStep(
                                            () -> {
                                                byte[] mask = pruner.masks().get(FIRST).bytes();
                                                float[] now = tiny.weights().get(FIRST);
                                                if (!masks.isEmpty() && !seen.isEmpty()) {
                                                    byte[] before = masks.get(masks.size() - 1);
                                                    for (int i = 0; i < mask.length; i++) {
                                                        int f = flips(pruner).get(0)[i];
                                                        if (mask[i] == 0) {
                                                            assertThat(now[i]).isZero();
                                                            assertThat(f).isZero();
                                                        } else if (before[i] == 0) {
                                                            cameBack[0]++;
                                                            assertThat(f).isZero();
                                                        }
                                                    }
                                                }
                                                masks.add(mask.clone());
                                                if (!pruner.watches(FIRST).isEmpty()) {
                                                    seen.add(flips(pruner));
                                                }
                                            });
                            tiny.fit(pruner.wrap(TinyTraining.sgd()), 6, pruner.listener(), check);
                            assertThat(pruner.report().remaining()).isEqualTo(36);
                            assertThat(cameBack[0]).isPositive();
                            ended.put(path, flips(pruner));
                        }
                    });
        }
        List<int[]> host = ended.get(Path.DIRECT);
        for (int i = 0; i < host.size(); i++) {
            assertThat(ended.get(Path.ENGINE).get(i)).isEqualTo(host.get(i));
        }
    }

    /** The signs are those of the first training, though the weights are not what they were. */
    @ParameterizedTest
    @EnumSource(Path.class)
    void aSecondTrainerOfTheSameNetworkKeepsTheSigns(Path path) {
        path.run(
                () -> {
                    Pruner pruner = pruner(deepR(), .5, 1);
                    float[] signs = new float[24];
                    TinyTraining tiny = new TinyTraining(1);
                    TrainingListener check =
                            afterEveryStep(
                                    () ->
                                            assertWired(
                                                    pruner.masks().get(SECOND),
                                                    tiny.weights().get(SECOND),
                                                    signs));
                    try (tiny) {
                        train(tiny, pruner, TinyTraining.sgd(), check);
                        tiny.fit(pruner.wrap(TinyTraining.sgd()), 5, pruner.listener(), check);
                    }
                    assertThat(pruner.report().remaining()).isEqualTo(36);
                });
    }

    /** Weights that a schedule prunes on the way are not replaced. */
    @Test
    void aPruningOnTheWayLowersTheNumber() {
        Pruner pruner =
                Pruner.builder()
                        .setMethod(deepR())
                        .setSchedule(Schedule.oneShot(.75, Unit.EPOCH, 1))
                        .build();
        List<Long> alive = new ArrayList<>();
        try (TinyTraining tiny = new TinyTraining(1)) {
            tiny.fit(
                    pruner.wrap(TinyTraining.sgd()),
                    3,
                    pruner.listener(),
                    afterEveryStep(() -> alive.add(pruner.report().remaining())));
        }
        assertThat(alive.subList(0, 4)).containsOnly(72L);
        assertThat(alive.subList(4, alive.size())).containsOnly(18L);
    }

    @Test
    void withoutAScheduleForItThereIsNothingToPruneBefore() {
        Pruner pruner =
                Pruner.builder()
                        .setMethod(deepR())
                        .setSchedule(Schedule.toSparsity(.5).overEpochs(3))
                        .build();
        try (TinyTraining tiny = new TinyTraining(1)) {
            assertThatThrownBy(() -> train(tiny, pruner, TinyTraining.sgd()))
                    .hasMessageContaining("plans no pruning before training");
        }
    }

    @Test
    void moreWeightsThanThereAreOrNoneAreRefused() {
        assertThatThrownBy(() -> pruner(deepR(), -.1, 1))
                .hasMessageContaining("sparsity must lie in [0, 1)");
        try (TinyTraining tiny = new TinyTraining(1)) {
            assertThatThrownBy(() -> train(tiny, pruner(deepR(), .999, 1), TinyTraining.sgd()))
                    .hasMessageContaining("leaves none of 72 weights");
        }
    }
}
