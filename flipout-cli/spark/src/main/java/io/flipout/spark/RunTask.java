package io.flipout.spark;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.zip.ZipOutputStream;
import org.apache.spark.SparkEnv;
import org.apache.spark.TaskContext;
import org.apache.spark.TaskKilledException;
import org.apache.spark.api.java.function.Function;
import org.apache.spark.resource.ResourceInformation;
import org.apache.spark.util.LongAccumulator;

/**
 * A run as a task: a process on an executor's machine.
 *
 * <p>Each attempt has a folder of its own, {@code .NAME@ATTEMPT}, which begins as a copy of the
 * farthest one before it. So no two ever write to the same one, whether Spark starts a run twice or
 * believes a machine dead that is not.
 */
final class RunTask implements Function<String, Outcome> {

    private static final long serialVersionUID = 1L;

    private static final long POLL_MILLIS = 200;

    /** How long a training may take to save itself. */
    private static final long PATIENCE_SECONDS = 30;

    private static final int COPIES = 3;

    /** Options that name what a training reads. */
    private static final List<String> INPUTS = List.of("--data=", "--model=");

    private static final String CHECKPOINTS = "checkpoints";
    private static final String SUMMARY = "summary.json";
    private static final String METRICS = "metrics.csv";

    /** Comes after the names of all checkpoints. */
    private static final String LAST = "finished";

    private final Setup setup;
    private final String[] arguments;
    private final LongAccumulator epochs;

    /**
     * @param arguments the options of {@code flipout train}
     * @param epochs counts the epochs that the run has come to
     */
    RunTask(Setup setup, String[] arguments, LongAccumulator epochs) {
        this.setup = setup;
        this.arguments = arguments;
        this.epochs = epochs;
    }

    @Override
    public Outcome call(String name) throws Exception {
        Machine machine = Machine.of(setup);
        String attempt = SparkEnv.get().conf().getAppId() + "-" + TaskContext.get().taskAttemptId();
        Path folder = machine.runs().resolve("." + name + "@" + attempt);
        Path log = folder.resolveSibling(folder.getFileName() + ".log");
        try {
            copyFarthest(name, folder);
            if (!isFinished(folder)) {
                train(machine, folder, log);
            }
            byte[] archive = setup.isRunsShared() ? new byte[0] : archive(folder, log);
            return new Outcome(machine.host(), folder.toString(), archive);
        } catch (InterruptedException | TaskKilledException e) {
            if (isFinished(machine.runs().resolve(name))) { // Another attempt was faster.
                Contents.delete(folder);
                Files.deleteIfExists(log);
            }
            throw e;
        } catch (IOException e) {
            throw RunFailure.ofRun(
                    machine.host(), e.getMessage() + ".", folder.toString(), new byte[0]);
        } finally {
            if (!setup.isRunsShared()) {
                Contents.delete(folder);
                Files.deleteIfExists(log);
            }
        }
    }

    private void train(Machine machine, Path folder, Path log)
            throws IOException, InterruptedException, RunFailure {
        ProcessBuilder builder = new ProcessBuilder(command(machine, folder));
        builder.redirectErrorStream(true).redirectOutput(Redirect.to(log.toFile()));
        builder.environment().putAll(setup.environment());
        String[] gpus = gpus();
        if (gpus.length > 0) {
            builder.environment().put("CUDA_VISIBLE_DEVICES", String.join(",", gpus));
        }
        Path directory = Path.of(setup.directory());
        builder.directory((Files.isDirectory(directory) ? directory : machine.runs()).toFile());
        Process process = builder.start();
        try {
            while (!process.waitFor(POLL_MILLIS, TimeUnit.MILLISECONDS)) {
                TaskContext.get().killTaskIfInterrupted();
                count(folder);
            }
        } catch (InterruptedException | TaskKilledException e) {
            stop(process);
            throw e;
        }
        if (process.exitValue() != 0) {
            byte[] text = Files.readAllBytes(log);
            throw RunFailure.ofRun(
                    machine.host(),
                    fault(new String(text, UTF_8), process.exitValue(), log),
                    folder.toString(),
                    setup.isRunsShared() ? new byte[0] : text);
        }
        count(folder);
    }

