package io.flipout.cli.run;

import ai.djl.Model;
import ai.djl.nn.SymbolBlock;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import io.flipout.cli.option.YamlDefaults;
import io.flipout.cli.terminal.Errors;
import io.flipout.cli.terminal.Failure;
import io.flipout.cli.terminal.ShellWord;
import io.flipout.djl.checkpoint.AtomicFile;
import io.flipout.djl.torchscript.TorchScriptModels;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * The folder of a run: {@code config.yaml}, {@code metrics.csv}, {@code weights.csv}, {@code
 * model}, {@code summary.json}; until the run has come to its end, {@code checkpoints}.
 */
public final class RunFolder {

    public static final String CONFIG = "config.yaml";
    public static final String METRICS = "metrics.csv";
    public static final String WEIGHTS = "weights.csv";
    public static final String MODEL = "model";
    public static final String SUMMARY = "summary.json";

    /** DJL's name for the names of classes, beside a model. */
    public static final String CLASSES = "synset.txt";

    static final String CHECKPOINTS = "checkpoints";

    /** The page that a report adds, to a run or a comparison. */
    public static final String PAGE = "report.html";

    /** The folder of the figures that a report adds. */
    public static final String FIGURES = "figures";

    private static final List<String> OURS =
            List.of(CONFIG, METRICS, WEIGHTS, MODEL, SUMMARY, CHECKPOINTS, FolderLock.FILE);

    /** What a report adds, which by itself makes no run. */
    private static final List<String> REPORT = List.of(PAGE, FIGURES);

    private static final ObjectMapper JSON =
            new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

    private final Path path;

    public RunFolder(Path path) {
        this.path = path;
    }

    /** Returns the first of runs/NAME, runs/NAME-2, ... that is free. */
    public static Path free(String name) {
        Path path = Path.of("runs", name);
        for (int i = 2; Files.exists(path); i++) {
            path = Path.of("runs", name + "-" + i);
        }
        return path;
    }

    /** Refuses a folder that holds something, unless it is a run to be overwritten. */
    public void check(boolean overwrite) throws IOException {
        Path there = path.toAbsolutePath();
        while (!Files.exists(there)) {
            there = there.getParent();
        }
        if (!Files.isDirectory(there)) {
            throw Failure.misuse(there + " is a file, not a folder: choose another --out.");
        }
        if (!Files.isWritable(there)) {
            throw new AccessDeniedException(there.toString());
        }
        if (!Files.exists(path)) {
            return;
        }
        try (Stream<Path> entries = Files.list(path)) {
            List<Path> found = entries.toList();
            boolean run = found.stream().anyMatch(p -> OURS.contains(p.getFileName().toString()));
            if (run && !overwrite) {
                if (isInterrupted()) {
                    throw Failure.misuse(
                            path
                                    + " holds a run that was interrupted: go on with it by"
                                    + " ./flipout resume "
                                    + ShellWord.of(path)
                                    + ", or give --overwrite to replace it.");
                }
                throw Failure.misuse(
                        path
                                + " holds another run: choose another --out, or give --overwrite to"
                                + " replace it.");
            }
            if (!run && !found.isEmpty()) {
                throw Failure.misuse(
                        path + " holds other files: choose another --out, new or empty.");
            }
        }
    }

    /** Whether it holds a run that can be gone on with. */
    public boolean isInterrupted() throws IOException {
        return !Files.exists(path.resolve(SUMMARY)) && checkpoints().exist();
    }

    public RunCheckpoints checkpoints() {
        return new RunCheckpoints(path.resolve(CHECKPOINTS));
    }

    /** Holds the folder against other writers. */
    public FolderLock lock() throws IOException {
        return FolderLock.of(
                path,
                "Another process is training in "
                        + path
                        + ": wait for it or choose another --out.");
    }

    /** A run that could not go on, and what is to be done about it. */
    public Failure interrupted(String what, IOException cause) {
        return Failure.of(
                what
                        + Errors.sentence(cause)
                        + (canGoOn()
                                ? " What was saved before stays: ./flipout resume "
                                        + ShellWord.of(path)
                                        + " goes on with it."
                                : " Nothing was saved before: train again once that is mended."),
                cause);
    }

    private boolean canGoOn() {
        try {
            return checkpoints().exist();
        } catch (IOException e) {
            return true; // Without a free file descriptor, who can tell?
        }
    }

    /** Makes the folder. */
    public void create() throws IOException {
        try {
            Files.createDirectories(path);
        } catch (NoSuchFileException e) {
            throw Failure.of("The folder " + path + " cannot be made: choose another --out.", e);
        }
    }

    /** Empties the folder, which is locked, of an earlier run. */
    public void clear() throws IOException {
        for (String name : OURS) {
            if (!name.equals(FolderLock.FILE)) {
                delete(path.resolve(name));
            }
        }
        for (String name : REPORT) {
            delete(path.resolve(name));
        }
    }

    /** Lists what the run has left. */
    public List<String> files() {
        return Stream.of(CONFIG, METRICS, WEIGHTS, SUMMARY, MODEL)
                .filter(name -> Files.exists(path.resolve(name)))
                .toList();
    }

    /** Removes what this run has written. */
    public void remove() throws IOException {
        clear();
        Files.deleteIfExists(path.resolve(FolderLock.FILE));
        try (Stream<Path> left = Files.list(path)) {
            if (left.findAny().isPresent()) {
                return;
            }
        }
        Files.delete(path);
    }

    /** Deletes a file or a whole folder, if it is there. */
    public static void delete(Path path) throws IOException {
        if (!Files.exists(path)) {
            return;
        }
        try (Stream<Path> tree = Files.walk(path)) {
            for (Path entry : tree.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(entry);
            }
        }
    }

    public Path path() {
        return path;
    }

    public Path file(String name) {
        return path.resolve(name);
    }

    /** Writes the options of the run whole or not at all. */
    public void writeConfig(Map<String, Object> values) throws IOException {
        AtomicFile.replace(path.resolve(CONFIG), file -> YamlDefaults.write(file, values));
    }

    /** Saves a model and the names of its classes, whole or not at all. */
    public void writeModel(Model model, String name, List<String> classes) throws IOException {
        Path temporary = path.resolve(MODEL + ".tmp");
        try {
            Files.createDirectories(temporary);
            if (model.getBlock() instanceof SymbolBlock) {
                TorchScriptModels.save(model, temporary.resolve(name + ".pt"));
            } else {
                model.save(temporary, name);
            }
            Files.write(temporary.resolve(CLASSES), classes);
            delete(path.resolve(MODEL)); // Of a run whose summary could not be written.
            Files.move(temporary, path.resolve(MODEL), StandardCopyOption.ATOMIC_MOVE);
        } finally {
            delete(temporary);
        }
    }

    /** The run has come to its end, and nothing can be gone on with any more. */
    public void finish() throws IOException {
        delete(path.resolve(CHECKPOINTS));
        Files.deleteIfExists(path.resolve(FolderLock.FILE));
    }

    /** Writes a summary whole or not at all. */
    public void writeSummary(Map<String, Object> summary) throws IOException {
        AtomicFile.replace(path.resolve(SUMMARY), file -> JSON.writeValue(file.toFile(), summary));
    }
}
