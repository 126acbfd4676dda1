package io.flipout.djl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Parameter;
import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.EasyTrain;
import ai.djl.training.GradientCollector;
import ai.djl.training.ParameterStore;
import ai.djl.training.Trainer;
import ai.djl.training.dataset.ArrayDataset;
import ai.djl.training.dataset.Batch;
import ai.djl.training.listener.TrainingListener;
import ai.djl.training.listener.TrainingListener.BatchData;
import ai.djl.training.listener.TrainingListenerAdapter;
import ai.djl.training.loss.Loss;
import ai.djl.training.optimizer.Optimizer;
import ai.djl.training.tracker.Tracker;
import io.flipout.djl.torchscript.ScriptedTrainer;
import io.flipout.djl.training.Adagrad;
import io.flipout.djl.training.Adam;
import io.flipout.djl.training.RmsProp;
import io.flipout.mask.BlockPaths;
import io.flipout.method.DynamicSparseTraining;
import io.flipout.method.L0Regularization;
import io.flipout.method.NoisyMethod;
import io.flipout.method.PruningMethod;
import io.flipout.method.VariationalDropout;
import io.flipout.schedule.PruningEvent.Unit;
import io.flipout.schedule.Schedule;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Methods whose network computes with other weights than those that train. */
class LatentWeightsTest {

    private static final String FIRST = "01Linear.weight";

    private static PruningMethod l0() {
        return L0Regularization.builder().setStrength(.3).setExamples(32).build();
    }

    private static PruningMethod l0OfNeurons() {
        return L0Regularization.builder()
                .setStrength(.3)
                .setExamples(32)
                .optGatesOfNeurons(true)
                .build();
    }

    private static PruningMethod dropout() {
        return VariationalDropout.builder()
                .setExamples(32)
                .optStrength(.2)
                .optLogVariance(-3)
                .build();
    }

    private static PruningMethod dynamic() {
        return DynamicSparseTraining.builder().setStrength(.02).build();
    }

    static Stream<Arguments> methods() {
        return Stream.of(l0(), l0OfNeurons(), dropout(), dynamic())
                .flatMap(method -> Stream.of(Path.values()).map(p -> Arguments.of(p, method)));
    }

    static Stream<Arguments> drawn() {
        return methods()
                .filter(
                        each ->
                                each.get()[1] instanceof PruningMethod method
                                        && !method.name().equals("dynamic-sparse"));
    }

    private static Pruner pruner(PruningMethod method) {
        return Pruner.builder().setMethod(method).setSchedule(Schedule.none()).optSeed(3).build();
    }

    private static Optimizer adam() {
        return Adam.builder().setLearningRateTracker(Tracker.fixed(.05f)).build();
    }

    private static void outputs(Trainer trainer, ArrayDataset data, boolean training)
            throws Exception {
        for (Batch batch : trainer.iterateDataset(data)) {
            try (batch) {
                if (training) {
                    trainer.forward(batch.getData(), batch.getLabels());
                } else {
                    trainer.evaluate(batch.getData());
                }
            }
        }
    }

    /**
     * Trains by DJL's own loop: after every step and epoch, and at the end, the network holds its
     * weights of test time, those that are pruned exactly 0, and the masks tell which. It learns.
     */
    @ParameterizedTest
    @MethodSource("methods")
    void theNetworkHoldsItsWeightsOfTestTimeBetweenSteps(Path path, PruningMethod method) {
        path.run(
                () -> {
                    Pruner pruner = pruner(method);
                    List<Long> left = new ArrayList<>();
                    List<Map<String, float[]>> evaluated = new ArrayList<>();
                    try (TinyTraining tiny = new TinyTraining(1)) {
                        TrainingListener watch =
                                new TrainingListenerAdapter() {
                                    @Override
                                    public void onTrainingBatch(Trainer t, BatchData batch) {
                                        evaluated.clear();
                                    }

                                    @Override
                                    public void onValidationBatch(Trainer t, BatchData batch) {
                                        evaluated.add(tiny.weights());
                                    }

                                    @Override
                                    public void onEpoch(Trainer trainer) {
                                        // Also the first batch was evaluated by these.
                                        Map<String, float[]> now = tiny.weights();
                                        assertThat(evaluated).hasSize(4);
                                        for (Map<String, float[]> before : evaluated) {
                                            now.forEach(
                                                    (name, values) ->
                                                            assertThat(values)
                                                                    .isEqualTo(before.get(name)));
                                        }
                                        assertMasked(pruner, now);
                                        left.add(pruner.report().remaining());
                                    }
                                };
                        tiny.fit(pruner.wrap(adam()), 30, watch, pruner.listener());
                        assertMasked(pruner, tiny.weights());
                    }
                    assertThat(left.get(left.size() - 1)).isBetween(1L, 60L);
                    assertThat(left).isNotEqualTo(left.stream().sorted().distinct().toList());
                });
    }

