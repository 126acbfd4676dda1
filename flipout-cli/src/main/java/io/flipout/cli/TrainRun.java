package io.flipout.cli;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.SymbolBlock;
import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.Trainer;
import ai.djl.training.loss.Loss;
import ai.djl.training.tracker.Tracker;
import io.flipout.cli.CheckpointOptions.Interval;
import io.flipout.cli.RunCheckpoints.Found;
import io.flipout.djl.DivergedException;
import io.flipout.djl.EpochResult;
import io.flipout.djl.LoopPosition;
import io.flipout.djl.Pruner;
import io.flipout.djl.Score;
import io.flipout.djl.TrainingLoop;
import io.flipout.djl.TrainingProgress;
import io.flipout.djl.data.ImageDataset;
import io.flipout.djl.data.ImageSet;
import io.flipout.mask.Mask;
import io.flipout.report.LayerReport;
import io.flipout.report.SparsityReport;
import io.flipout.schedule.PruningEvent;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/** One training run: trains, follows, and leaves a folder behind. */
final class TrainRun {

    /** Prunings that are named one by one. */
    private static final int SHOWN = 3;

    private final RunFolder folder;
    private final Terminal terminal;
    private final String modelName;
    private final Model model;
    private final Pruner pruner;
    private final MethodOptions pruning;
    private final CheckpointOptions saving;
    private final Device[] devices;

    /** Whether the folder holds something worth keeping, whatever comes. */
    private boolean measured;

    TrainRun(
            RunFolder folder,
            Terminal terminal,
            String modelName,
            Model model,
            Pruner pruner,
            MethodOptions pruning,
            CheckpointOptions saving,
            Device[] devices) {
        this.folder = folder;
        this.terminal = terminal;
        this.modelName = modelName;
        this.model = model;
        this.pruner = pruner;
        this.pruning = pruning;
        this.saving = saving;
        this.devices = devices;
    }

