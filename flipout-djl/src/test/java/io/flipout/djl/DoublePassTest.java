package io.flipout.djl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.core.Linear;
import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.Trainer;
import ai.djl.training.dataset.ArrayDataset;
import ai.djl.training.dataset.Batch;
import ai.djl.training.dataset.Dataset;
import ai.djl.training.loss.Loss;
import ai.djl.translate.Batchifier;
import ai.djl.util.Progress;
import io.flipout.mask.BlockPaths;
import io.flipout.mask.Mask;
import io.flipout.method.GradientSignalPreservation;
import io.flipout.method.PruningMethod;
import io.flipout.method.SynapticFlow;
import io.flipout.schedule.Schedule;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** SynFlow and GraSP, whose networks are computed in double. */
class DoublePassTest {

    private static Linear linear(int units) {
        return Linear.builder().setUnits(units).optBias(false).build();
    }

    /** Prunes a network of linear layers with these weights, before training. */
    private static List<byte[]> masks(
            PruningMethod method,
            Schedule schedule,
            Block block,
            float[] inputs,
            float[] labels,
            float[]... weights)
            throws Exception {
        Pruner pruner = Pruner.builder().setMethod(method).setSchedule(schedule).build();
        List<byte[]> masks = new ArrayList<>();
        try (Model model = Model.newInstance("tiny");
                NDManager manager = NDManager.newBaseManager()) {
            model.setBlock(block);
            DefaultTrainingConfig config =
                    new DefaultTrainingConfig(Loss.l2Loss())
                            .optOptimizer(pruner.wrap(TinyTraining.sgd()))
                            .addTrainingListeners(pruner.listener());
            try (Trainer trainer = model.newTrainer(config)) {
                int width = inputs.length / labels.length;
                trainer.initialize(new Shape(1, width));
                Iterator<Parameter> parameters = BlockPaths.parameters(block).values().iterator();
                for (float[] values : weights) {
                    parameters.next().getArray().set(values);
                }
                ArrayDataset data =
                        new ArrayDataset.Builder()
                                .setData(manager.create(inputs, new Shape(labels.length, width)))
                                .optLabels(manager.create(labels, new Shape(labels.length, 1)))
                                .setSampling(labels.length, false)
                                .build();
                pruner.pruneBeforeTraining(trainer, data, 1);
                pruner.masks().values().forEach(mask -> masks.add(mask.bytes().clone()));
            }
        }
        return masks;
    }

    /**
     * W1 = (1, −2), W2 = 3: R = 9, and the scores are 3, 6 and 9, those of each layer 9. The data
     * count for nothing.
     */
    @Test
    void synFlowScoresByTheFlowThroughAWeight() throws Exception {
        float[] inputs = {-7, 100};
        float[] labels = {5};
        for (int keep = 2; keep >= 1; keep--) {
            Block block = new SequentialBlock().add(linear(1)).add(linear(1));
            List<byte[]> masks =
                    masks(
                            new SynapticFlow(),
                            Schedule.beforeTraining(1 - keep / 3d, 1),
                            block,
                            inputs,
                            labels,
                            new float[] {1, -2},
                            new float[] {3});
            assertThat(masks.get(0)).containsExactly(0, keep == 2 ? 1 : 0);
            assertThat(masks.get(1)).containsExactly(1);
        }
    }

    /** 85 of 85,000 weights. */
    @Test
    void synFlowCutsNoLayerOffGivenRoundsEnough() throws Exception {
        Block block =
                new SequentialBlock()
                        .add(linear(100))
                        .add(Activation::relu)
                        .add(linear(60))
                        .add(Activation::relu)
                        .add(linear(10));
        List<byte[]> masks =
                masks(
                        new SynapticFlow(),
                        Schedule.beforeTraining(.999, 100),
                        block,
                        new float[784],
                        new float[1]);
        int alive = 0;
        int weights = 0;
        for (byte[] mask : masks) {
            int left = 0;
            for (byte b : mask) {
                left += b;
            }
            assertThat(left).isPositive();
            alive += left;
            weights += mask.length;
        }
        assertThat(alive).isEqualTo(Math.round(weights * .001));
    }

    /**
     * y = θ·x with the samples (2, 0) and (0, √2), labels 0 and the loss ½·mean(y²): H = diag(2,
     * 1). θ = (1, 3) has g = (2, 3), H·g = (4, 3) and −θ·(H·g) = (−4, −9): the first goes, though
     * it has the larger gradient by its weight.
     */
    @Test
    void grasPKeepsTheNormOfTheGradient() throws Exception {
        List<byte[]> masks =
                masks(
                        GradientSignalPreservation.builder().optTemperature(1).build(),
                        Schedule.beforeTraining(.5, 1),
                        linear(1),
                        new float[] {2, 0, 0, (float) Math.sqrt(2)},
                        new float[] {0, 0},
                        new float[] {1, 3});
        assertThat(masks.get(0)).containsExactly(0, 1);
    }