    private List<String> command(Machine machine, Path folder) throws IOException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(setup.options());
        command.add("-Dflipout.relocated=" + relocated(machine));
        command.addAll(List.of("-cp", machine.classPath(), setup.main()));
        List<String> device = new ArrayList<>();
        int gpus = gpus().length;
        if (gpus > 0) {
            // They are the only ones that the process sees.
            device.add(
                    IntStream.range(0, gpus)
                            .mapToObj(Integer::toString)
                            .collect(Collectors.joining(",", "--device=gpu", "")));
        }
        if (canGoOn(folder)) {
            command.addAll(List.of("resume", folder.toString()));
            command.addAll(device);
        } else {
            Contents.delete(folder);
            command.add("train");
            command.add("--threads=" + setup.threads());
            command.addAll(device);
            command.addAll(List.of(arguments));
            command.add("--out=" + folder);
        }
        return command;
    }

    /** Tells a training where on this machine its inputs are, as its options stay as they are. */
    private String relocated(Machine machine) {
        List<String> words = new ArrayList<>();
        for (String option : arguments) {
            String name = option.substring(option.indexOf('=') + 1);
            String path = Path.of(setup.directory()).resolve(name).normalize().toString();
            if (INPUTS.stream().anyMatch(option::startsWith) && machine.has(path)) {
                words.addAll(List.of(name, machine.input(path)));
            }
        }
        return String.join("\n", words);
    }

    private static String[] gpus() {
        Map<String, ResourceInformation> resources = TaskContext.get().resourcesJMap();
        return resources.containsKey("gpu") ? resources.get("gpu").addresses() : new String[0];
    }

    private void count(Path folder) {
        try (Stream<String> lines = Files.lines(folder.resolve(METRICS))) {
            long rows = lines.count() - 1;
            epochs.reset();
            epochs.add(Math.max(0, rows));
        } catch (IOException | UncheckedIOException e) {
            // It is only for the progress bar.
        }
    }

    /** Lets a training save itself. */
    private static void stop(Process process) {
        process.toHandle()
                .destroy(); // Process.destroy() closes the pipe too, which ends it at once.
        try {
            if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
        }
    }

    /** Returns why a training failed, in a sentence. */
    static String fault(String log, int status, Path file) {
        return log.lines()
                .filter(line -> line.startsWith("flipout: "))
                .map(line -> line.substring("flipout: ".length()))
                .reduce((first, second) -> second)
                .orElse("The process ended with status " + status + "; see " + file + ".");
    }

    private static boolean isFinished(Path folder) {
        return Files.exists(folder.resolve(SUMMARY));
    }

    private static boolean canGoOn(Path folder) throws IOException {
        return !newestCheckpoint(folder).isEmpty();
    }

    /** Returns the name of the newest checkpoint, which tells how far it is; empty if none is. */
    private static String newestCheckpoint(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder.resolve(CHECKPOINTS))) {
            return files.map(file -> file.getFileName().toString())
                    .filter(name -> name.endsWith(".safetensors"))
                    .max(Comparator.naturalOrder())
                    .orElse("");
        } catch (NoSuchFileException e) {
            return "";
        }
    }

    /** Copies the run as it was left by whoever came farthest; one at work may change meanwhile. */
    private void copyFarthest(String name, Path folder) throws IOException {
        for (int i = 0; setup.isRunsShared() && i < COPIES; i++) {
            Optional<Path> farthest = farthest(name, folder.getParent());
            if (farthest.isEmpty()) {
                return;
            }
            try {
                copy(farthest.get(), folder);
                return;
            } catch (NoSuchFileException | UncheckedIOException e) {
                Contents.delete(folder);
            }
        }
    }

    private static Optional<Path> farthest(String name, Path runs) throws IOException {
        List<Path> all = new ArrayList<>(List.of(runs.resolve(name)));
        try (Stream<Path> entries = Files.list(runs)) {
            entries.filter(path -> path.getFileName().toString().startsWith("." + name + "@"))
                    .filter(Files::isDirectory)
                    .forEach(all::add);
        }
        Path farthest = null;
        String reached = "";
        for (Path folder : all) {
            String newest = isFinished(folder) ? LAST : newestCheckpoint(folder);
            if (newest.compareTo(reached) > 0) {
                reached = newest;
                farthest = folder;
            }
        }
        return Optional.ofNullable(farthest);
    }

    /** Copies the checkpoints first: what is measured is to reach as far as they do, or farther. */
    private static void copy(Path from, Path to) throws IOException {
        List<Path> files;
        try (Stream<Path> tree = Files.walk(from)) {
            files =
                    tree.filter(Files::isRegularFile)
                            .filter(file -> !file.endsWith(".lock"))
                            .sorted(
                                    Comparator.comparing(
                                            file -> !file.getParent().endsWith(CHECKPOINTS)))
                            .toList();
        }
        for (Path file : files) {
            Path copy = to.resolve(from.relativize(file));
            Files.createDirectories(copy.getParent());
            Files.copy(file, copy);
        }
    }

    private static byte[] archive(Path folder, Path log) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
            Contents.pack(folder, Driver.RUN, zip);
            Contents.pack(log, Driver.LOG, zip);
        }
        return bytes.toByteArray();
    }
}
