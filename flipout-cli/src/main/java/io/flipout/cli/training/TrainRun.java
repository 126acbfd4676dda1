package io.flipout.cli.training;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.Trainer;
import ai.djl.training.loss.Loss;
import ai.djl.training.tracker.Tracker;
import io.flipout.cli.method.MethodOptions;
import io.flipout.cli.network.Networks;
import io.flipout.cli.option.CheckpointOptions;
import io.flipout.cli.option.DataOptions;
import io.flipout.cli.option.ForwardOptions;
import io.flipout.cli.option.OptimizerOptions;
import io.flipout.cli.run.FolderLock;
import io.flipout.cli.run.MetricsFile;
import io.flipout.cli.run.RunCheckpoints.Found;
import io.flipout.cli.run.RunFolder;
import io.flipout.cli.run.SeenImages;
import io.flipout.cli.run.WeightsFile;
import io.flipout.cli.terminal.Failure;
import io.flipout.cli.terminal.ShellWord;
import io.flipout.cli.terminal.Tables;
import io.flipout.cli.terminal.Terminal;
import io.flipout.djl.Pruner;
import io.flipout.djl.data.ImageDataset;
import io.flipout.djl.data.ImageSet;
import io.flipout.djl.training.DivergedException;
import io.flipout.djl.training.EpochResult;
import io.flipout.djl.training.LoopPosition;
import io.flipout.djl.training.Score;
import io.flipout.djl.training.TrainingLoop;
import io.flipout.report.LayerReport;
import io.flipout.report.SparsityReport;
import io.flipout.schedule.PruningEvent;
import io.flipout.schedule.PruningEvent.Unit;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * One training run: trains, follows, and leaves a folder behind.
 *
 * @param folder the run's folder
 * @param terminal where a user follows it
 * @param modelName the short name of the network
 * @param model the network
 * @param pruner prunes it
 * @param pruning how it does
 * @param optimizer how the network is trained
 * @param forward how it is computed meanwhile
 * @param data what it is trained on
 * @param images the images of that
 * @param examples images to show the network before it is pruned, in an order of their own
 * @param saving when it is saved meanwhile
 * @param devices where it is trained
 * @param seed the seed of everything random
 * @param configuration the options as they were used
 */