    /** A batch whose memory is somebody else's once it is closed. */
    private static final class Passing extends Batch {

        private Passing(NDManager manager, NDArray data, NDArray labels) {
            super(
                    manager,
                    new NDList(data),
                    new NDList(labels),
                    2,
                    Batchifier.STACK,
                    Batchifier.STACK,
                    0,
                    1);
        }

        @Override
        public void close() {
            getLabels().head().set(new NDIndex("..."), 1000);
            super.close();
        }
    }

    /** Labels of the loss are whole numbers, a type that is not changed for the pass. */
    @Test
    void whatIsShownAgainIsNotWhatTheBatchHasLeft() throws Exception {
        Pruner pruner =
                Pruner.builder()
                        .setMethod(GradientSignalPreservation.builder().optTemperature(1).build())
                        .setSchedule(Schedule.beforeTraining(.5, 1))
                        .build();
        Dataset passing =
                new Dataset() {
                    @Override
                    public Iterable<Batch> getData(NDManager manager) {
                        NDManager owner = manager.newSubManager();
                        NDArray data = owner.create(new float[] {1, 2, 3, 5}, new Shape(2, 2));
                        return List.of(new Passing(owner, data, owner.create(new long[] {0, 1})));
                    }

                    @Override
                    public void prepare(Progress progress) {}
                };
        try (Model model = Model.newInstance("tiny")) {
            model.setBlock(linear(2));
            DefaultTrainingConfig config =
                    new DefaultTrainingConfig(Loss.softmaxCrossEntropyLoss())
                            .optOptimizer(pruner.wrap(TinyTraining.sgd()))
                            .addTrainingListeners(pruner.listener());
            try (Trainer trainer = model.newTrainer(config)) {
                trainer.initialize(new Shape(1, 2));
                pruner.pruneBeforeTraining(trainer, passing, 1);
                assertThat(pruner.report().remaining()).isEqualTo(2);
            }
        }
    }

    static Stream<Arguments> methods() {
        return Stream.of(
                Arguments.of(GradientSignalPreservation.builder().build(), 1),
                Arguments.of(GradientSignalPreservation.builder().build(), 3),
                Arguments.of(new SynapticFlow(), 7));
    }

    @ParameterizedTest
    @MethodSource("methods")
    void nothingIsTouchedButWhatIsPruned(PruningMethod method, int prunings) {
        Pruner pruner =
                Pruner.builder()
                        .setMethod(method)
                        .setSchedule(Schedule.beforeTraining(.9, prunings))
                        .build();
        try (TinyTraining tiny = new TinyTraining(1)) {
            tiny.prepared(
                    pruner.wrap(TinyTraining.sgd()),
                    (trainer, data) -> {
                        Map<String, float[]> before = values(tiny.block());
                        pruner.pruneBeforeTraining(trainer, data, 3);
                        for (Map.Entry<String, Mask> entry : pruner.masks().entrySet()) {
                            float[] expected = before.get(entry.getKey());
                            for (int i = 0; i < expected.length; i++) {
                                expected[i] = entry.getValue().isAlive(i) ? expected[i] : 0;
                            }
                        }
                        Map<String, float[]> after = values(tiny.block());
                        before.forEach(
                                (name, v) -> assertThat(after.get(name)).as(name).isEqualTo(v));
                        assertThat(before.keySet()).anyMatch(name -> name.endsWith("runningMean"));
                        int left = 0;
                        for (Mask mask : pruner.masks().values()) {
                            left += mask.remaining();
                        }
                        assertThat(left).isEqualTo(7);
                    },
                    pruner.listener());
        }
    }

    private static Map<String, float[]> values(Block block) {
        Map<String, float[]> values = new LinkedHashMap<>();
        for (Map.Entry<String, Parameter> entry : BlockPaths.parameters(block).entrySet()) {
            NDArray array = entry.getValue().getArray();
            values.put(entry.getKey(), array.toFloatArray());
            if (entry.getValue().requiresGradient()) {
                values.put(entry.getKey() + ".grad", array.getGradient().toFloatArray());
            }
        }
        return values;
    }

    @Test
    void aNetworkThatLetsNothingThroughIsNamed() {
        assertThatThrownBy(
                        () ->
                                masks(
                                        new SynapticFlow(),
                                        Schedule.beforeTraining(.5, 1),
                                        new SequentialBlock().add(linear(1)).add(linear(1)),
                                        new float[2],
                                        new float[1],
                                        new float[] {1, -2},
                                        new float[] {0}))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("its outputs add up to 0.0");
    }
}
