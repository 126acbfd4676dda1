package io.flipout.cli.comparison;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.flipout.cli.run.RunFolder;
import io.flipout.cli.run.Supervision;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.ProcessBuilder.Redirect;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * A run of a comparison in a process of its own, as DJL allows one gradient collector a JVM.
 *
 * <p>It ends when the comparison does, however that ends: its standard input is a pipe that the
 * comparison never writes to.
 */
public final class RunProcess implements RunAtWork {

    private final PlannedRun run;
    private final Path folder;
    private final Path log;
    private final Process process;
    private final long begin = System.nanoTime();
    private final int epochsBefore;

    private RunProcess(PlannedRun run, Path folder, Path log, Process process) {
        this.run = run;
        this.folder = folder;
        this.log = log;
        this.process = process;
        epochsBefore = epochs();
    }

    /** Starts a run by the arguments of a main class; what it prints goes to a file. */
    static RunProcess start(
            Class<?> main, PlannedRun run, Path folder, Path log, List<String> arguments)
            throws IOException {
        List<String> command = new ArrayList<>();
        command.add(ProcessHandle.current().info().command().orElse("java"));
        command.addAll(options());
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
        command.addAll(arguments);
        Process process =
                new ProcessBuilder(command)
                        .redirectErrorStream(true)
                        .redirectOutput(Redirect.to(log.toFile()))
                        .start();
        return new RunProcess(run, folder, log, process);
    }

    /**
     * Returns the options of Java that a run's process takes.
     *
     * @return those of this process, and that it is supervised
     */
    public static List<String> options() {
        List<String> options = new ArrayList<>();
        options.addAll(inherited(ManagementFactory.getRuntimeMXBean().getInputArguments()));
        options.add("-D" + Supervision.PROPERTY + "=true");
        return options;
    }

    /**
     * The options of this JVM that a run's takes as well: all, whoever gave them, but for what
     * there can be only one of, the terminal and the port of a debugger, and the way to Spark.
     */
    static List<String> inherited(List<String> options) {
        return options.stream()
                .filter(option -> !option.startsWith("-Dflipout.columns="))
                .filter(option -> !option.startsWith("-Dflipout.spark"))
                .filter(option -> !option.startsWith("-Dflipout.home="))
                .filter(option -> !option.startsWith("-D" + Supervision.PROPERTY))
                .filter(option -> !option.startsWith("-agentlib:jdwp"))
                .filter(option -> !option.startsWith("-Xrunjdwp"))
                .toList();
    }

    @Override
    public PlannedRun run() {
        return run;
    }

    @Override
    public String place() {
        return "";
    }

    @Override
    public boolean isAlive() {
        return process.isAlive();
    }

    @Override
    public boolean isSuccess() {
        return process.exitValue() == 0;
    }

    @Override
    public double seconds() {
        return (System.nanoTime() - begin) / 1e9;
    }

    @Override
    public int trained() {
        return Math.max(0, epochs() - epochsBefore);
    }

    @Override
    public int epochs() {
        Path metrics = folder.resolve(RunFolder.METRICS);
        if (!Files.isRegularFile(metrics)) {
            return 0;
        }
        try (Stream<String> lines = Files.lines(metrics)) {
            return Math.max(0, (int) lines.count() - 1);
        } catch (IOException | UncheckedIOException e) {
            return 0; // It is only for the progress bar.
        }
    }

    @Override
    public String fault() throws IOException {
        // Native code writes there, too, in what encoding it likes.
        String text = new String(Files.readAllBytes(log), UTF_8);
        return text.lines()
                .filter(line -> line.startsWith("flipout: "))
                .map(line -> line.substring("flipout: ".length()))
                .reduce((first, second) -> second)
                .orElse(
                        "The process ended with status "
                                + process.exitValue()
                                + "; see "
                                + log
                                + ".");
    }

    @Override
    public void waitFor() throws InterruptedException {
        process.waitFor();
    }

    @Override
    public void stop() {
        process.toHandle()
                .destroy(); // Process.destroy() closes the pipe too, which ends it at once.
    }
}
