package io.flipout.djl;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.Device;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Parameter;
import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.Trainer;
import ai.djl.training.loss.Loss;
import ai.djl.training.optimizer.Optimizer;
import io.flipout.adjustment.Adjustment;
import io.flipout.criterion.Criterion;
import io.flipout.djl.training.Sgd;
import io.flipout.mask.BlockPaths;
import io.flipout.mask.Mask;
import io.flipout.method.DeepR;
import io.flipout.method.DynamicSparseTraining;
import io.flipout.method.FlipOut;
import io.flipout.method.GlobalMagnitude;
import io.flipout.method.PruningMethod;
import io.flipout.method.RigL;
import io.flipout.method.SoftDeepR;
import io.flipout.schedule.PruningEvent.Unit;
import io.flipout.schedule.Schedule;
import io.flipout.signal.SignFlips;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Drives updates as DJL does with several devices: every parameter in any order, all its mirrors in
 * a row, the same gradient array for each.
 */
class MirrorsTest {

    private static final int STEPS = 6;

    /**
     * What is left after the steps: the values of each mirror, the masks and the flips, by path.
     */
    private record Outcome(
            List<Map<String, float[]>> mirrors,
            Map<String, byte[]> masks,
            Map<String, int[]> flips) {

        void assertEqualTo(Outcome other) {
            masks.forEach(
                    (path, mask) -> assertThat(mask).as(path).isEqualTo(other.masks.get(path)));
            flips.forEach(
                    (path, count) -> assertThat(count).as(path).isEqualTo(other.flips.get(path)));
            for (Map<String, float[]> mirror : mirrors) {
                mirror.forEach(
                        (path, values) ->
                                assertThat(values)
                                        .as(path)
                                        .isEqualTo(other.mirrors.get(0).get(path)));
            }
        }
    }

    private static Outcome train(int devices, boolean reversed) {
        return train(devices, reversed, Schedule.oneShot(.5, Unit.STEP, 3), false);
    }

    private static Outcome train(
            int devices, boolean reversed, Schedule schedule, boolean movedOffTheModelsDevice) {
        PruningMethod flipOut = FlipOut.builder().build();
        return train(devices, reversed, flipOut, schedule, movedOffTheModelsDevice);
    }

    private static Outcome train(
            int devices,
            boolean reversed,
            PruningMethod method,
            Schedule schedule,
            boolean movedOffTheModelsDevice) {
        Pruner pruner = Pruner.builder().setMethod(method).setSchedule(schedule).optSeed(3).build();
        Optimizer optimizer = pruner.wrap(TinyTraining.sgd());
        Device[] mirrors = new Device[devices];
        for (int i = 0; i < devices; i++) {
            mirrors[i] = Device.of("mirror", i); // The trainer is only asked how many there are.
        }
        try (TinyTraining tiny = new TinyTraining(1);
                NDManager manager = NDManager.newBaseManager()) {
            tiny.block().initialize(manager, DataType.FLOAT32, new Shape(8, 6));
            try (Trainer trainer =
                    tiny.model.newTrainer(
                            new DefaultTrainingConfig(Loss.softmaxCrossEntropyLoss())
                                    .optOptimizer(optimizer)
                                    .optDevices(mirrors))) {
                pruner.listener().onTrainingBegin(trainer);
                Engine.getInstance().setRandomSeed(9);
                Map<String, List<NDArray>> arrays = new LinkedHashMap<>();
                Map<String, Parameter> parameters = BlockPaths.parameters(tiny.block());
                parameters.values().removeIf(parameter -> !parameter.requiresGradient());
                parameters.forEach(
                        (path, parameter) -> {
                            List<NDArray> copies = new ArrayList<>();
                            for (int i = 0; i < devices; i++) {
                                copies.add(
                                        i == 0 && !movedOffTheModelsDevice
                                                ? parameter.getArray()
                                                : parameter.getArray().duplicate());
                            }
                            arrays.put(path, copies);
                        });
                List<String> order = new ArrayList<>(parameters.keySet());
                if (reversed) {
                    Collections.reverse(order);
                }
                for (int step = 0; step < STEPS; step++) {
                    pruner.listener().onTrainingBatch(trainer, null);
                    for (String path : order) {
                        NDArray gradient = gradient(manager, path, step, arrays.get(path).get(0));
                        for (NDArray mirror : arrays.get(path)) {
                            optimizer.update(parameters.get(path).getId(), mirror, gradient);
                        }
                    }
                }
                return outcome(pruner, arrays, devices);
            }
        }
    }

