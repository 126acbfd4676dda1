package io.flipout.djl.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.Model;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.Parameter;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.core.Linear;
import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.GradientCollector;
import ai.djl.training.Trainer;
import ai.djl.training.loss.Loss;
import ai.djl.training.tracker.Tracker;
import io.flipout.djl.Path;
import io.flipout.djl.torchscript.Python;
import io.flipout.mask.BlockPaths;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Adam, RMSprop, Adagrad and SGD against PyTorch, and what all of them share. */
class OptimizersTest {

    private static final int STEPS = 1_000;
    private static final int IMAGES = 32;

    @TempDir private java.nio.file.Path folder;

    private static Adam.Builder adam() {
        return Adam.builder().setLearningRateTracker(Tracker.fixed(.001f));
    }

    private static RmsProp.Builder rmsProp() {
        return RmsProp.builder().setLearningRateTracker(Tracker.fixed(.001f));
    }

    private static Adagrad.Builder adagrad() {
        return Adagrad.builder().setLearningRateTracker(Tracker.fixed(.01f));
    }

    /** How an optimizer is made, here and in PyTorch. */
    private record Kind(String torch, ElementwiseOptimizer optimizer) {
        @Override
        public String toString() {
            return torch;
        }
    }

    private static List<Kind> kinds() {
        return List.of(
                new Kind("Adam(w, lr=.001)", adam().build()),
                new Kind(
                        "Adam(w, lr=.001, betas=(.8, .99), eps=1e-4, weight_decay=.01)",
                        adam().optBeta1(.8)
                                .optBeta2(.99)
                                .optEpsilon(1e-4)
                                .optWeightDecays(.01f)
                                .build()),
                new Kind(
                        "AdamW(w, lr=.001, weight_decay=.1)",
                        adam().optDecoupledWeightDecay(true).optWeightDecays(.1f).build()),
                new Kind("RMSprop(w, lr=.001)", rmsProp().build()),
                new Kind(
                        "RMSprop(w, lr=.001, alpha=.9, eps=1e-3, weight_decay=.01, momentum=.5)",
                        rmsProp()
                                .optAlpha(.9)
                                .optEpsilon(1e-3)
                                .optWeightDecays(.01f)
                                .optMomentum(.5f)
                                .build()),
                new Kind("Adagrad(w, lr=.01)", adagrad().build()),
                new Kind(
                        "SGD(w, lr=.01, momentum=.9, nesterov=True, weight_decay=.001)",
                        Sgd.builder()
                                .setLearningRateTracker(Tracker.fixed(.01f))
                                .optMomentum(.9f)
                                .optNesterov(true)
                                .optWeightDecays(.001f)
                                .build()));
    }

    private static String line(float... values) {
        List<String> words = new ArrayList<>();
        for (float value : values) {
            words.add(Double.toString(value));
        }
        return String.join(" ", words);
    }

    /** The same network in Java and in Python: the distance is measured by the weights' norm. */
    @ParameterizedTest
    @EnumSource(Path.class)
    void aThousandStepsAreThoseOfPyTorch(Path path) throws Exception {
        Python.assumeTorch();
        List<String> numbers = new ArrayList<>();
        List<float[]> ours = new ArrayList<>();
        path.run(() -> kinds().forEach(kind -> ours.add(train(kind.optimizer(), numbers))));
        Files.write(folder.resolve("optimizers.txt"), kinds().stream().map(Kind::torch).toList());
        Files.write(folder.resolve("numbers.txt"), numbers.subList(0, 6));
        List<String> theirs = Python.run("optimize.py", folder);

        for (int i = 0; i < ours.size(); i++) {
            String[] words = theirs.get(i).split(" ", -1);
            String[] begin = String.join(" ", numbers.subList(2, 6)).split(" ", -1);
            double distance = 0;
            double norm = 0;
            double moved = 0;
            for (int j = 0; j < words.length; j++) {
                double their = Double.parseDouble(words[j]);
                distance += Math.pow(ours.get(i)[j] - their, 2);
                norm += their * their;
                moved += Math.pow(their - Double.parseDouble(begin[j]), 2);
            }
            String what = kinds().get(i).torch();
            assertThat(Math.sqrt(moved / norm)).as("%s learns", what).isGreaterThan(.1);
            assertThat(Math.sqrt(distance / norm)).as(what).isLessThan(1e-6);
        }
    }

    private static float[] train(ElementwiseOptimizer optimizer, List<String> numbers) {
        Random random = new Random(5);
        float[] inputs = new float[IMAGES * 6];
        float[] labels = new float[IMAGES];
        for (int i = 0; i < inputs.length; i++) {
            inputs[i] = (float) random.nextGaussian();
        }
        for (int i = 0; i < labels.length; i++) {
            labels[i] = random.nextInt(3);
        }
        numbers.add(line(inputs));
        numbers.add(line(labels));
        Engine.getInstance().setRandomSeed(2);
        try (Model model = Model.newInstance("tiny")) {
            model.setBlock(
                    new SequentialBlock()
                            .add(Linear.builder().setUnits(8).build())
                            .add(Activation::tanh)
                            .add(Linear.builder().setUnits(3).build()));
            DefaultTrainingConfig config =
                    new DefaultTrainingConfig(Loss.softmaxCrossEntropyLoss())
                            .optOptimizer(optimizer);
            try (Trainer trainer = model.newTrainer(config)) {
                trainer.initialize(new Shape(IMAGES, 6));
                List<Parameter> parameters =
                        List.copyOf(BlockPaths.parameters(model.getBlock()).values());
                parameters.forEach(p -> numbers.add(line(p.getArray().toFloatArray())));
                NDManager manager = trainer.getManager();
                NDArray x = manager.create(inputs, new Shape(IMAGES, 6));
                NDArray y = manager.create(labels);
                for (int step = 0; step < STEPS; step++) {
                    try (NDManager scratch = manager.newSubManager()) {
                        x.attach(scratch);
                        try (GradientCollector collector = trainer.newGradientCollector()) {
                            NDList outputs = trainer.forward(new NDList(x));
                            collector.backward(trainer.getLoss().evaluate(new NDList(y), outputs));
                        }
                        trainer.step();
                        x.attach(manager);
                    }
                }
                float[] end = new float[0];
                for (Parameter parameter : parameters) {
                    float[] values = parameter.getArray().toFloatArray();
                    int size = end.length;
                    end = Arrays.copyOf(end, size + values.length);
                    System.arraycopy(values, 0, end, size, values.length);
                }
                return end;
            }
        }
    }