    private static void assertMasked(Pruner pruner, Map<String, float[]> weights) {
        pruner.masks()
                .forEach(
                        (name, mask) -> {
                            float[] values = weights.get(name);
                            for (int i = 0; i < values.length; i++) {
                                assertThat(mask.isAlive(i)).isEqualTo(values[i] != 0);
                            }
                        });
    }

    /**
     * In a training's forward pass weights are drawn, in an evaluation never, whatever came first.
     */
    @ParameterizedTest
    @MethodSource("drawn")
    void passesOfATrainingAreDrawnAndEvaluationsAreNot(Path path, PruningMethod method) {
        path.run(
                () -> {
                    Pruner pruner = pruner(method);
                    try (TinyTraining tiny = new TinyTraining(1)) {
                        tiny.prepared(
                                pruner.wrap(adam()),
                                (trainer, data) -> {
                                    try {
                                        assertDrawn(trainer, data, tiny);
                                    } catch (Exception e) {
                                        throw new IllegalStateException(e);
                                    }
                                },
                                pruner.listener());
                    }
                });
    }

    private static void assertDrawn(Trainer trainer, ArrayDataset data, TinyTraining tiny)
            throws Exception {
        EasyTrain.trainBatch(trainer, first(trainer, data));
        trainer.step();
        float[] rested = tiny.weights().get(FIRST);
        outputs(trainer, data, true);
        float[] drawn = tiny.weights().get(FIRST);
        assertThat(drawn).isNotEqualTo(rested);
        outputs(trainer, data, false);
        assertThat(tiny.weights().get(FIRST)).isEqualTo(rested);
        // The step has not been taken, and its draw is what it was.
        outputs(trainer, data, true);
        assertThat(tiny.weights().get(FIRST)).isEqualTo(drawn);
        EasyTrain.trainBatch(trainer, first(trainer, data));
        trainer.step();
        outputs(trainer, data, true);
        assertThat(tiny.weights().get(FIRST)).isNotEqualTo(drawn);
        outputs(trainer, data, false);
    }

    private static Batch first(Trainer trainer, ArrayDataset data) throws Exception {
        return trainer.iterateDataset(data).iterator().next();
    }

    /** Before the first pass the weights are the network's own, and nothing has been drawn. */
    @ParameterizedTest
    @MethodSource("methods")
    void aNetworkThatIsInitialisedIsAsItWas(Path path, PruningMethod method) {
        path.run(
                () -> {
                    float[] own;
                    try (TinyTraining plain = new TinyTraining(1)) {
                        plain.prepared(TinyTraining.sgd(), (trainer, data) -> {});
                        own = plain.weights().get(FIRST);
                    }
                    Pruner pruner = pruner(method);
                    try (TinyTraining tiny = new TinyTraining(1)) {
                        tiny.prepared(
                                pruner.wrap(adam()),
                                (trainer, data) -> {
                                    assertThat(tiny.weights().get(FIRST)).isEqualTo(own);
                                    assertThat(pruner.report().remaining()).isEqualTo(72);
                                },
                                pruner.listener());
                        assertThat(tiny.weights().get(FIRST)).isEqualTo(own);
                    }
                });
    }