    private static NDArray gradient(NDManager manager, String path, int step, NDArray weight) {
        Random random = new Random(31L * path.hashCode() + step);
        float[] values = new float[(int) weight.size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return manager.create(values, weight.getShape());
    }

    private static Outcome outcome(Pruner pruner, Map<String, List<NDArray>> arrays, int devices) {
        List<Map<String, float[]>> values = new ArrayList<>();
        for (int i = 0; i < devices; i++) {
            Map<String, float[]> mirror = new LinkedHashMap<>();
            for (Map.Entry<String, List<NDArray>> entry : arrays.entrySet()) {
                mirror.put(entry.getKey(), entry.getValue().get(i).toFloatArray());
            }
            values.add(mirror);
        }
        Map<String, byte[]> masks = new LinkedHashMap<>();
        Map<String, int[]> flips = new LinkedHashMap<>();
        for (Map.Entry<String, Mask> entry : pruner.masks().entrySet()) {
            masks.put(entry.getKey(), entry.getValue().bytes().clone());
            pruner.watches(entry.getKey())
                    .forEach(
                            watch ->
                                    flips.put(
                                            entry.getKey(),
                                            ((SignFlips.Counts) watch).flips().clone()));
        }
        return new Outcome(values, masks, flips);
    }

    private static int sum(Outcome outcome) {
        return outcome.flips().values().stream().flatMapToInt(Arrays::stream).sum();
    }

    @ParameterizedTest
    @EnumSource(Path.class)
    void twoMirrorsTrainAndArePrunedAsOne(Path path) {
        path.run(
                () -> {
                    Outcome two = train(2, false);

                    two.assertEqualTo(train(1, false));
                    assertThat(sum(two)).isPositive();
                    int alive = 0;
                    for (byte[] mask : two.masks().values()) {
                        for (byte weight : mask) {
                            alive += weight;
                        }
                    }
                    assertThat(alive).isEqualTo(TinyTraining.WEIGHTS / 2);
                });
    }

    @ParameterizedTest
    @EnumSource(Path.class)
    void theOrderOfUpdatesChangesNothing(Path path) {
        path.run(() -> train(2, true).assertEqualTo(train(2, false)));
    }

    static Stream<Arguments> rewired() {
        return Stream.of(
                        DeepR.builder().optL1(.01f).optNoise(.1f).build(),
                        SoftDeepR.builder().optDensity(.5).optL1(.01f).optNoise(.1f).build(),
                        RigL.builder().optPeriod(2).build())
                .flatMap(method -> Stream.of(Path.values()).map(p -> Arguments.of(p, method)));
    }

    @ParameterizedTest
    @MethodSource("rewired")
    void twoMirrorsAreRewiredAsOne(Path path, PruningMethod method) {
        Schedule schedule = Schedule.beforeTraining(.5, 1);
        path.run(
                () -> {
                    Outcome one = train(1, false, method, schedule, false);

                    train(2, false, method, schedule, false).assertEqualTo(one);
                    train(2, true, method, schedule, false).assertEqualTo(one);
                });
    }

    /** Doubles the weights that stay. */
    private static final PruningMethod DOUBLING =
            new PruningMethod() {
                @Override
                public String name() {
                    return "doubling";
                }

                @Override
                public Criterion criterion() {
                    return GlobalMagnitude.builder().build().criterion();
                }

                @Override
                public Optional<Adjustment> adjustment() {
                    return Optional.of(
                            tensor -> {
                                float[] doubled = tensor.weights().clone();
                                for (int i = 0; i < doubled.length; i++) {
                                    doubled[i] *= 2;
                                }
                                return doubled;
                            });
                }
            };

    /** Before the first step, other devices have copies of what the first pass was taken with. */
    @ParameterizedTest
    @CsvSource({"0, DIRECT", "0, ENGINE", "3, DIRECT", "3, ENGINE"})
    void twoMirrorsAreAdjustedAsOne(long at, Path path) {
        Schedule schedule = Schedule.oneShot(.5, Unit.STEP, at);
        path.run(
                () -> {
                    Outcome one = train(1, false, DOUBLING, schedule, false);

                    train(2, false, DOUBLING, schedule, false).assertEqualTo(one);
                    train(2, true, DOUBLING, schedule, false).assertEqualTo(one);
                    train(1, false, DOUBLING, schedule, true).assertEqualTo(one);
                });
    }

    /** Of latent weights and of thresholds beside them, each mirror has the same. */
    @ParameterizedTest
    @EnumSource(Path.class)
    void latentWeightsOfTwoMirrorsTrainAsOne(Path path) {
        PruningMethod method = DynamicSparseTraining.builder().setStrength(.1).build();
        path.run(
                () -> {
                    Outcome one = train(1, false, method, Schedule.none(), false);

                    train(2, false, method, Schedule.none(), false).assertEqualTo(one);
                    train(2, true, method, Schedule.none(), false).assertEqualTo(one);
                    assertThat(one.masks().get("01Linear.weight")).contains(0).contains(1);
                });
    }

    /** The model lies on one device and trains on another: its own arrays are no mirrors. */
    @ParameterizedTest
    @EnumSource(Path.class)
    void pruningBeforeTheFirstStepWatchesTheArraysThatTrain(Path path) {
        path.run(
                () -> {
                    Schedule schedule = Schedule.oneShot(.5, Unit.STEP, 0);
                    Outcome moved = train(1, false, schedule, true);

                    assertThat(sum(moved)).isPositive();
                });
    }

    @ParameterizedTest
    @EnumSource(Path.class)
    void noiseReachesBiasesAndNorms(Path path) {
        path.run(
                () -> {
                    Map<String, float[]> values = train(1, false).mirrors().get(0);
                    Map<String, float[]> quiet = new LinkedHashMap<>();
                    try (TinyTraining tiny = new TinyTraining(1);
                            NDManager manager = NDManager.newBaseManager()) {
                        tiny.block().initialize(manager, DataType.FLOAT32, new Shape(8, 6));
                        Sgd sgd = TinyTraining.sgd();
                        Map<String, Parameter> parameters = BlockPaths.parameters(tiny.block());
                        for (String name : values.keySet()) {
                            NDArray weight = parameters.get(name).getArray();
                            for (int step = 0; step < STEPS; step++) {
                                sgd.update(name, weight, gradient(manager, name, step, weight));
                            }
                            quiet.put(name, weight.toFloatArray());
                        }
                    }

                    assertThat(values).containsKeys("01Linear.bias", "02BatchNorm.gamma");
                    values.forEach(
                            (name, noisy) ->
                                    assertThat(noisy).as(name).isNotEqualTo(quiet.get(name)));
                });
    }
}
