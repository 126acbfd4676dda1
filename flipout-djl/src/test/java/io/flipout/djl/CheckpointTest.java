package io.flipout.djl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.nn.Parameter;
import ai.djl.training.EasyTrain;
import ai.djl.training.Trainer;
import ai.djl.training.dataset.Batch;
import ai.djl.training.dataset.Dataset;
import ai.djl.training.optimizer.Optimizer;
import ai.djl.training.tracker.Tracker;
import ai.djl.translate.TranslateException;
import io.flipout.criterion.Criterion;
import io.flipout.djl.checkpoint.Checkpoint;
import io.flipout.djl.checkpoint.CheckpointException;
import io.flipout.djl.training.Adagrad;
import io.flipout.djl.training.Adam;
import io.flipout.djl.training.RmsProp;
import io.flipout.gradient.NoiseScale;
import io.flipout.mask.BlockPaths;
import io.flipout.mask.Mask;
import io.flipout.method.AdaptiveFlipOut;
import io.flipout.method.DeepR;
import io.flipout.method.DynamicSparseTraining;
import io.flipout.method.FilterPruning;
import io.flipout.method.FlipOut;
import io.flipout.method.GlobalMagnitude;
import io.flipout.method.GradientSignalPreservation;
import io.flipout.method.GradualMagnitude;
import io.flipout.method.HoyerSquare;
import io.flipout.method.L0Regularization;
import io.flipout.method.LayerAdaptivePruning;
import io.flipout.method.LayerMagnitude;
import io.flipout.method.LotteryTicket;
import io.flipout.method.MagnitudeUncertainty;
import io.flipout.method.MovementPruning;
import io.flipout.method.NoisyMethod;
import io.flipout.method.PruningMethod;
import io.flipout.method.RandomPruning;
import io.flipout.method.RigL;
import io.flipout.method.Snip;
import io.flipout.method.SoftDeepR;
import io.flipout.method.SparseEvolution;
import io.flipout.method.SynapticFlow;
import io.flipout.method.VariationalDropout;
import io.flipout.schedule.PruningEvent;
import io.flipout.schedule.PruningEvent.Unit;
import io.flipout.schedule.Schedule;
import io.flipout.schedule.Sparsity;
import io.flipout.signal.SignFlips;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class CheckpointTest {

    private static final int EPOCHS = 6;
    private static final int STEPS = EPOCHS * TinyTraining.STEPS_PER_EPOCH;

    @TempDir private Path folder;
    private Path file;

    @BeforeEach
    void nameFile() {
        file = folder.resolve("training.safetensors");
    }

    static Stream<Arguments> methods() {
        Schedule gradual = Schedule.toSparsity(.9).overEpochs(EPOCHS);
        Schedule atOnce = Schedule.beforeTraining(.75, 1);
        return Stream.of(
                Arguments.of(FlipOut.builder().build(), gradual),
                Arguments.of(
                        AdaptiveFlipOut.builder().setSteps(STEPS).optPeriod(3).build(),
                        Schedule.gradual(.8).overSteps(STEPS)),
                Arguments.of(GlobalMagnitude.builder().optNoise(1).build(), gradual),
                Arguments.of(
                        NoisyMethod.builder()
                                .setMethod(new LayerMagnitude())
                                .optNoise(.3f)
                                .optNoiseScale(NoiseScale.ANNEALED)
                                .build(),
                        gradual),
                Arguments.of(
                        FlipOut.builder()
                                .optNoiseScale(NoiseScale.LANGEVIN)
                                .optLangevin(32, step -> .1f / step)
                                .build(),
                        gradual),
                Arguments.of(new LayerMagnitude(), gradual),
                Arguments.of(
                        MagnitudeUncertainty.builder().setValues(3).setLambda(.1).build(), gradual),
                Arguments.of(new LayerAdaptivePruning(), gradual),
                Arguments.of(
                        new GradualMagnitude(), Schedule.cubic(.9).between(Unit.STEP, 0, 20, 4)),
                Arguments.of(
                        new MovementPruning(), Schedule.cubic(.8).between(Unit.STEP, 0, 20, 5)),
                Arguments.of(new RandomPruning(), gradual),
                Arguments.of(LotteryTicket.builder().build(), gradual),
                Arguments.of(LotteryTicket.builder().optRewindStep(2).build(), gradual),
                Arguments.of(
                        HoyerSquare.builder().setStrength(1e-2f).build(),
                        Schedule.belowThreshold(.05, Unit.EPOCH, 4)),
                Arguments.of(new Snip(), atOnce),
                Arguments.of(GradientSignalPreservation.builder().build(), atOnce),
                Arguments.of(new SynapticFlow(), Schedule.beforeTraining(.75, 5)),
                Arguments.of(new FilterPruning(), Schedule.toSparsity(.5).overEpochs(EPOCHS)),
                Arguments.of(RigL.builder().optPeriod(3).optUntil(20).build(), atOnce),
                Arguments.of(SparseEvolution.builder().optPeriod(4).build(), atOnce),
                Arguments.of(DeepR.builder().optL1(1e-3f).optNoise(.1f).build(), atOnce),
                Arguments.of(
                        SoftDeepR.builder().optDensity(.25).optL1(1e-3f).optNoise(.1f).build(),
                        atOnce),
                Arguments.of(
                        L0Regularization.builder().setStrength(.1).setExamples(32).build(),
                        Schedule.none()),
                Arguments.of(
                        L0Regularization.builder()
                                .setStrength(.1)
                                .setExamples(32)
                                .optGatesOfNeurons(true)
                                .build(),
                        Schedule.none()),
                Arguments.of(
                        VariationalDropout.builder()
                                .setExamples(32)
                                .optStrength(.3)
                                .optLogVariance(-4)
                                .optWarmUp(3, 12)
                                .build(),
                        Schedule.none()),
                Arguments.of(
                        DynamicSparseTraining.builder().setStrength(.01).optLeastKept(.1).build(),
                        Schedule.none()));
    }

    private static Pruner pruner(PruningMethod method, Schedule schedule) {
        return Pruner.builder().setMethod(method).setSchedule(schedule).optSeed(5).build();
    }

    /** All that a training has come to. */
    private record State(
            Map<String, List<Float>> network,
            Map<String, List<Byte>> masks,
            List<List<Integer>> flips) {

        static State of(TinyTraining tiny, Pruner pruner) {
            Map<String, List<Float>> network = new LinkedHashMap<>();
            for (Map.Entry<String, Parameter> entry :
                    BlockPaths.parameters(tiny.block()).entrySet()) {
                List<Float> values = new ArrayList<>();
                for (float value : entry.getValue().getArray().toFloatArray()) {
                    values.add(value);
                }
                network.put(entry.getKey(), values);
            }
            Map<String, List<Byte>> masks = new LinkedHashMap<>();
            List<List<Integer>> flips = new ArrayList<>();
            for (Map.Entry<String, Mask> entry : pruner.masks().entrySet()) {
                List<Byte> bytes = new ArrayList<>();
                for (byte b : entry.getValue().bytes()) {
                    bytes.add(b);
                }
                masks.put(entry.getKey(), bytes);
                pruner.watches(entry.getKey()).stream()
                        .filter(SignFlips.Counts.class::isInstance)
                        .map(watch -> ((SignFlips.Counts) watch).flips())
                        .forEach(counts -> flips.add(Arrays.stream(counts).boxed().toList()));
            }
            return new State(network, masks, flips);
        }
    }

    /** Trains to a step, or from the one that a file was saved at, and hands over the end. */
    private State train(Pruner pruner, int seed, boolean isContinued, int from, int to) {
        return train(pruner, TinyTraining.sgd(), seed, isContinued, from, to);
    }

    private State train(
            Pruner pruner, Optimizer optimizer, int seed, boolean isContinued, int from, int to) {
        List<State> end = new ArrayList<>();
        try (TinyTraining tiny = new TinyTraining(seed)) {
            tiny.prepared(
                    pruner.wrap(optimizer),
                    (trainer, data) -> {
                        if (isContinued) {
                            assertThat(pruner.load(file)).containsEntry("step", "" + from);
                        } else if (pruner.events().stream().anyMatch(event -> event.at() == 0)) {
                            pruner.pruneBeforeTraining(trainer, data, 1);
                        }
                        steps(trainer, data, from, to);
                        end.add(State.of(tiny, pruner));
                        if (to < STEPS) {
                            pruner.save(file, Map.of("step", "" + to));
                            // Saving changes nothing.
                            assertThat(State.of(tiny, pruner)).isEqualTo(end.get(0));
                        }
                    },
                    pruner.listener());
        }
        return end.get(0);
    }

    /** Takes the steps after one up to another, as a loop does that notifies its listeners. */
    private static void steps(Trainer trainer, Dataset data, int from, int to)
            throws IOException, TranslateException {
        int step = from / TinyTraining.STEPS_PER_EPOCH * TinyTraining.STEPS_PER_EPOCH;
        while (step < to) {
            for (Batch batch : trainer.iterateDataset(data)) {
                try (batch) {
                    if (step >= from && step < to) {
                        EasyTrain.trainBatch(trainer, batch);
                        trainer.step();
                    }
                }
                step++;
                if (step > from && step <= to && step % TinyTraining.STEPS_PER_EPOCH == 0) {
                    trainer.notifyListeners(listener -> listener.onEpoch(trainer));
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("methods")
    void aTrainingThatStopsAnywhereGoesOnAsIfItHadNot(PruningMethod method, Schedule schedule) {
        State whole = train(pruner(method, schedule), 1, false, 0, STEPS);
        for (int stop = 1; stop < STEPS; stop += 3) {
            train(pruner(method, schedule), 1, false, 0, stop);
            // Another network, whose own weights do not matter.
            State resumed = train(pruner(method, schedule), 2, true, stop, STEPS);
            assertThat(resumed)
                    .as("%s stopped after step %d", method.name(), stop)
                    .isEqualTo(whole);
        }
    }

    static List<Supplier<Optimizer>> optimizers() {
        Tracker rate = Tracker.fixed(.01f);
        return List.of(
                () -> Adam.builder().setLearningRateTracker(rate).build(),
                () -> RmsProp.builder().setLearningRateTracker(rate).optMomentum(.5f).build(),
                () -> Adagrad.builder().setLearningRateTracker(rate).build());
    }

    /** A rewinding clears their means, and what corrects the bias of young ones begins anew. */
    @ParameterizedTest
    @MethodSource("optimizers")
    void otherOptimizersGoOnAsWell(Supplier<Optimizer> optimizer) {
        PruningMethod method = LotteryTicket.builder().optRewindStep(2).build();
        Schedule schedule = Schedule.toSparsity(.9).overEpochs(EPOCHS);
        State whole = train(pruner(method, schedule), optimizer.get(), 1, false, 0, STEPS);
        for (int stop = 2; stop < STEPS; stop += 9) {
            train(pruner(method, schedule), optimizer.get(), 1, false, 0, stop);
            assertThat(train(pruner(method, schedule), optimizer.get(), 2, true, stop, STEPS))
                    .isEqualTo(whole);
        }
        assertThatThrownBy(() -> train(pruner(method, schedule), 2, true, 20, STEPS))
                .rootCause()
                .isInstanceOf(CheckpointException.class)
                .hasMessageContaining("another optimizer: ")
                .hasMessageContaining(", where this one has Sgd.");
    }

    /** As on a GPU, where the engine draws the noise. */
    @Test
    void theEnginesOperationsGoOnAsWell() {
        io.flipout.djl.Path.ENGINE.run(
                () -> {
                    aTrainingThatStopsAnywhereGoesOnAsIfItHadNot(
                            FlipOut.builder().build(), Schedule.toSparsity(.9).overEpochs(EPOCHS));
                    aTrainingThatStopsAnywhereGoesOnAsIfItHadNot(
                            L0Regularization.builder().setStrength(.1).setExamples(32).build(),
                            Schedule.none());
                });
    }

    @Test
    void itMayStopAgainAndAgain() {
        PruningMethod method = FlipOut.builder().build();
        Schedule schedule = Schedule.toSparsity(.9).overEpochs(EPOCHS);
        State whole = train(pruner(method, schedule), 1, false, 0, STEPS);
        train(pruner(method, schedule), 1, false, 0, 1);
        for (int step = 1; step < STEPS - 1; step++) {
            train(pruner(method, schedule), step, true, step, step + 1);
        }
        assertThat(train(pruner(method, schedule), 9, true, STEPS - 1, STEPS)).isEqualTo(whole);
    }

    private void assertRefused(Pruner pruner, String sentence) {
        assertThatThrownBy(() -> train(pruner, 2, true, 5, STEPS))
                .rootCause()
                .isInstanceOf(CheckpointException.class)
                .hasMessageContaining(sentence);
    }

    @Test
    void aCheckpointOfAnotherTrainingIsRefusedWithTheDifference() {
        Schedule schedule = Schedule.toSparsity(.9).overEpochs(EPOCHS);
        train(pruner(FlipOut.builder().build(), schedule), 1, false, 0, 5);
        assertRefused(
                pruner(new RandomPruning(), schedule),
                "another method: flipout, where this one has random.");
        assertRefused(
                pruner(FlipOut.builder().build(), Schedule.toSparsity(.8).overEpochs(EPOCHS)),
                "another schedule: ");
        assertRefused(
                Pruner.builder()
                        .setMethod(FlipOut.builder().build())
                        .setSchedule(schedule)
                        .optSeed(6)
                        .build(),
                "another seed: 5, where this one has 6.");
    }

    /** What was saved is of the same name, and of weights that train themselves. */
    @Test
    void aCheckpointWithoutLatentWeightsIsRefused() {
        PruningMethod l0 = L0Regularization.builder().setStrength(1).setExamples(32).build();
        PruningMethod older =
                new PruningMethod() {
                    @Override
                    public String name() {
                        return l0.name();
                    }

                    @Override
                    public Criterion criterion() {
                        return l0.criterion();
                    }
                };
        train(pruner(older, Schedule.none()), 1, false, 0, 5);
        assertRefused(
                pruner(l0, Schedule.none()),
                "lacks the latent weights that l0 trains in the place of 01Linear.weight");
        // Gates of neurons are fewer than those of weights.
        train(pruner(l0, Schedule.none()), 1, false, 0, 5);
        PruningMethod ofNeurons =
                L0Regularization.builder()
                        .setStrength(1)
                        .setExamples(32)
                        .optGatesOfNeurons(true)
                        .build();
        assertRefused(pruner(ofNeurons, Schedule.none()), "lacks the latent weights");
    }

    @Test
    void aTrainingThatHasBegunTakesNoCheckpoint() {
        PruningMethod method = FlipOut.builder().build();
        Schedule schedule = Schedule.toSparsity(.9).overEpochs(EPOCHS);
        train(pruner(method, schedule), 1, false, 0, 5);
        Pruner pruner = pruner(method, schedule);
        try (TinyTraining tiny = new TinyTraining(1)) {
            tiny.prepared(
                    pruner.wrap(TinyTraining.sgd()),
                    (trainer, data) -> {
                        steps(trainer, data, 0, 1);
                        assertThatThrownBy(() -> pruner.load(file))
                                .isInstanceOf(IllegalStateException.class)
                                .hasMessageContaining("The training has begun");
                    },
                    pruner.listener());
        }
    }

    @Test
    void anEarlierFileStaysWholeUntilTheNewOneIs() throws IOException {
        PruningMethod method = FlipOut.builder().build();
        Schedule schedule = Schedule.toSparsity(.9).overEpochs(EPOCHS);
        train(pruner(method, schedule), 1, false, 0, 5);
        byte[] before = Files.readAllBytes(file);
        // A folder stands where the new file would be written first.
        Files.createDirectories(folder.resolve("training.safetensors.tmp").resolve("in-the-way"));
        assertThatThrownBy(() -> train(pruner(method, schedule), 1, false, 0, 7))
                .hasRootCauseInstanceOf(IOException.class);
        assertThat(Files.readAllBytes(file)).isEqualTo(before);
    }

    /** Files whose checksum is right, as it is where somebody means harm. */
    @Test
    void aHostileCheckpointIsLoadedOrRefused() throws Exception {
        PruningMethod method = FlipOut.builder().build();
        Schedule schedule = Schedule.toSparsity(.9).overEpochs(EPOCHS);
        train(pruner(method, schedule), 1, false, 0, 5);
        byte[] whole = Files.readAllBytes(file);
        Path hostile = folder.resolve("hostile.safetensors");
        Files.write(hostile, Arrays.copyOf(whole, whole.length - 32));
        Fuzz.damage(
                hostile,
                400,
                32 << 20,
                Set.of(CheckpointException.class),
                () -> {
                    byte[] bytes = Files.readAllBytes(hostile);
                    Files.write(
                            hostile,
                            MessageDigest.getInstance("SHA-256").digest(bytes),
                            StandardOpenOption.APPEND);
                    Pruner pruner = pruner(method, schedule);
                    try (TinyTraining tiny = new TinyTraining(1)) {
                        tiny.prepared(
                                pruner.wrap(TinyTraining.sgd()),
                                (trainer, data) -> pruner.load(hostile),
                                pruner.listener());
                    } catch (UncheckedIOException e) {
                        throw new CheckpointException(hostile + ": " + e.getCause().getMessage());
                    }
                });
    }

    /** Whether the schedule is the saved one or longer. */
    @Test
    void aCheckpointThatDoesNotTellItsTimeIsRefused() {
        PruningMethod method = FlipOut.builder().build();
        train(pruner(method, Schedule.oneShot(.5, Unit.EPOCH, 1)), 1, false, 0, 5);
        Schedule longer =
                weights ->
                        List.of(
                                new PruningEvent(Unit.EPOCH, 1, Sparsity.keep(weights, .5)),
                                new PruningEvent(Unit.EPOCH, 5, 1));
        for (Schedule schedule : List.of(Schedule.oneShot(.5, Unit.EPOCH, 1), longer)) {
            Pruner pruner = pruner(method, schedule);
            try (TinyTraining tiny = new TinyTraining(1)) {
                tiny.prepared(
                        pruner.wrap(TinyTraining.sgd()),
                        (trainer, data) -> {
                            Map<String, Object> arrays = new LinkedHashMap<>();
                            NetworkState.save(tiny.block(), arrays);
                            arrays.put("clock", new long[] {1});
                            Path timeless = folder.resolve("timeless.safetensors");
                            Map<String, String> metadata =
                                    Checkpoint.read(file).arrays().metadata();
                            Checkpoint.write(timeless, arrays, metadata, Map.of());
                            assertThatThrownBy(() -> pruner.load(timeless))
                                    .isInstanceOf(CheckpointException.class)
                                    .hasMessageContaining("where it had come to");
                        },
                        pruner.listener());
            }
        }
    }

    /** DJL keeps its moments to itself: that they are not in the file is said once, and on load. */
    @Test
    void whatIsNotKeptOfAnOptimizerIsNamed(@TempDir Path folder) {
        Path file = folder.resolve("state");
        Pruner saved = adamPruner();
        List<String> atSave =
                Warnings.of(
                        () -> {
                            try (TinyTraining tiny = new TinyTraining(1)) {
                                tiny.prepared(
                                        saved.wrap(Optimizer.adam().build()),
                                        (trainer, data) -> {
                                            EasyTrain.fit(trainer, 1, data, null);
                                            saved.save(file, Map.of());
                                            saved.save(file, Map.of());
                                        },
                                        saved.listener());
                            }
                        });
        Pruner loaded = adamPruner();
        List<String> atLoad =
                Warnings.of(
                        () -> {
                            try (TinyTraining tiny = new TinyTraining(2)) {
                                tiny.prepared(
                                        loaded.wrap(Optimizer.adam().build()),
                                        (trainer, data) -> loaded.load(file),
                                        loaded.listener());
                            }
                        });

        assertThat(atSave)
                .filteredOn(line -> line.contains("ai.djl.training.optimizer.Adam"))
                .singleElement()
                .asString()
                .contains("moments and the number of updates")
                .contains("is not in the file");
        assertThat(atLoad)
                .filteredOn(line -> line.contains("ai.djl.training.optimizer.Adam"))
                .singleElement()
                .asString()
                .contains("begins anew");
    }

    private static Pruner adamPruner() {
        return Pruner.builder()
                .setMethod(FlipOut.builder().build())
                .setSchedule(Schedule.toSparsity(.5).overEpochs(3))
                .build();
    }
}