    private static Map<String, float[]> run(
            PruningMethod method, Supplier<Optimizer> optimizer, boolean oneByOne, long seed) {
        return run(method, optimizer, oneByOne, seed, 4);
    }

    private static Map<String, float[]> run(
            PruningMethod method,
            Supplier<Optimizer> optimizer,
            boolean oneByOne,
            long seed,
            int epochs) {
        Pruner pruner =
                Pruner.builder()
                        .setMethod(method)
                        .setSchedule(Schedule.none())
                        .optSeed(seed)
                        .build();
        try (TinyTraining tiny = new TinyTraining(1)) {
            Optimizer wrapped = pruner.wrap(optimizer.get());
            tiny.fit(oneByOne ? new OneByOne(wrapped) : wrapped, epochs, pruner.listener());
            return tiny.weights();
        }
    }

    @ParameterizedTest
    @MethodSource("methods")
    void aSeedReproducesARunBitForBit(Path path, PruningMethod method) {
        path.run(
                () -> {
                    Map<String, float[]> first = run(method, LatentWeightsTest::adam, false, 5);
                    Map<String, float[]> again = run(method, LatentWeightsTest::adam, false, 5);
                    first.forEach((name, values) -> assertThat(values).isEqualTo(again.get(name)));
                    if (!method.name().equals("dynamic-sparse")) {
                        assertThat(run(method, LatentWeightsTest::adam, false, 6).get(FIRST))
                                .isNotEqualTo(first.get(FIRST));
                    }
                });
    }

    @ParameterizedTest
    @MethodSource("methods")
    void parametersThatAreUpdatedOneByOneGoTheSameWay(Path path, PruningMethod method) {
        path.run(
                () -> {
                    Map<String, float[]> whole = run(method, LatentWeightsTest::adam, false, 5, 1);
                    Map<String, float[]> single = run(method, LatentWeightsTest::adam, true, 5, 1);
                    whole.forEach(
                            (name, values) ->
                                    assertThat(single.get(name))
                                            .containsExactly(
                                                    values,
                                                    org.assertj.core.api.Assertions.within(1e-3f)));
                });
    }

    static List<Supplier<Optimizer>> optimizers() {
        Tracker rate = Tracker.fixed(.01f);
        return List.of(
                () -> TinyTraining.sgd(),
                () -> Adam.builder().setLearningRateTracker(rate).optWeightDecays(.1f).build(),
                () ->
                        Adam.builder()
                                .setLearningRateTracker(rate)
                                .optDecoupledWeightDecay(true)
                                .optWeightDecays(.1f)
                                .build(),
                () -> RmsProp.builder().setLearningRateTracker(rate).build(),
                () -> Adagrad.builder().setLearningRateTracker(rate).build(),
                () -> Optimizer.adam().optLearningRateTracker(rate).build(),
                () -> Optimizer.sgd().setLearningRateTracker(rate).optMomentum(.9f).build());
    }

    /** Latent weights and what is beside them take the steps of any optimizer. */
    @ParameterizedTest
    @MethodSource("optimizers")
    void everyOptimizerMovesThem(Supplier<Optimizer> optimizer) {
        for (PruningMethod method : List.of(l0(), dropout(), dynamic())) {
            for (Path path : Path.values()) {
                path.run(
                        () -> {
                            float[] first = run(method, optimizer, false, 5, 1).get(FIRST);
                            assertThat(first).doesNotContain(Float.NaN);
                            assertThat(run(method, optimizer, false, 5, 1).get(FIRST))
                                    .isEqualTo(first);
                        });
            }
        }
    }

    /** Noise is added to the gradients of latent weights. */
    @Test
    void noiseOnGradientsGoesWithLatentWeights() {
        for (PruningMethod method : List.of(l0(), dropout(), dynamic())) {
            PruningMethod noisy = NoisyMethod.builder().setMethod(method).optNoise(.5f).build();
            assertThat(noisy.reparameterization()).isEqualTo(method.reparameterization());
            for (Path path : Path.values()) {
                path.run(
                        () ->
                                assertThat(
                                                run(noisy, LatentWeightsTest::adam, false, 5, 1)
                                                        .get(FIRST))
                                        .isNotEqualTo(
                                                run(method, LatentWeightsTest::adam, false, 5, 1)
                                                        .get(FIRST)));
            }
        }
    }

