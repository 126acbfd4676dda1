package io.flipout.cli.bench;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code flipout bench}: figures, one JSON object a line, and no verdict. */
@Command(
        name = "bench",
        mixinStandardHelpOptions = true,
        description = "Measures this machine: one JSON object a line.",
        subcommands = {
            BenchStepCommand.class,
            BenchLaunchesCommand.class,
            BenchPruneCommand.class,
            BenchDataCommand.class,
            BenchExportCommand.class,
            BenchCheckpointCommand.class,
            BenchInferCommand.class
        })
public final class BenchCommand implements Runnable {

    @Spec private CommandSpec spec;

    @Override
    public void run() {
        throw new ParameterException(
                spec.commandLine(),
                "Missing what to measure: one of "
                        + String.join(", ", spec.subcommands().keySet())
                        + ".");
    }
}