    private static float[] step(NDManager manager, ElementwiseOptimizer optimizer, float... g) {
        NDArray weight = manager.ones(new Shape(g.length));
        optimizer.update("w", weight, manager.create(g));
        return weight.toFloatArray();
    }

    /** A first step of Adam is η·g/(|g| + ε): of .1 and −4 the same. */
    @ParameterizedTest
    @EnumSource(Path.class)
    void theFirstStepsWorkedByHand(Path path) {
        path.run(
                () -> {
                    try (NDManager manager = NDManager.newBaseManager()) {
                        assertThat(step(manager, adam().build(), .1f, -4))
                                .containsExactly(new float[] {.999f, 1.001f}, within(1e-6f));
                        // v = .01·g²: a step of η·g/(.1·|g|).
                        assertThat(step(manager, rmsProp().build(), .1f, -4))
                                .containsExactly(new float[] {.99f, 1.01f}, within(1e-6f));
                        assertThat(step(manager, adagrad().build(), .1f, -4))
                                .containsExactly(new float[] {.99f, 1.01f}, within(1e-6f));
                        // 1 − .001·.5 and then the step; with the decay in the gradient, 0.
                        assertThat(
                                        step(
                                                manager,
                                                adam().optWeightDecays(.5f)
                                                        .optDecoupledWeightDecay(true)
                                                        .build(),
                                                -.5f))
                                .containsExactly(new float[] {1.0005f}, within(1e-6f));
                        assertThat(step(manager, adam().optWeightDecays(.5f).build(), -.5f))
                                .containsExactly(1);
                    }
                });
    }

    /** Clearing the means makes the next step a first one again, while the count goes on. */
    @ParameterizedTest
    @EnumSource(Path.class)
    void aClearedStateBeginsAnewAndIsRestored(Path path) {
        path.run(
                () -> {
                    try (NDManager manager = NDManager.newBaseManager()) {
                        for (Kind kind : kinds()) {
                            ElementwiseOptimizer optimizer = kind.optimizer();
                            NDArray weight = manager.ones(new Shape(2));
                            NDArray gradient = manager.create(new float[] {.3f, -2});
                            optimizer.update("w", weight, gradient);
                            float[] first = weight.toFloatArray();
                            optimizer.update("w", weight, gradient);
                            optimizer.clear("w", weight);
                            assertThat(optimizer.updates("w", weight)).isEqualTo(2);
                            assertThat(optimizer.clearedAt("w", weight)).isEqualTo(2);
                            weight.set(new float[] {1, 1});
                            optimizer.update("w", weight, gradient);
                            assertThat(weight.toFloatArray()).as(kind.torch()).isEqualTo(first);

                            List<float[]> state =
                                    optimizer.state("w", weight).stream()
                                            .map(NDArray::toFloatArray)
                                            .collect(Collectors.toList());
                            optimizer.update("w", weight, gradient);
                            float[] expected = weight.toFloatArray();
                            weight.set(first);
                            optimizer.restore("w", state, 3, 2);
                            optimizer.update("w", weight, gradient);
                            assertThat(weight.toFloatArray()).as(kind.torch()).isEqualTo(expected);
                            assertThat(optimizer.updates("w", weight)).isEqualTo(4);
                        }
                    }
                });
    }

    @Test
    void theStateOfAnotherOptimizerIsRefused() {
        assertThatThrownBy(() -> adam().build().restore("w", List.of(new float[2]), 1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("of another optimizer: it has 1 numbers a weight");
    }

    @Test
    void valuesOutOfRangeAreRefused() {
        assertThatThrownBy(() -> Adam.builder().build()).hasMessageContaining("learning rate");
        assertThatThrownBy(() -> adam().optBeta1(1).build())
                .hasMessage("The beta 1 must lie in [0, 1), got 1.0");
        assertThatThrownBy(() -> adam().optBeta2(-.1).build()).hasMessageContaining("beta 2");
        assertThatThrownBy(() -> adam().optEpsilon(0).build())
                .hasMessageContaining("greater than 0, got 0");
        assertThatThrownBy(() -> rmsProp().optAlpha(Double.NaN).build())
                .hasMessageContaining("alpha must lie in [0, 1), got NaN");
        assertThatThrownBy(() -> rmsProp().optMomentum(1).build())
                .hasMessageContaining("momentum must lie in [0, 1)");
        assertThatThrownBy(() -> adagrad().optEpsilon(Double.POSITIVE_INFINITY).build())
                .hasMessageContaining("Epsilon");
    }
}