    /** Latent weights outlive a trainer, and so does what the optimizer keeps of what is beside. */
    @ParameterizedTest
    @MethodSource("methods")
    void aSecondTrainerGoesOn(Path path, PruningMethod method) {
        path.run(
                () -> {
                    Map<String, float[]> whole;
                    Pruner once = pruner(method);
                    try (TinyTraining tiny = new TinyTraining(1)) {
                        tiny.fit(once.wrap(adam()), 6, once.listener());
                        whole = tiny.weights();
                    }
                    Pruner twice = pruner(method);
                    try (TinyTraining tiny = new TinyTraining(1)) {
                        Optimizer wrapped = twice.wrap(adam());
                        tiny.fit(wrapped, 3, twice.listener());
                        tiny.fit(wrapped, 3, twice.listener());
                        Map<String, float[]> end = tiny.weights();
                        whole.forEach(
                                (name, values) -> assertThat(end.get(name)).isEqualTo(values));
                    }
                });
    }

    /** The forward pass of a script asks for the same weights. */
    @ParameterizedTest
    @MethodSource("methods")
    void aScriptedTrainerIsNoOther(Path path, PruningMethod method) {
        path.run(
                () -> {
                    Map<String, float[]> blocks = run(method, LatentWeightsTest::adam, false, 3);
                    Pruner pruner = pruner(method);
                    try (TinyTraining tiny = new TinyTraining(1);
                            NDManager manager = NDManager.newBaseManager();
                            Trainer trainer =
                                    ScriptedTrainer.builder()
                                            .setModel(tiny.model)
                                            .setConfig(
                                                    pruner.attach(
                                                            new DefaultTrainingConfig(
                                                                    Loss.softmaxCrossEntropyLoss()),
                                                            adam()))
                                            .build()) {
                        trainer.initialize(new Shape(8, 6));
                        ArrayDataset data = TinyTraining.data(manager);
                        EasyTrain.fit(trainer, 4, data, data);
                        blocks.forEach(
                                (name, values) ->
                                        assertThat(tiny.weights().get(name)).isEqualTo(values));
                    } catch (java.io.IOException | ai.djl.translate.TranslateException e) {
                        throw new IllegalStateException(e);
                    }
                });
    }

    /** A loop of one's own may gather the gradients of several batches, and look between them. */
    @ParameterizedTest
    @EnumSource(Path.class)
    void gradientsOfSeveralBatchesAreOfOneDraw(Path path) {
        path.run(
                () -> {
                    Pruner pruner = pruner(l0());
                    try (TinyTraining tiny = new TinyTraining(1)) {
                        tiny.prepared(
                                pruner.wrap(adam()),
                                (trainer, data) -> {
                                    List<float[]> drawn = new ArrayList<>();
                                    for (Batch batch : trainer.iterateDataset(data)) {
                                        try (batch) {
                                            EasyTrain.trainBatch(trainer, batch);
                                            drawn.add(tiny.weights().get(FIRST));
                                            assertThat(pruner.report().weights()).isEqualTo(72);
                                        }
                                    }
                                    trainer.step();
                                    for (float[] each : drawn) {
                                        assertThat(each).isEqualTo(drawn.get(0));
                                    }
                                    assertMasked(pruner, tiny.weights());
                                },
                                pruner.listener());
                    }
                });
    }

