package io.flipout.djl.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.core.Linear;
import ai.djl.training.GradientCollector;
import ai.djl.training.tracker.Tracker;
import io.flipout.djl.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class SgdTest {

    private static Sgd.Builder at(float rate) {
        return Sgd.builder().setLearningRateTracker(Tracker.fixed(rate));
    }

    private static Sgd momentum(Tracker rate) {
        return Sgd.builder().setLearningRateTracker(rate).optMomentum(.9f).build();
    }

    private static void in(Path path, Consumer<NDManager> test) {
        path.run(
                () -> {
                    try (NDManager manager = NDManager.newBaseManager()) {
                        test.accept(manager);
                    }
                });
    }

    /** DJL's own arrives at −100.1153: it keeps the old rate in its velocity. */
    @ParameterizedTest
    @EnumSource(Path.class)
    void momentumSurvivesADropOfTheLearningRateAsInPyTorch(Path path) {
        in(
                path,
                manager -> {
                    Sgd sgd =
                            Sgd.builder()
                                    .setLearningRateTracker(new Milestones(.1f, .1f, 100))
                                    .optMomentum(.9f)
                                    .build();
                    NDArray weight = manager.zeros(new Shape(1));
                    NDArray gradient = manager.ones(new Shape(1));
                    for (int step = 0; step < 120; step++) {
                        sgd.update("w", weight, gradient);
                    }

                    assertThat(weight.getFloat(0)).isCloseTo(-93.0002f, within(1e-3f));
                });
    }

    @ParameterizedTest
    @EnumSource(Path.class)
    void weightDecayIsAddedToTheGradient(Path path) {
        in(
                path,
                manager -> {
                    NDArray weight = manager.create(new float[] {1, -1});
                    NDArray gradient = manager.create(new float[] {2, 2});
                    at(.1f).optWeightDecays(.5f).build().update("w", weight, gradient);

                    assertThat(weight.toFloatArray())
                            .containsExactly(new float[] {.75f, -1.15f}, within(1e-6f));
                    assertThat(gradient.toFloatArray()).containsExactly(2, 2);
                });
    }

    @ParameterizedTest
    @EnumSource(Path.class)
    void clippingCutsBothSidesBeforeWeightDecay(Path path) {
        in(
                path,
                manager -> {
                    NDArray weight = manager.create(new float[] {4, 4, 4});
                    at(1).optClipGrad(1)
                            .optWeightDecays(.5f)
                            .build()
                            .update("w", weight, manager.create(new float[] {-5, .5f, 5}));

                    assertThat(weight.toFloatArray())
                            .containsExactly(new float[] {3, 1.5f, 1}, within(1e-6f));
                });
    }

    /**
     * v₁ = 1, θ₁ = −.1·(1 + .9·1) = −.19; v₂ = .9 + 2 = 2.9, θ₂ = −.19 − .1·(2 + .9·2.9) = −.651.
     */
    @ParameterizedTest
    @EnumSource(Path.class)
    void nesterovLooksAheadAlongTheNewVelocity(Path path) {
        in(
                path,
                manager -> {
                    Sgd sgd = at(.1f).optMomentum(.9f).optNesterov(true).build();
                    NDArray weight = manager.zeros(new Shape(1));
                    sgd.update("w", weight, manager.create(new float[] {1}));
                    assertThat(weight.getFloat(0)).isCloseTo(-.19f, within(1e-6f));
                    sgd.update("w", weight, manager.create(new float[] {2}));
                    assertThat(weight.getFloat(0)).isCloseTo(-.651f, within(1e-6f));
                });
    }

    @Test
    void bothPathsAgreeWithinRounding() {
        for (boolean nesterov : new boolean[] {false, true}) {
            Map<Path, float[]> ends = new EnumMap<>(Path.class);
            for (Path path : Path.values()) {
                in(path, manager -> ends.put(path, walk(manager, nesterov)));
            }

            assertThat(ends.get(Path.DIRECT)).containsExactly(ends.get(Path.ENGINE), within(1e-5f));
        }
    }

    private static float[] walk(NDManager manager, boolean nesterov) {
        Sgd sgd =
                at(.1f).optMomentum(.9f)
                        .optNesterov(nesterov)
                        .optWeightDecays(1e-2f)
                        .optClipGrad(1.5f)
                        .build();
        Random random = new Random(1);
        NDArray weight = manager.ones(new Shape(100, 100));
        for (int step = 0; step < 10; step++) {
            float[] gradient = new float[10_000];
            for (int i = 0; i < gradient.length; i++) {
                gradient[i] = (float) random.nextGaussian();
            }
            sgd.update("w", weight, manager.create(gradient, weight.getShape()));
        }
        return weight.toFloatArray();
    }

    @ParameterizedTest
    @EnumSource(Path.class)
    void theGradientIsZeroedSoThatBackwardPassesDoNotAddUp(Path path) {
        in(
                path,
                manager -> {
                    Sgd sgd = at(1).build();
                    NDArray weight = manager.create(new float[] {10, 10});
                    weight.setRequiresGradient(true);
                    for (int step = 1; step <= 3; step++) {
                        try (GradientCollector collector =
                                Engine.getInstance().newGradientCollector()) {
                            collector.backward(weight.sum());
                        }
                        try (NDArray gradient = weight.getGradient()) {
                            assertThat(gradient.toFloatArray()).containsExactly(1, 1);
                            sgd.update("w", weight, gradient);
                            assertThat(gradient.toFloatArray()).containsExactly(0, 0);
                        }
                        assertThat(weight.toFloatArray()).containsExactly(10 - step, 10 - step);
                    }
                });
    }

    @ParameterizedTest
    @EnumSource(Path.class)
    void stepsLeaveNoArraysBehind(Path path) {
        in(
                path,
                manager -> {
                    Sgd sgd = at(.1f).optMomentum(.9f).optWeightDecays(.1f).optClipGrad(1).build();
                    NDArray weight = manager.ones(new Shape(3, 3));
                    weight.setRequiresGradient(true);
                    try (GradientCollector collector =
                            Engine.getInstance().newGradientCollector()) {
                        collector.backward(weight.sum());
                    }
                    NDArray gradient = manager.ones(new Shape(3, 3));
                    int[] arrays = new int[4];
                    for (int step = 0; step < arrays.length; step++) {
                        sgd.update("w", weight, gradient);
                        arrays[step] = manager.getManagedArrays().size();
                    }
                    assertThat(arrays).containsOnly(arrays[0]);
                });
    }

    @ParameterizedTest
    @EnumSource(Path.class)
    void theCountAdvancesOnceAStepOnTwoMirrors(Path path) {
        in(
                path,
                manager -> {
                    List<Integer> counts = new ArrayList<>();
                    Sgd sgd =
                            Sgd.builder()
                                    .setLearningRateTracker(
                                            (id, count) -> {
                                                counts.add(count);
                                                return .1f;
                                            })
                                    .optMomentum(.9f)
                                    .build();
                    NDArray one = manager.zeros(new Shape(2));
                    NDArray two = manager.zeros(new Shape(2));
                    for (int step = 1; step <= 3; step++) {
                        NDArray gradient = manager.ones(new Shape(2)).muli(step);
                        sgd.update("w", one, gradient);
                        sgd.update("w", two, gradient);
                    }

                    assertThat(counts).containsExactly(1, 1, 2, 2, 3, 3);
                    assertThat(one).isEqualTo(two);
                });
    }

    @ParameterizedTest
    @EnumSource(Path.class)
    void savedVelocitiesContinueAsIfNothingHadHappened(Path path) {
        in(
                path,
                manager -> {
                    Block block = Linear.builder().setUnits(3).build();
                    block.initialize(manager, DataType.FLOAT32, new Shape(1, 2));
                    String id = block.getParameters().valueAt(0).getId();
                    NDArray weight = block.getParameters().valueAt(0).getArray();
                    NDArray gradient = manager.ones(weight.getShape());
                    // After the first update the rate is another, which a velocity alone would not
                    // tell.
                    Tracker rate = new Milestones(.1f, .1f, 1);
                    Sgd sgd = momentum(rate);
                    sgd.update(id, weight, gradient);

                    List<float[]> velocity =
                            sgd.state(id, weight).stream().map(NDArray::toFloatArray).toList();
                    int updates = sgd.updates(id, weight);
                    float[] before = weight.toFloatArray();
                    sgd.update(id, weight, gradient);
                    float[] expected = weight.toFloatArray();

                    weight.set(before);
                    Sgd resumed = momentum(rate);
                    resumed.restore(id, velocity, updates);
                    resumed.update(id, weight, gradient);

                    assertThat(weight.toFloatArray()).isEqualTo(expected);
                });
    }

    @Test
    void milestonesDropTheRateAfterTheirStep() {
        Milestones rate = new Milestones(.1f, .1f, 150, 250);

        int[] steps = {1, 150, 151, 250, 251, 350};
        float[] expected = {.1f, .1f, .01f, .01f, .001f, .001f};
        for (int i = 0; i < steps.length; i++) {
            assertThat(rate.getNewValue(steps[i])).isCloseTo(expected[i], within(1e-8f));
        }
    }

    @Test
    void refusesWhatMakesNoSense() {
        Sgd.Builder builder = Sgd.builder();
        assertThatThrownBy(builder::build).hasMessageContaining("learning rate");
        assertThatThrownBy(() -> at(1).optMomentum(1).build()).hasMessageContaining("[0, 1)");
        assertThatThrownBy(() -> at(1).optNesterov(true).build()).hasMessageContaining("Nesterov");
    }
}
