package io.flipout.djl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.core.Linear;
import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.EasyTrain;
import ai.djl.training.Trainer;
import ai.djl.training.dataset.ArrayDataset;
import ai.djl.training.loss.Loss;
import io.flipout.djl.training.Sgd;
import io.flipout.mask.BlockPaths;
import io.flipout.mask.Mask;
import io.flipout.method.PruningMethod;
import io.flipout.method.RandomPruning;
import io.flipout.method.Snip;
import io.flipout.schedule.PruningEvent.Unit;
import io.flipout.schedule.Schedule;
import io.flipout.signal.XavierNormal;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Pruning before training, by the gradients of batches that the network is only shown. */
class BeforeTrainingTest {

    private static Pruner pruner(PruningMethod method, Schedule schedule) {
        return Pruner.builder().setMethod(method).setSchedule(schedule).build();
    }

    /** What is done to a network before its training. */
    private interface Work {
        void run(Trainer trainer, NDManager manager) throws Exception;
    }

    private static void with(Block block, Loss loss, Pruner pruner, Shape shape, Work work)
            throws Exception {
        try (Model model = Model.newInstance("tiny");
                NDManager manager = NDManager.newBaseManager()) {
            model.setBlock(block);
            DefaultTrainingConfig config =
                    new DefaultTrainingConfig(loss)
                            .optOptimizer(pruner.wrap(TinyTraining.sgd()))
                            .addTrainingListeners(pruner.listener());
            try (Trainer trainer = model.newTrainer(config)) {
                trainer.initialize(shape);
                work.run(trainer, manager);
            }
        }
    }

    /**
     * Prunes the single layer y = θ·x under the loss ½(y − label)², whose gradient for one sample
     * is (y − label)·x. Each sample is a batch, its label the last number.
     */
    private static List<Integer> kept(
            Schedule schedule, int batches, float[] theta, float[]... samples) throws Exception {
        Pruner pruner = pruner(new Snip(), schedule);
        List<Integer> kept = new ArrayList<>();
        int n = theta.length;
        with(
                new SequentialBlock().add(Linear.builder().setUnits(1).optBias(false).build()),
                Loss.l2Loss(),
                pruner,
                new Shape(1, n),
                (trainer, manager) -> {
                    NDArray weight =
                            trainer.getModel().getBlock().getParameters().valueAt(0).getArray();
                    weight.set(theta);
                    NDArray inputs = manager.zeros(new Shape(samples.length, n));
                    NDArray labels = manager.zeros(new Shape(samples.length, 1));
                    for (int i = 0; i < samples.length; i++) {
                        for (int j = 0; j < n; j++) {
                            inputs.setScalar(new NDIndex(i, j), samples[i][j]);
                        }
                        labels.setScalar(new NDIndex(i, 0), samples[i][n]);
                    }
                    ArrayDataset data =
                            new ArrayDataset.Builder()
                                    .setData(inputs)
                                    .optLabels(labels)
                                    .setSampling(1, false)
                                    .build();
                    pruner.pruneBeforeTraining(trainer, data, batches);

                    Mask mask = pruner.masks().values().iterator().next();
                    float[] after = weight.toFloatArray();
                    for (int j = 0; j < n; j++) {
                        assertThat(after[j]).isEqualTo(mask.isAlive(j) ? theta[j] : 0);
                        if (mask.isAlive(j)) {
                            kept.add(j);
                        }
                    }
                    assertThat(weight.getGradient().toFloatArray()).containsOnly(0f);
                });
        return kept;
    }

    private static final float[] THETA = {1, -2, .5f, 0};

    /** y = −.3 and a label of −1.3 make g = x: |θ·g| = .3 .2 .4 0. */
    private static final float[] SAMPLE = {.3f, .1f, -.8f, 5, -1.3f};

    @Test
    void keepsTheWeightsOfHighestSensitivity() throws Exception {
        assertThat(kept(Schedule.beforeTraining(.5, 1), 1, THETA, SAMPLE)).containsExactly(0, 2);
        assertThat(kept(Schedule.beforeTraining(.75, 1), 1, THETA, SAMPLE)).containsExactly(2);
    }

    /** A second batch adds g = 0 .2 .8 0 (y = 0, label −1): |θ·g| = .3 .6 0 0. */
    @Test
    void sumsTheGradientsOfSeveralBatches() throws Exception {
        float[] second = {0, .2f, .8f, 0, -1};

        assertThat(kept(Schedule.beforeTraining(.5, 1), 2, THETA, SAMPLE, second))
                .containsExactly(0, 1);
        assertThat(kept(Schedule.beforeTraining(.5, 1), 1, THETA, SAMPLE, second))
                .as("only the first batch")
                .containsExactly(0, 2);
    }

