package io.flipout.cli;

import io.flipout.cli.option.CheckpointOptions;
import io.flipout.cli.option.CommandLines;
import io.flipout.cli.option.YamlDefaults;
import io.flipout.cli.run.RunCheckpoints.Found;
import io.flipout.cli.run.RunFolder;
import io.flipout.cli.terminal.Failure;
import io.flipout.cli.terminal.Terminal;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code flipout resume}: goes on with a run that was interrupted, or makes one longer. */
@Command(
        name = "resume",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Goes on with a run that was interrupted, from its last checkpoint, or makes a run"
                    + " longer.",
            "On a CPU and with as many threads it ends as if it had not been. What a run is stays as"
                    + " it was; only these options may differ."
        })
final class ResumeCommand implements Callable<Integer> {

    @Spec private CommandSpec spec;

    @Parameters(paramLabel = "RUN", description = "Folder of the run.")
    private Path run;

    @Option(
            names = "--epochs",
            paramLabel = "N",
            description =
                    "Train longer than was planned, as if so many epochs had been planned with the"
                            + " same --milestones and the same prunings. A finished run goes on"
                            + " from its state, if that was kept.")
    private Integer epochs;

    @Option(
            names = "--device",
            paramLabel = "auto|cpu|gpu[N,...]",
            description = "Where to train (default: as before).")
    private String device;

    @Option(
            names = "--threads",
            paramLabel = "N",
            description =
                    "Threads to compute with (default: as before); another number rounds sums"
                            + " differently.")
    private Integer threads;

    @Mixin private CheckpointOptions saving;

    @Option(names = "--verbose", description = "Say which versions compute, and show stack traces.")
    private boolean verbose;

    @Override
    public Integer call() throws Exception {
        Path config = run.resolve(RunFolder.CONFIG);
        if (!Files.isRegularFile(config)) {
            throw Failure.misuse(run + " is no run: it has no " + RunFolder.CONFIG + ".");
        }
        RunFolder folder = new RunFolder(run);
        if (folder.isFinished() && epochs == null) {
            throw Failure.misuse(
                    run
                            + " has come to its end: there is nothing to go on with, unless it is"
                            + " made longer by --epochs.");
        }
        TrainCommand train = train(config, Map.of());
        Terminal terminal = new Terminal(spec.commandLine());
        Optional<Found> found = found(folder, terminal);
        int planned = train.epochs(true);
        int wanted = wanted(train, planned, found);
        if (wanted > planned) {
            train = train(config, train.lengthened(wanted));
        }
        return train.resume(folder, found, saving);
    }

    /** Reads the training from its file, with options that win. */
    private TrainCommand train(Path config, Map<String, String> options) throws IOException {
        TrainCommand train = new TrainCommand();
        CommandLine commandLine = CommandLines.configured(new CommandLine(train));
        commandLine.setOut(spec.commandLine().getOut());
        commandLine.setErr(spec.commandLine().getErr());
        commandLine.setDefaultValueProvider(
                YamlDefaults.read(config, commandLine.getCommandSpec()));
        List<String> words = overrides();
        options.forEach((name, value) -> words.add("--" + name + "=" + value));
        commandLine.parseArgs(words.toArray(String[]::new));
        return train;
    }

    /** Finds what to go on from; empty where nothing was saved yet. */
    private Optional<Found> found(RunFolder folder, Terminal terminal) throws IOException {
        if (!folder.isFinished()) {
            Optional<Found> newest = folder.checkpoints().newest(terminal::note);
            if (newest.isEmpty()) {
                terminal.note("No checkpoint of it is there yet: it begins anew.");
            }
            return newest;
        }
        Optional<Found> last = folder.lastState().newest(terminal::note);
        if (last.isEmpty()) {
            throw Failure.misuse(
                    run
                            + " has come to its end, and its last state was not kept: train it anew"
                            + " with more --epochs, or with --keep-state to be made longer later.");
        }
        return last;
    }

    /** Returns how many epochs the training is to take, however often it was made longer. */
    private int wanted(TrainCommand train, int planned, Optional<Found> found) {
        int before = Math.max(planned, found.map(Found::epochs).orElse(0));
        if (epochs == null) {
            return train.inRounds() ? planned : before;
        }
        if (train.inRounds()) {
            throw Failure.misuse(
                    "The epochs of a training in rounds are those of each: --epochs cannot be"
                            + " changed.");
        }
        if (epochs < before) {
            throw Failure.misuse(
                    "--epochs must be at least the "
                            + before
                            + " that the run was to take, got "
                            + epochs
                            + ".");
        }
        if (found.isPresent() && epochs <= found.get().position().epochs()) {
            throw Failure.misuse(
                    run + " has trained for " + epochs + " epochs: --epochs must be more.");
        }
        return epochs;
    }

    private List<String> overrides() {
        List<String> options = new ArrayList<>();
        if (device != null) {
            options.add("--device=" + device);
        }
        if (threads != null) {
            options.add("--threads=" + threads);
        }
        if (verbose) {
            options.add("--verbose");
        }
        return options;
    }
}
