package io.flipout.cli;

import io.flipout.cli.option.CheckpointOptions;
import io.flipout.cli.option.CommandLines;
import io.flipout.cli.option.YamlDefaults;
import io.flipout.cli.run.RunCheckpoints.Found;
import io.flipout.cli.run.RunFolder;
import io.flipout.cli.terminal.Failure;
import io.flipout.cli.terminal.Terminal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code flipout resume}: goes on with a run that was interrupted. */
@Command(
        name = "resume",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Goes on with a run that was interrupted, from its last checkpoint.",
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
                    "Train longer than was planned, at the last learning rate and sparsity; no"
                            + " epochs can be taken back.")
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

    @Option(names = "--verbose", description = "Tell more, and show stack traces.")
    private boolean verbose;

    @Override
    public Integer call() throws Exception {
        Path config = run.resolve(RunFolder.CONFIG);
        if (!Files.isRegularFile(config)) {
            throw Failure.misuse(run + " is no run: it has no " + RunFolder.CONFIG + ".");
        }
        if (Files.exists(run.resolve(RunFolder.SUMMARY))) {
            throw Failure.misuse(run + " has come to its end: there is nothing to go on with.");
        }
        RunFolder folder = new RunFolder(run);
        TrainCommand train = new TrainCommand();
        CommandLine commandLine = CommandLines.configured(new CommandLine(train));
        commandLine.setOut(spec.commandLine().getOut());
        commandLine.setErr(spec.commandLine().getErr());
        commandLine.setDefaultValueProvider(
                YamlDefaults.read(config, commandLine.getCommandSpec()));
        commandLine.parseArgs(overrides().toArray(String[]::new));
        Terminal terminal = new Terminal(spec.commandLine());
        Optional<Found> found = folder.checkpoints().newest(terminal::note);
        if (found.isEmpty()) {
            terminal.note("No checkpoint of it is there yet: it begins anew.");
        }
        return train.resume(folder, found.map(f -> longer(f, train)), saving);
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

    /** Lengthens the training, if that is asked for. */
    private Found longer(Found found, TrainCommand train) {
        if (epochs == null) {
            return found;
        }
        if (train.inRounds()) {
            throw Failure.misuse(
                    "The epochs of a training in rounds are those of each: --epochs cannot be"
                            + " changed.");
        }
        if (epochs < found.epochs()) {
            throw Failure.misuse(
                    "--epochs must be at least the "
                            + found.epochs()
                            + " that the run was to take, got "
                            + epochs
                            + ".");
        }
        return found.withEpochs(epochs);
    }
}