public record TrainRun(
        RunFolder folder,
        Terminal terminal,
        String modelName,
        Model model,
        Pruner pruner,
        MethodOptions pruning,
        OptimizerOptions optimizer,
        ForwardOptions forward,
        DataOptions data,
        DataOptions.Images images,
        ImageDataset examples,
        CheckpointOptions saving,
        Device[] devices,
        int seed,
        Map<String, Object> configuration) {

    /** Prunings that are named one by one. */
    private static final int SHOWN = 3;

    /**
     * Trains, from the beginning or a checkpoint.
     *
     * @return the status of the command: 0, or that of the signal that ended the run
     */
    @SuppressWarnings("try") // The lock is held, not used.
    public int run(Optional<Found> from) throws Exception {
        ImageSet set = images.train();
        ImageDataset train =
                data.forRounds(
                        set, optimizer.batchSize(), seed, optimizer.epochs(), pruning.rewindStep());
        pruning.checkRewind((long) optimizer.epochs() * train.batches());
        Tracker rates = optimizer.learningRate(train.batches(), pruning.rewindStep());
        WeightsFile weights = new WeightsFile(pruner);
        DefaultTrainingConfig config =
                new DefaultTrainingConfig(Loss.softmaxCrossEntropyLoss())
                        .optDevices(devices)
                        .optOptimizer(pruner.wrap(optimizer.optimizer(rates)))
                        .addTrainingListeners(pruner.listener());
        try (Trainer trainer = forward.newTrainer(model, config)) {
            boolean isLoaded = model.getBlock().isInitialized();
            trainer.initialize(new Shape(1, set.channels(), set.height(), set.width()));
            if (isLoaded && from.isEmpty()) {
                Networks.checkFits(trainer, modelName, set);
            }
            announce(pruner.events());
            if (from.isEmpty()) {
                pruning.pruneBeforeTraining(pruner, trainer, examples);
            }
            folder.create();
            try (FolderLock lock = folder.lock()) {
                return train(trainer, train, rates, weights, from);
            }
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }

    /** Trains in the folder, which is this run's alone. */
    private int train(
            Trainer trainer,
            ImageDataset train,
            Tracker rates,
            WeightsFile weights,
            Optional<Found> from)
            throws Exception {
        LoopPosition start = from.map(Found::position).orElse(LoopPosition.BEGIN);
        int epochs = optimizer.epochs() * pruning.rounds();
        SeenImages seen = SeenImages.of(images);
        MetricsFile metrics;
        if (from.isPresent()) {
            from.get().images().ifPresent(s -> s.changes(seen).forEach(terminal::note));
            pruner.load(from.get().file());
            examples.setPosition(pruner.prunings(), 0);
            pruner.pruneDue();
            if (from.get().epochs() < epochs) {
                folder.reopen(configuration);
            }
            metrics = new MetricsFile(folder.file(RunFolder.METRICS), start.epochs());
            train.setPosition(start.epochs(), start.batches());
            terminal.line("Going on after epoch %d, batch %d.%n", start.epochs(), start.batches());
        } else {
            metrics = begin();
        }
        RunFollower follower =
                new RunFollower(this, metrics, weights, rates, train, seen, epochs, from);
        List<EpochResult> results;
        try (terminal;
                follower) {
            terminal.begin((long) epochs * train.images().size(), "img");
            results =
                    TrainingLoop.builder()
                            .setTrainer(trainer)
                            .setEpochs(epochs)
                            .setTrain(train)
                            .optValidation(
                                    images.validation().map(data::forEvaluation).orElse(null))
                            .optTest(data.forEvaluation(images.test()))
                            .optProgress(follower)
                            .optStart(start)
                            .optSeed(seed)
                            .build()
                            .run();
        } catch (DivergedException e) {
            throw Failure.of(
                    e.getMessage() + " What was measured before is in " + folder.path() + ".", e);
        } catch (Exception | Error e) {
            if (!follower.hasKeptSomething()) {
                folder.remove();
            } else if (e instanceof UncheckedIOException fault) {
                throw folder.interrupted("", fault.getCause());
            }
            throw e;
        }
        if (follower.isStopped()) {
            return follower.stopped();
        }
        EpochResult last = results.get(results.size() - 1);
        SparsityReport report = pruner.report();
        try {
            folder.writeModel(model, modelName, images.train().classes());
            Map<String, Object> summary = summary(epochs, last.test(), follower.seconds());
            keepState(seen, epochs, follower.seconds(), atRest(summary));
            folder.writeSummary(summary);
        } catch (IOException e) {
            throw folder.interrupted("The model could not be saved in " + folder.path() + ". ", e);
        }
        folder.finish();
        conclude(last, report, follower.seconds());
        return 0;
    }

    /** Keeps what the run can be made longer from, unless that is not wanted. */
    private void keepState(SeenImages seen, int epochs, double seconds, Map<String, Object> summary)
            throws IOException {
        boolean isWanted = saving.keepState().orElse(pruning.rounds() == 1);
        if (isWanted) {
            LoopPosition end = new LoopPosition(epochs, 0, 0, 0, 0);
            folder.keepState(
                    state -> state.save(model, pruner, seen, end, epochs, seconds, summary, 1),
                    saving.keepState().isPresent());
        }
    }

    /** Empties the folder and writes what the run is, or leaves no folder. */
    private MetricsFile begin() throws IOException {
        try {
            folder.clear();
            folder.writeConfig(configuration);
            return new MetricsFile(folder.file(RunFolder.METRICS), 0);
        } catch (IOException e) {
            folder.remove();
            throw e;
        }
    }

    private void announce(List<PruningEvent> events) {
        SparsityReport report = pruner.report();
        terminal.line(
                "%s on %s: %,d parameters, %,d of them prunable.",
                modelName,
                Arrays.stream(devices)
                        .map(d -> d.isGpu() ? "gpu" + d.getDeviceId() : "cpu")
                        .collect(Collectors.joining(", ")),
                report.totalParameters(),
                report.weights());
        Networks.otherNames(model).forEach(terminal::line);
        terminal.line(
                "%s: %,d images to train on%s, %,d to test.",
                data.dataSet().dataName(),
                images.train().size(),
                images.validation()
                        .map(held -> String.format(Locale.ROOT, ", %,d to validate", held.size()))
                        .orElse(""),
                images.test().size());
        if (pruning.learnsWhatGoes()) {
            terminal.line(
                    "Training for %s, while %s learns which weights go.",
                    epochs(optimizer.epochs()), pruning.name());
        } else if (events.isEmpty()) {
            terminal.line("Training for %s without pruning.", epochs(optimizer.epochs()));
        } else {
            PruningEvent last = events.get(events.size() - 1);
            terminal.line(
                    "Training for %s%s.",
                    pruning.rounds() == 1 ? "" : pruning.rounds() + " rounds of ",
                    epochs(optimizer.epochs()));
            String when =
                    last.unit() == Unit.STEP && last.at() > 0
                            ? String.format(
                                    Locale.ROOT,
                                    "%d times until step %,d",
                                    events.size(),
                                    last.at())
                            : when(events.stream().map(PruningEvent::at).toList());
            if (last.isByThreshold()) {
                terminal.line(
                        "Pruning by %s %s all weights below %s%s.",
                        pruning.name(), when, last.threshold(), pruning.thresholdUnit());
            } else {
                terminal.line(
                        "Pruning by %s %s to %,d weights, %s %% sparse.",
                        pruning.name(),
                        when,
                        last.keep(),
                        percent(1 - (double) last.keep() / report.weights()));
            }
        }
        terminal.line("");
    }

    /** Tells what so many epochs have come to. */
    Map<String, Object> summary(int epochs, Optional<Score> test, double seconds) {
        SparsityReport report = pruner.report();
        Map<String, Object> summary = new LinkedHashMap<>();
        summary.put("method", pruning.name());
        summary.put("model", modelName);
        summary.put("dataset", data.dataSet().dataName());
        summary.put("seed", seed);
        summary.put("epochs", epochs);
        summary.put("total_params", report.totalParameters());
        summary.put("prunable_weights", report.weights());
        summary.put("remaining_weights", report.remaining());
        summary.put("sparsity", report.sparsity());
        summary.put("test_accuracy", test.map(Score::accuracy).orElse(null));
        summary.put("test_loss", test.map(Score::loss).orElse(null));
        summary.put("prunings", pruner.prunings());
        summary.put("seconds", Math.round(seconds * 1000) / 1000.0);
        List<Map<String, Object>> layers = new ArrayList<>();
        for (LayerReport layer : report.layers()) {
            Map<String, Object> entry = new LinkedHashMap<>();
            entry.put("name", layer.name());
            entry.put("shape", layer.shape().getShape());
            entry.put("weights", layer.weights());
            entry.put("remaining", layer.remaining());
            layers.add(entry);
        }
        summary.put("layers", layers);
        return summary;
    }

    private void conclude(EpochResult last, SparsityReport report, double seconds) {
        terminal.line("");
        terminal.line(Tables.layers(report));
        Optional<Score> test = last.test();
        double times = (double) report.weights() / report.remaining();
        terminal.line(
                "Test accuracy %.2f %% with %,d of %,d weights%s.",
                100 * test.map(Score::accuracy).orElse(Double.NaN),
                report.remaining(),
                report.weights(),
                times == 1 || report.remaining() == 0
                        ? ""
                        : String.format(
                                Locale.ROOT,
                                times < 10 ? ", %.1f times fewer" : ", %,.0f times fewer",
                                times));
        terminal.line(Tables.multiplyAdds(report));
        terminal.line(
                "%s in %.0f s. The run is in %s:%n%s.",
                epochs(last.epoch()), seconds, folder.path(), String.join(", ", folder.files()));
        String run = ShellWord.of(folder.path());
        terminal.line("Look closer:  ./flipout inspect %s", run);
        terminal.line("Use it:       ./flipout predict %s IMAGE.png", run);
        terminal.line("Draw it:      ./flipout report %s", run);
        terminal.line(
                "Deploy it:    ./flipout export %s --out %s --compress sparse",
                run, ShellWord.of(Path.of(modelName + ".pt")));
    }

    /** Adds to a summary what it takes to look at a run that is saved without its model. */
    Map<String, Object> atRest(Map<String, Object> summary) {
        Map<String, Object> all = new LinkedHashMap<>(summary);
        ImageSet set = images.train();
        all.put("image", List.of(set.channels(), set.height(), set.width()));
        return all;
    }

    private static String epochs(int count) {
        return count == 1 ? "1 epoch" : count + " epochs";
    }

    /** Names epochs: all of a few, else the first and the last. */
    private static String when(List<Long> epochs) {
        int count = epochs.size();
        if (epochs.get(count - 1) == 0) {
            return "before training";
        }
        if (count > SHOWN) {
            return String.format(
                    Locale.ROOT,
                    "after epochs %d, %d, ..., %d",
                    epochs.get(0),
                    epochs.get(1),
                    epochs.get(count - 1));
        }
        return (count == 1 ? "after epoch " : "after epochs ")
                + epochs.stream().map(String::valueOf).collect(Collectors.joining(", "));
    }

    private static String percent(double share) {
        return Tables.percent(share);
    }
}