    /**
     * θ = −1 1 3 −2: y = 3 and 6, labels 2, so g = 1·(−1 1 1 1) + 4·(0 1 1 −1) and |θ·g| = 1 5 15
     * 6. With θ = 0 0 3 −2, y = 1 and 5, so g = −1·x + 3·x' and |θ·g| = 0 0 6 8.
     */
    @Test
    void theIterativeFormScoresWhatIsLeftAnew() throws Exception {
        float[] theta = {-1, 1, 3, -2};
        float[][] samples = {{-1, 1, 1, 1, 2}, {0, 1, 1, -1, 2}};

        assertThat(kept(Schedule.beforeTraining(.75, 1), 2, theta, samples)).containsExactly(2);
        assertThat(kept(Schedule.beforeTraining(.75, 2), 2, theta, samples)).containsExactly(3);
    }

    /** Returns every parameter of the network, running statistics and gradients included. */
    private static Map<String, float[]> state(Block block) {
        Map<String, float[]> state = new LinkedHashMap<>();
        for (Map.Entry<String, Parameter> entry : BlockPaths.parameters(block).entrySet()) {
            NDArray array = entry.getValue().getArray();
            state.put(entry.getKey(), array.toFloatArray());
            if (entry.getValue().requiresGradient()) {
                state.put(entry.getKey() + ".grad", array.getGradient().toFloatArray());
            }
        }
        return state;
    }

    @ParameterizedTest
    @CsvSource({
        "DIRECT, 1, ORIGINAL",
        "DIRECT, 3, ORIGINAL",
        "ENGINE, 1, ORIGINAL",
        "ENGINE, 3, ORIGINAL",
        "DIRECT, 3, RELEASED",
        "ENGINE, 1, RELEASED"
    })
    void touchesNothingButWhatItPrunes(Path path, int prunings, Snip.Variant variant) {
        path.run(
                () -> {
                    Snip snip = Snip.builder().optVariant(variant).build();
                    Pruner pruner = pruner(snip, Schedule.beforeTraining(.9, prunings));
                    Sgd sgd = TinyTraining.sgd();
                    try (TinyTraining tiny = new TinyTraining(1)) {
                        tiny.prepared(
                                pruner.wrap(sgd),
                                (trainer, data) -> {
                                    Map<String, float[]> before = state(tiny.block());
                                    pruner.pruneBeforeTraining(trainer, data, 3);
                                    assertOnlyPruned(pruner, before, state(tiny.block()));
                                    pruner.parameters()
                                            .forEach(
                                                    info ->
                                                            assertThat(
                                                                            sgd.state(
                                                                                    info.parameter()
                                                                                            .getId(),
                                                                                    info.parameter()
                                                                                            .getArray()))
                                                                    .isEmpty());
                                    Map<String, byte[]> masks = new LinkedHashMap<>();
                                    pruner.masks()
                                            .forEach(
                                                    (name, mask) ->
                                                            masks.put(name, mask.bytes().clone()));
                                    EasyTrain.fit(trainer, 3, data, null);
                                    assertThat(pruner.prunings()).isEqualTo(prunings);
                                    pruner.masks()
                                            .forEach(
                                                    (name, mask) ->
                                                            assertThat(mask.bytes())
                                                                    .isEqualTo(masks.get(name)));
                                    assertPrunedAreZero(pruner, tiny.weights());
                                },
                                pruner.listener());
                    }
                });
    }

    private static void assertOnlyPruned(
            Pruner pruner, Map<String, float[]> before, Map<String, float[]> after) {
        pruner.masks()
                .forEach(
                        (name, mask) -> {
                            for (int i = 0; i < mask.size(); i++) {
                                before.get(name)[i] *= mask.bytes()[i];
                                before.get(name)[i] += 0f; // −0 is 0.
                            }
                        });
        before.forEach((name, values) -> assertThat(after.get(name)).as(name).isEqualTo(values));
        assertThat(before.keySet()).anyMatch(name -> name.endsWith("runningMean"));
        assertThat(pruner.masks().values().stream().mapToInt(Mask::remaining).sum()).isEqualTo(7);
    }

    private static void assertPrunedAreZero(Pruner pruner, Map<String, float[]> weights) {
        pruner.masks()
                .forEach(
                        (name, mask) -> {
                            for (int i = 0; i < mask.size(); i++) {
                                if (!mask.isAlive(i)) {
                                    assertThat(weights.get(name)[i]).isZero();
                                }
                            }
                        });
    }

