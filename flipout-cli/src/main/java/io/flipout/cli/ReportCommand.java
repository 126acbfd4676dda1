package io.flipout.cli;

import io.flipout.cli.report.Report;
import io.flipout.cli.terminal.Failure;
import io.flipout.cli.terminal.Terminal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code flipout report}: a page of what a comparison came to. */
@Command(
        name = "report",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Writes a page of what a comparison, or a run, came to: a table and figures.",
            "It works while runs are missing; they show as gaps."
        })
final class ReportCommand implements Callable<Integer> {

    @Spec private CommandSpec spec;

    @Parameters(
            paramLabel = "DIR",
            description = "Folder of a comparison ('flipout compare') or of a run.")
    private Path folder;

    @Option(
            names = "--sparsity",
            paramLabel = "S",
            description =
                    "Sparsity whose training, layers and flips are shown (default: the highest that"
                            + " has runs).")
    private Double sparsity;

    @Option(
            names = "--layer",
            paramLabel = "NAME",
            description = "Layer whose flips are shown (default: the largest).")
    private String layer;

    @SuppressWarnings("UnusedVariable") // Main looks for it itself, whatever fails.
    @Option(names = "--verbose", description = "Show stack traces.")
    private boolean verbose;

    @Override
    public Integer call() throws Exception {
        if (Files.isRegularFile(folder)) {
            throw Failure.misuse(
                    folder + " is a file: report takes the folder of a run or a comparison.");
        }
        Report report = new Report(folder);
        if (sparsity != null) {
            report.optSparsity(sparsity);
        }
        if (layer != null) {
            report.optLayer(layer);
        }
        List<Path> files = report.write();
        Terminal terminal = new Terminal(spec.commandLine());
        terminal.line("The report is %s; it needs no network.", files.get(0));
        terminal.line(
                "Beside it: %s.",
                String.join(
                        ", ",
                        files.stream()
                                .skip(1)
                                .map(file -> folder.relativize(file).toString())
                                .toList()));
        return 0;
    }
}
