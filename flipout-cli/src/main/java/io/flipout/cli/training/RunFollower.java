package io.flipout.cli.training;

import ai.djl.training.tracker.Tracker;
import io.flipout.cli.option.CheckpointOptions;
import io.flipout.cli.run.MetricsFile;
import io.flipout.cli.run.RunCheckpoints.Found;
import io.flipout.cli.run.RunFolder;
import io.flipout.cli.run.SeenImages;
import io.flipout.cli.run.Supervision;
import io.flipout.cli.run.WeightsFile;
import io.flipout.cli.terminal.Interrupts;
import io.flipout.cli.terminal.ShellWord;
import io.flipout.cli.terminal.Tables;
import io.flipout.cli.terminal.Terminal;
import io.flipout.djl.Pruner;
import io.flipout.djl.data.ImageDataset;
import io.flipout.djl.training.EpochResult;
import io.flipout.djl.training.LoopPosition;
import io.flipout.djl.training.Score;
import io.flipout.djl.training.TrainingProgress;
import io.flipout.mask.Mask;
import io.flipout.report.SparsityReport;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * Follows the training: a row in the file and a line on the terminal for each epoch, and a
 * checkpoint when it is time for one.
 */
final class RunFollower implements TrainingProgress, AutoCloseable {

    private final TrainRun run;
    private final RunFolder folder;
    private final Terminal terminal;
    private final Pruner pruner;
    private final CheckpointOptions saving;
    private final MetricsFile metrics;
    private final WeightsFile weights;
    private final Tracker rates;
    private final ImageDataset train;
    private final SeenImages images;
    private final int epochs;
    private final double secondsBefore;
    private final Interrupts interrupts = new Interrupts(Supervision.isOn());
    private final long begin = System.nanoTime();

    /** Weights of the network that is scored: those left when the epoch has taken its steps. */
    private long remaining;

    private Optional<Score> lastTest;
    private int epoch;
    private boolean isBetweenEpochs;
    private boolean stopped;
    private boolean hasKeptSomething;
    private LoopPosition saved;
    private long savedAt = begin;
    private long epochsTaken;
    private long stepsTaken;
    private long epochsSaved;
    private long stepsSaved;

    RunFollower(
            TrainRun run,
            MetricsFile metrics,
            WeightsFile weights,
            Tracker rates,
            ImageDataset train,
            SeenImages images,
            int epochs,
            Optional<Found> from) {
        this.run = run;
        this.metrics = metrics;
        this.weights = weights;
        this.rates = rates;
        this.train = train;
        this.images = images;
        this.epochs = epochs;
        folder = run.folder();
        terminal = run.terminal();
        pruner = run.pruner();
        saving = run.saving();
        lastTest = from.flatMap(Found::lastTest);
        secondsBefore = from.map(Found::seconds).orElse(0.0);
        hasKeptSomething = from.isPresent();
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
        stepsTaken++;
        isBetweenEpochs = false;
        // At the end of an epoch, of which a last image alone may be left out: where weights are
        // learned to be 0, it takes looking at all of them.
        if (images >= train.images().size() - 1) {
            remaining = remaining();
        }
        try {
            weights.write(folder.file(RunFolder.WEIGHTS));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        terminal.progress(
                (epoch - 1L) * train.images().size() + images,
                String.format(Locale.ROOT, "epoch %d/%d", epoch, epochs));
    }

    @Override
    public void onEpochEnd(EpochResult result) {
        epoch = result.epoch();
        lastTest = result.test();
        epochsTaken++;
        isBetweenEpochs = true;
        SparsityReport report = pruner.report();
        double sparsity = 1 - (double) remaining / report.weights();
        try {
            int steps = result.epoch() * train.batches();
            metrics.add(result, remaining, sparsity, rates.getNewValue(steps));
            weights.write(folder.file(RunFolder.WEIGHTS));
            hasKeptSomething = true;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        terminal.line(
                "epoch %s  loss %.4f  train %5.2f %%%s  test %5.2f %%  sparse %6s %%  %,.0f/s",
                Tables.right(result.epoch() + "/" + epochs, (epochs + "/" + epochs).length()),
                result.train().loss(),
                100 * result.train().accuracy(),
                result.validation()
                        .map(v -> String.format(Locale.ROOT, "  val %5.2f %%", 100 * v.accuracy()))
                        .orElse(""),
                100 * result.test().map(Score::accuracy).orElse(Double.NaN),
                Tables.percent(sparsity),
                result.imagesPerSecond());
        if (report.remaining() < remaining) {
            terminal.line(
                    "           pruned: %,d of %,d weights left", report.remaining(), remaining);
        }
    }

    @Override
    public boolean proceed(Supplier<LoopPosition> position) {
        if (isBetweenEpochs && epoch == epochs) {
            return true; // The model itself is saved next.
        }
        boolean isTimeUp =
                saving.maxTime().hasPassed(epochsTaken, stepsTaken, System.nanoTime() - begin);
        stopped = isTimeUp || interrupts.isAsked();
        if (stopped
                || saving.interval()
                        .hasPassed(
                                epochsTaken - epochsSaved,
                                stepsTaken - stepsSaved,
                                System.nanoTime() - savedAt)) {
            save(position.get());
        }
        return !stopped;
    }

    private void save(LoopPosition position) {
        try {
            Map<String, Object> summary =
                    run.atRest(run.summary(position.epochs(), lastTest, seconds()));
            summary.put("planned_epochs", epochs);
            folder.checkpoints()
                    .save(
                            run.model(),
                            pruner,
                            images,
                            position,
                            epochs,
                            seconds(),
                            summary,
                            saving.keep());
            hasKeptSomething = true;
        } catch (IOException e) {
            throw folder.interrupted(
                    "The training could not be saved in " + folder.path() + ". ", e);
        }
        saved = position;
        savedAt = System.nanoTime();
        epochsSaved = epochsTaken;
        stepsSaved = stepsTaken;
    }

    /** Whether the folder holds something worth keeping, whatever comes. */
    boolean hasKeptSomething() {
        return hasKeptSomething;
    }

    boolean isStopped() {
        return stopped;
    }

    /** Says where the run was stopped, and returns the status that it ends with. */
    int stopped() {
        terminal.line(
                "%nStopped after epoch %d, batch %d, %.0f s in all. Go on with it:  ./flipout"
                        + " resume %s",
                saved.epochs(), saved.batches(), seconds(), ShellWord.of(folder.path()));
        return interrupts.isAsked() ? interrupts.status() : 0;
    }

    @Override
    public void close() {
        interrupts.close();
    }
}