    /**
     * Two outputs of three inputs without a bias: the logit of class 0 has the gradient x in the
     * first row and 0 in the second, so that the scores of the weights ω drawn from the seed are
     * |ω·x| and 0. What the network's own weights are, does not matter.
     */
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5})
    void theReleasedVariantScoresWeightsDrawnFromTheSeed(long seed) throws Exception {
        float[] x = {.5f, -1, 2};
        float[] own = {1, 2, 3, 4, 5, 6};
        Pruner pruner =
                Pruner.builder()
                        .setMethod(Snip.builder().optVariant(Snip.Variant.RELEASED).build())
                        .setSchedule(Schedule.beforeTraining(5 / 6d, 1))
                        .optSeed(seed)
                        .build();
        with(
                Linear.builder().setUnits(2).optBias(false).build(),
                Loss.softmaxCrossEntropyLoss(),
                pruner,
                new Shape(1, 3),
                (trainer, manager) -> {
                    NDArray weight =
                            trainer.getModel().getBlock().getParameters().valueAt(0).getArray();
                    weight.set(own);
                    ArrayDataset data =
                            new ArrayDataset.Builder()
                                    .setData(manager.create(x, new Shape(1, 3)))
                                    .optLabels(manager.zeros(new Shape(1)))
                                    .setSampling(1, false)
                                    .build();
                    pruner.pruneBeforeTraining(trainer, data, 1);

                    // The first pruning draws by the seed and 1.
                    float[] drawn = new XavierNormal().draw(pruner.parameters().get(0), seed + 1);
                    int best = 0;
                    for (int j = 1; j < 3; j++) {
                        if (Math.abs(drawn[j] * x[j]) > Math.abs(drawn[best] * x[best])) {
                            best = j;
                        }
                    }
                    float[] expected = new float[6];
                    expected[best] = own[best];
                    assertThat(weight.toFloatArray()).containsExactly(expected);
                });
    }

    @Test
    void anyMethodCanPruneBeforeTraining() {
        Pruner pruner = pruner(new RandomPruning(), Schedule.oneShot(.5, Unit.EPOCH, 0));
        try (TinyTraining tiny = new TinyTraining(1)) {
            tiny.prepared(
                    pruner.wrap(TinyTraining.sgd()),
                    (trainer, data) -> pruner.pruneBeforeTraining(trainer, data, 1),
                    pruner.listener());
        }
        assertThat(pruner.masks().values().stream().mapToInt(Mask::remaining).sum()).isEqualTo(36);
    }

    @Test
    void trainingWithoutItEndsInASentence() {
        Pruner pruner = pruner(new Snip(), Schedule.beforeTraining(.5, 1));
        try (TinyTraining tiny = new TinyTraining(1)) {
            assertThatThrownBy(
                            () -> tiny.fit(pruner.wrap(TinyTraining.sgd()), 1, pruner.listener()))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("call pruner.pruneBeforeTraining(...)");
        }
    }

    @Test
    void aScheduleWithoutSuchAPruningIsRefused() {
        Pruner pruner = pruner(new Snip(), Schedule.toSparsity(.5).overEpochs(3));
        assertRefused(pruner, 1, "plans no pruning before training");
    }

    @ParameterizedTest
    @ValueSource(ints = {0, -1})
    void noBatchesAreRefused(int batches) {
        Pruner pruner = pruner(new Snip(), Schedule.beforeTraining(.5, 1));
        assertRefused(pruner, batches, "must be at least 1, got " + batches);
    }

    private static void assertRefused(Pruner pruner, int batches, String sentence) {
        try (TinyTraining tiny = new TinyTraining(1)) {
            tiny.prepared(
                    pruner.wrap(TinyTraining.sgd()),
                    (trainer, data) ->
                            assertThatThrownBy(
                                            () ->
                                                    pruner.pruneBeforeTraining(
                                                            trainer, data, batches))
                                    .hasMessageContaining(sentence),
                    pruner.listener());
        }
    }

    @Test
    void afterTheFirstStepItIsTooLate() {
        Pruner pruner = pruner(new RandomPruning(), Schedule.beforeTraining(.5, 1));
        try (TinyTraining tiny = new TinyTraining(1)) {
            tiny.prepared(
                    pruner.wrap(TinyTraining.sgd()),
                    (trainer, data) -> {
                        EasyTrain.fit(trainer, 1, data, null);
                        assertThatThrownBy(() -> pruner.pruneBeforeTraining(trainer, data, 1))
                                .hasMessageStartingWith("The training has begun");
                    },
                    pruner.listener());
        }
    }

    /** Labels that equal the outputs leave no gradient. */
    @Test
    void aGradientOfZeroIsNamed() {
        assertThatThrownBy(
                        () ->
                                kept(
                                        Schedule.beforeTraining(.5, 1),
                                        1,
                                        THETA,
                                        new float[] {1, 0, 0, 0, 1}))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageStartingWith("No gradient reaches the prunable weights");
    }
}