    /** Weights that are frozen stay what they are at test time. */
    @ParameterizedTest
    @MethodSource("methods")
    void whatIsFrozenRests(Path path, PruningMethod method) {
        path.run(
                () -> {
                    Pruner pruner = pruner(method);
                    try (TinyTraining tiny = new TinyTraining(1)) {
                        tiny.prepared(
                                pruner.wrap(adam()),
                                (trainer, data) -> {
                                    EasyTrain.fit(trainer, 2, data, null);
                                    Parameter first =
                                            BlockPaths.parameters(tiny.block()).get(FIRST);
                                    first.freeze(true);
                                    float[] before = first.getArray().toFloatArray();
                                    EasyTrain.fit(trainer, 2, data, null);
                                    assertThat(first.getArray().toFloatArray()).isEqualTo(before);
                                    first.freeze(false);
                                    first.getArray().setRequiresGradient(true);
                                    EasyTrain.fit(trainer, 2, data, null);
                                    assertThat(first.getArray().toFloatArray())
                                            .isNotEqualTo(before);
                                },
                                pruner.listener());
                    }
                });
    }

    /** A forward pass by another store than the trainer's is not seen. */
    @ParameterizedTest
    @MethodSource("drawn")
    void aPassThatIsNotSeenIsRefused(Path path, PruningMethod method) {
        path.run(
                () -> {
                    Pruner pruner = pruner(method);
                    try (TinyTraining tiny = new TinyTraining(1)) {
                        tiny.prepared(
                                pruner.wrap(adam()),
                                (trainer, data) -> {
                                    for (Batch batch : trainer.iterateDataset(data)) {
                                        try (batch;
                                                GradientCollector collector =
                                                        trainer.newGradientCollector()) {
                                            NDArray loss =
                                                    trainer.getLoss()
                                                            .evaluate(
                                                                    batch.getLabels(),
                                                                    tiny.block()
                                                                            .forward(
                                                                                    new ParameterStore(
                                                                                            trainer
                                                                                                    .getManager(),
                                                                                            false),
                                                                                    batch.getData(),
                                                                                    true));
                                            collector.backward(loss);
                                        }
                                        assertThatThrownBy(trainer::step)
                                                .isInstanceOf(IllegalStateException.class)
                                                .hasMessageContaining(
                                                        method.name()
                                                                + " draws the weights of a step"
                                                                + " before its forward pass")
                                                .hasMessageContaining("trainer.forward(...)");
                                        break;
                                    }
                                },
                                pruner.listener());
                    }
                });
    }

    @Test
    void nothingElseMayPruneOrKeepZeros() {
        Pruner pruner =
                Pruner.builder()
                        .setMethod(dynamic())
                        .setSchedule(Schedule.oneShot(.5, Unit.STEP, 3))
                        .build();
        try (TinyTraining tiny = new TinyTraining(1)) {
            assertThatThrownBy(() -> tiny.fit(pruner.wrap(adam()), 3, pruner.listener()))
                    .hasMessageContaining("learns which weights go");
        }
        assertThatThrownBy(
                        () ->
                                Pruner.builder()
                                        .setMethod(l0())
                                        .setSchedule(Schedule.none())
                                        .optKeepZeros()
                                        .build())
                .hasMessageContaining("l0 brings weights back");
    }

    /** Biases and norms train as by the optimizer alone: their first step is the same. */
    @Test
    void otherParametersTrainAsBefore() {
        TinyTraining.Work step =
                (trainer, data) -> {
                    for (Batch batch : trainer.iterateDataset(data)) {
                        try (batch) {
                            EasyTrain.trainBatch(trainer, batch);
                            trainer.step();
                        }
                        break;
                    }
                };
        Map<String, float[]> plain;
        try (TinyTraining tiny = new TinyTraining(1)) {
            tiny.prepared(TinyTraining.sgd(), step);
            plain = tiny.weights();
        }
        Pruner pruner = pruner(DynamicSparseTraining.builder().setStrength(0).build());
        try (TinyTraining tiny = new TinyTraining(1)) {
            tiny.prepared(pruner.wrap(TinyTraining.sgd()), step, pruner.listener());
            for (String name : List.of("01Linear.bias", "02BatchNorm.gamma", "04Linear.bias")) {
                assertThat(tiny.weights().get(name)).isEqualTo(plain.get(name));
            }
            assertThat(tiny.weights().get(FIRST)).isNotEqualTo(plain.get(FIRST));
        }
    }
}