    /**
     * Trains, from the beginning or a checkpoint.
     *
     * @return the status of the command: 0, or that of the signal that ended the run
     */
    int run(
            DataOptions data,
            DataOptions.Images images,
            OptimizerOptions options,
            int seed,
            Map<String, Object> configuration,
            Optional<RunCheckpoints.Found> from)
            throws Exception {
        ImageSet set = images.train();
        ImageDataset train =
                data.forRounds(
                        set, options.batchSize(), seed, options.epochs(), pruning.rewindStep());
        pruning.checkRewind((long) options.epochs() * train.batches());
        int epochs = from.map(Found::epochs).orElse(options.epochs() * pruning.rounds());
        Tracker rates = options.learningRate(train.batches(), pruning.rewindStep());
        WeightsFile weights = // It looks before the pruner prunes.
                new WeightsFile(pruner, from.map(f -> f.position().epochs()).orElse(0));
        DefaultTrainingConfig config =
                new DefaultTrainingConfig(Loss.softmaxCrossEntropyLoss())
                        .optDevices(devices)
                        .optOptimizer(pruner.wrap(options.sgd(rates)))
                        .addTrainingListeners(weights, pruner.listener());
        try (Trainer trainer = model.newTrainer(config)) {
            trainer.initialize(new Shape(1, set.channels(), set.height(), set.width()));
            if (model.getBlock() instanceof SymbolBlock) {
                Networks.checkFits(trainer, modelName, set);
            }
            List<PruningEvent> events = pruner.events();
            announce(data, images, options, events);
            if (from.isEmpty()) {
                pruning.pruneBeforeTraining(
                        pruner, trainer, data.forTraining(set, options.batchSize(), seed));
            }
            folder.create();
            try (FileChannel lock = folder.lock()) {
                lock.force(false);
                LoopPosition start = LoopPosition.BEGIN;
                if (from.isPresent()) {
                    start = from.get().position();
                    pruner.load(from.get().file());
                    train.setPosition(start.epochs(), start.batches());
                    terminal.line(
                            "Going on after epoch %d, batch %d.%n",
                            start.epochs(), start.batches());
                    measured = true;
                } else {
                    folder.clear();
                    YamlDefaults.write(folder.file(RunFolder.CONFIG), configuration);
                }
                Follower follower =
                        new Follower(
                                new MetricsFile(folder.file(RunFolder.METRICS), start.epochs()),
                                rates,
                                train,
                                epochs,
                                weights,
                                from.map(Found::seconds).orElse(0.0));
                List<EpochResult> results;
                try (terminal;
                        follower) {
                    terminal.begin((long) epochs * set.size(), "img");
                    results =
                            TrainingLoop.builder()
                                    .setTrainer(trainer)
                                    .setEpochs(epochs)
                                    .setTrain(train)
                                    .optValidation(
                                            images.validation()
                                                    .map(data::forEvaluation)
                                                    .orElse(null))
                                    .optTest(data.forEvaluation(images.test()))
                                    .optProgress(follower)
                                    .optStart(start)
                                    .optSeed(seed)
                                    .build()
                                    .run();
                }
                if (follower.isStopped()) {
                    return follower.stopped();
                }
                folder.writeModel(model, set.classes());
                EpochResult last = results.get(results.size() - 1);
                SparsityReport report = pruner.report();
                folder.writeSummary(summary(data, seed, epochs, last, report, follower.seconds()));
                folder.finish();
                conclude(last, report, follower.seconds());
                return 0;
            } catch (DivergedException e) {
                measured = true;
                throw Failure.of(
                        e.getMessage() + " What was measured before is in " + folder.path() + ".",
                        e);
            } finally {
                if (!measured) {
                    folder.remove();
                }
            }
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }

    private void announce(
            DataOptions data,
            DataOptions.Images images,
            OptimizerOptions options,
            List<PruningEvent> events) {
        SparsityReport report = pruner.report();
        terminal.line(
                "%s on %s: %,d parameters, %,d of them prunable.",
                modelName,
                Arrays.stream(devices)
                        .map(d -> d.isGpu() ? "gpu" + d.getDeviceId() : "cpu")
                        .collect(Collectors.joining(", ")),
                report.totalParameters(),
                report.weights());
        terminal.line(
                "%s: %,d images to train on%s, %,d to test.",
                data.dataSet().dataName(),
                images.train().size(),
                images.validation()
                        .map(held -> String.format(Locale.ROOT, ", %,d to validate", held.size()))
                        .orElse(""),
                images.test().size());
        if (events.isEmpty()) {
            terminal.line("Training for %s without pruning.", epochs(options.epochs()));
        } else {
            PruningEvent last = events.get(events.size() - 1);
            terminal.line(
                    "Training for %s%s.",
                    pruning.rounds() == 1 ? "" : pruning.rounds() + " rounds of ",
                    epochs(options.epochs()));
            String when = when(events.stream().map(PruningEvent::at).toList());
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

    /**
     * Follows the training: a row in the file and a line on the terminal for each epoch, and a
     * checkpoint when it is time for one.
     */
    private final class Follower implements TrainingProgress, AutoCloseable {

        private final MetricsFile metrics;
        private final Tracker rates;
        private final ImageDataset train;
        private final int epochs;
        private final WeightsFile weights;
        private final double secondsBefore;
        private final Interrupts interrupts = new Interrupts();
        private final long begin = System.nanoTime();

        /** Weights of the network that is scored: those left when the epoch has taken its steps. */
        private long remaining;

        private int epoch;
        private boolean isBetweenEpochs;
        private boolean stopped;
        private LoopPosition saved;
        private long savedAt = begin;
        private long sinceSaved;

        Follower(
                MetricsFile metrics,
                Tracker rates,
                ImageDataset train,
                int epochs,
                WeightsFile weights,
                double secondsBefore) {
            this.metrics = metrics;
            this.rates = rates;
            this.train = train;
            this.epochs = epochs;
            this.weights = weights;
            this.secondsBefore = secondsBefore;
            remaining = remaining();
        }

        private long remaining() {
            return pruner.masks().values().stream().mapToLong(Mask::remaining).sum();
        }

        double seconds() {
            return secondsBefore + (System.nanoTime() - begin) / 1e9;
        }

        @Override
        public void onBatch(int epoch, long images) {
            this.epoch = epoch;
            isBetweenEpochs = false;
            remaining = remaining();
            terminal.progress(
                    (epoch - 1L) * train.images().size() + images,
                    String.format(Locale.ROOT, "epoch %d/%d", epoch, epochs));
        }

        @Override
        public void onEpochEnd(EpochResult result) {
            epoch = result.epoch();
            isBetweenEpochs = true;
            SparsityReport report = pruner.report();
            double sparsity = 1 - (double) remaining / report.weights();
            try {
                int steps = result.epoch() * train.batches();
                metrics.add(result, remaining, sparsity, rates.getNewValue(steps));
                weights.write(folder.file(RunFolder.WEIGHTS));
                measured = true;
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            terminal.line(
                    "epoch %s  loss %.4f  train %5.2f %%%s  test %5.2f %%  sparse %6s %%  %,.0f/s",
                    Tables.right(result.epoch() + "/" + epochs, (epochs + "/" + epochs).length()),
                    result.train().loss(),
                    100 * result.train().accuracy(),
                    result.validation()
                            .map(v -> String.format("  val %5.2f %%", 100 * v.accuracy()))
                            .orElse(""),
                    100 * result.test().map(Score::accuracy).orElse(Double.NaN),
                    percent(sparsity),
                    result.imagesPerSecond());
            if (report.remaining() < remaining) {
                terminal.line(
                        "           pruned: %,d of %,d weights left",
                        report.remaining(), remaining);
            }
        }

        @Override
        public boolean proceed(Supplier<LoopPosition> position) {
            if (isBetweenEpochs && epoch == epochs) {
                return true; // The model itself is saved next.
            }
            boolean isTimeUp = System.nanoTime() - begin > saving.maxTime().toNanos();
            stopped = isTimeUp || interrupts.isAsked();
            if (stopped || isDue()) {
                save(position.get());
            }
            return !stopped;
        }

        private boolean isDue() {
            Interval interval = saving.interval();
            return switch (interval.unit()) {
                case EPOCH -> isBetweenEpochs && ++sinceSaved >= interval.count();
                case STEP -> !isBetweenEpochs && ++sinceSaved >= interval.count();
                case SECOND ->
                        System.nanoTime() - savedAt
                                >= Duration.ofSeconds(interval.count()).toNanos();
                case NEVER -> false;
            };
        }

        private void save(LoopPosition position) {
            try {
                folder.checkpoints().save(pruner, position, epochs, seconds(), saving.keep());
                measured = true;
            } catch (IOException e) {
                throw Failure.of(
                        "The training could not be saved in "
                                + folder.path()
                                + " ("
                                + Errors.sentence(e)
                                + ") What was saved before stays: ./flipout resume "
                                + folder.path()
                                + " goes on with it.",
                        e);
            }
            saved = position;
            savedAt = System.nanoTime();
            sinceSaved = 0;
        }

        boolean isStopped() {
            return stopped;
        }

        /** Says where the run was stopped, and returns the status that it ends with. */
        int stopped() {
            terminal.line(
                    "%nStopped after epoch %d, batch %d, %.0f s in all. Go on with it:  ./flipout"
                            + " resume %s",
                    saved.epochs(), saved.batches(), seconds(), folder.path());
            return interrupts.isAsked() ? interrupts.status() : 0;
        }

        @Override
        public void close() {
            interrupts.close();
        }
    }

    private Map<String, Object> summary(
            DataOptions data,
            int seed,
            int epochs,
            EpochResult last,
            SparsityReport report,
            double seconds) {
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
        summary.put("test_accuracy", last.test().map(Score::accuracy).orElse(null));
        summary.put("test_loss", last.test().map(Score::loss).orElse(null));
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
        Tables.multiplyAdds(report).ifPresent(terminal::line);
        terminal.line(
                "%s in %.0f s. The run is in %s:%n%s, %s, %s, %s.",
                epochs(last.epoch()),
                seconds,
                folder.path(),
                RunFolder.CONFIG,
                RunFolder.METRICS,
                RunFolder.SUMMARY,
                RunFolder.MODEL);
        terminal.line("Look closer:  ./flipout inspect %s", folder.path());
        terminal.line(
                "Deploy it:    ./flipout export %s --out %s.pt --compress sparse",
                folder.path(), modelName);
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
