package io.flipout.djl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.EasyTrain;
import ai.djl.training.optimizer.Optimizer;
import ai.djl.training.tracker.Tracker;
import io.flipout.djl.training.Adam;
import io.flipout.gradient.NoiseScale;
import io.flipout.method.AdaptiveFlipOut;
import io.flipout.method.FlipOut;
import io.flipout.method.GlobalMagnitude;
import io.flipout.method.HoyerSquare;
import io.flipout.method.MovementPruning;
import io.flipout.method.PruningMethod;
import io.flipout.method.RigL;
import io.flipout.schedule.Schedule;
import io.flipout.tensor.DirectMemory;
import java.util.Map;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** A step of all parameters at once is the same as one of each parameter after the other. */
class GradientPathTest {

    private record Outcome(Map<String, float[]> weights, Pruner pruner) {}

    static Stream<Arguments> cases() {
        Stream<Named<PruningMethod>> methods =
                Stream.of(
                        Named.of("flipout", FlipOut.builder().build()),
                        Named.of(
                                "flipout, noise by weight",
                                FlipOut.builder().optNoiseScale(NoiseScale.WEIGHT).build()),
                        Named.of("magnitude", GlobalMagnitude.builder().build()),
                        Named.of("movement", new MovementPruning()),
                        Named.of("hoyer", HoyerSquare.builder().setStrength(1e-3f).build()),
                        Named.of("rigl", RigL.builder().optPeriod(3).build()),
                        Named.of(
                                "flipout-adaptive",
                                AdaptiveFlipOut.builder().setSteps(100).optPeriod(3).build()));
        return methods.flatMap(
                method ->
                        Stream.<Named<Supplier<Optimizer>>>of(
                                        Named.of("Sgd", TinyTraining::sgd),
                                        Named.of("Adam", GradientPathTest::adam),
                                        Named.of("DJL's Sgd", GradientPathTest::djls))
                                .flatMap(
                                        optimizer ->
                                                Stream.of(Path.values())
                                                        .map(
                                                                path ->
                                                                        Arguments.of(
                                                                                method, optimizer,
                                                                                path))));
    }

    private static Optimizer adam() {
        return Adam.builder()
                .setLearningRateTracker(Tracker.fixed(.01f))
                .optWeightDecays(1e-3f)
                .build();
    }

    private static Optimizer djls() {
        return Optimizer.sgd().setLearningRateTracker(Tracker.fixed(.1f)).optMomentum(.9f).build();
    }

    private static Outcome train(PruningMethod method, Optimizer base, boolean whole) {
        Pruner pruner =
                Pruner.builder()
                        .setMethod(method)
                        .setSchedule(
                                method instanceof RigL
                                        ? Schedule.beforeTraining(.8, 1)
                                        : Schedule.toSparsity(.9).overEpochs(5))
                        .build();
        try (TinyTraining tiny = new TinyTraining(1)) {
            Optimizer wrapped = pruner.wrap(base);
            tiny.fit(whole ? wrapped : new OneByOne(wrapped), 6, pruner.listener());
            return new Outcome(tiny.weights(), pruner);
        }
    }

    /** Older DJL hands out no memory, so that the engine computes both ways. */
    private static boolean isHandedOut() {
        try (NDManager manager = NDManager.newBaseManager()) {
            return DirectMemory.of(manager.ones(new Shape(1))).isPresent();
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void aWholeStepIsThatOfEachParameter(
            PruningMethod method, Supplier<Optimizer> optimizer, Path path) {
        path.run(
                () -> {
                    Outcome whole = train(method, optimizer.get(), true);
                    Outcome single = train(method, optimizer.get(), false);

                    whole.pruner()
                            .masks()
                            .forEach(
                                    (name, mask) ->
                                            assertThat(mask.bytes())
                                                    .as(name)
                                                    .isEqualTo(
                                                            single.pruner()
                                                                    .masks()
                                                                    .get(name)
                                                                    .bytes()));
                    whole.weights()
                            .forEach(
                                    (name, values) -> {
                                        float[] expected = single.weights().get(name);
                                        if (path == Path.DIRECT && isHandedOut()) {
                                            assertThat(values).as(name).isEqualTo(expected);
                                        } else {
                                            assertThat(values)
                                                    .as(name)
                                                    .containsExactly(expected, within(1e-4f));
                                        }
                                    });
                });
    }

    /** NDArray.set gives an array other memory, and frees what it had: nobody may write there. */
    @ParameterizedTest
    @EnumSource(Path.class)
    void weightsThatAreSetBetweenStepsStayPruned(Path path) {
        path.run(
                () -> {
                    Pruner pruner =
                            Pruner.builder()
                                    .setMethod(FlipOut.builder().build())
                                    .setSchedule(Schedule.toSparsity(.9).overEpochs(5))
                                    .build();
                    try (TinyTraining tiny = new TinyTraining(1)) {
                        tiny.prepared(
                                pruner.wrap(TinyTraining.sgd()),
                                (trainer, data) -> {
                                    for (int epoch = 0; epoch < 6; epoch++) {
                                        NDArray weight =
                                                tiny.block()
                                                        .getChildren()
                                                        .valueAt(0)
                                                        .getParameters()
                                                        .valueAt(0)
                                                        .getArray();
                                        float[] values = weight.toFloatArray();
                                        for (int i = 0; i < values.length; i++) {
                                            values[i] += .5f;
                                        }
                                        weight.set(values);
                                        EasyTrain.fit(trainer, 1, data, null);
                                    }
                                },
                                pruner.listener());
                        pruner.masks()
                                .forEach(
                                        (name, mask) -> {
                                            float[] values = tiny.weights().get(name);
                                            for (int i = 0; i < values.length; i++) {
                                                assertThat(values[i] == 0)
                                                        .as(name)
                                                        .isEqualTo(!mask.isAlive(i));
                                            }
                                        });
                    }
                });
    }
}
