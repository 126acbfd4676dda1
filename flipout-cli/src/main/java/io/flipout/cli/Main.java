package io.flipout.cli;

import io.flipout.cli.bench.BenchCommand;
import io.flipout.cli.option.CommandLines;
import io.flipout.cli.option.YamlDefaults;
import io.flipout.cli.run.Supervision;
import io.flipout.cli.terminal.Errors;
import io.flipout.cli.terminal.Failure;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The command {@code flipout}. */
@Command(
        name = "flipout",
        mixinStandardHelpOptions = true,
        version = "FlipOut " + Version.NUMBER,
        description = "Prunes neural networks while they train (FlipOut, arXiv 2009.02594).")
public final class Main implements Runnable {

    private static final List<Class<?>> COMMANDS =
            List.of(
                    TrainCommand.class,
                    ResumeCommand.class,
                    CompareCommand.class,
                    EvaluateCommand.class,
                    PredictCommand.class,
                    InspectCommand.class,
                    ExportCommand.class,
                    ReportCommand.class,
                    BenchCommand.class);

    @Spec private CommandSpec spec;

    private Main() {}

    /**
     * Runs the command and exits with 0 for success, 1 for failure and 2 for wrong use.
     *
     * @param args the arguments
     */
    public static void main(String[] args) {
        PrintWriter out = new PrintWriter(System.out, true, StandardCharsets.UTF_8);
        PrintWriter err = new PrintWriter(System.err, true, StandardCharsets.UTF_8);
        Supervision.endWithParent();
        System.exit(run(out, err, args));
    }

    /** Runs the command without leaving the JVM. */
    static int run(PrintWriter out, PrintWriter err, String... args) {
        boolean verbose = List.of(args).contains("--verbose");
        Errors errors = new Errors(verbose);
        CommandLine commandLine = new CommandLine(new Main());
        commands(args).forEach(commandLine::addSubcommand);
        CommandLines.configured(commandLine);
        commandLine.setOut(out);
        commandLine.setErr(err);
        try {
            YamlDefaults.apply(commandLine, args);
        } catch (IOException | Failure e) {
            return errors.handleExecutionException(e, commandLine, null);
        }
        commandLine.setExecutionExceptionHandler(errors);
        commandLine.setParameterExceptionHandler(errors);
        try {
            return commandLine.execute(args);
        } catch (OutOfMemoryError e) {
            return errors.handleFullMemory(e, commandLine);
        } catch (LinkageError e) {
            return errors.handleUnloadable(e, commandLine);
        }
    }

    /** The commands that may be meant. A prediction is soon done, and does not wait for all. */
    private static List<Class<?>> commands(String... args) {
        return args.length > 0 && args[0].equals("predict")
                ? List.of(PredictCommand.class)
                : COMMANDS;
    }

    @Override
    public void run() {
        throw new ParameterException(
                spec.commandLine(),
                "Missing a command: one of "
                        + String.join(", ", spec.subcommands().keySet())
                        + ".");
    }
}
