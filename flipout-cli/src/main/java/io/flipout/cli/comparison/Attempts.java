package io.flipout.cli.comparison;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.flipout.cli.run.RunFolder;
import io.flipout.djl.checkpoint.AtomicFile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * Attempts at a run that took place on other machines, each in a folder {@code .NAME@ATTEMPT}
 * beside the run's own, which none of them writes to: what they came to is moved there from here.
 */
public final class Attempts {

    /** Follows the name of an attempt's folder where what it printed is kept. */
    private static final String LOG = ".log";

    private Attempts() {}

    /**
     * Makes the run what the farthest attempt has come to, if that is farther than the run is, and
     * forgets all attempts.
     *
     * @param target the run's folder
     * @throws IOException if a file cannot be moved
     */
    public static void settle(Path target) throws IOException {
        Path farthest = target;
        String reached = reached(target);
        for (Path attempt : of(target)) {
            String here = reached(attempt);
            if (here.compareTo(reached) > 0) {
                farthest = attempt;
                reached = here;
            }
        }
        if (!farthest.equals(target)) {
            move(farthest, target);
        } else {
            keepLastLog(target);
        }
        forget(target);
    }

    /**
     * Makes the run what an attempt has come to, and forgets all others.
     *
     * @param attempt the attempt's folder
     * @param target the run's folder
     * @throws IOException if a file cannot be moved
     */
    public static void take(Path attempt, Path target) throws IOException {
        move(attempt, target);
        forget(target);
    }

    private static void move(Path attempt, Path target) throws IOException {
        RunFolder.delete(target);
        Files.move(attempt, target);
        keepLog(attempt.resolveSibling(attempt.getFileName() + LOG), target);
    }

    /** What failed has printed why, though it has come to nothing. */
    private static void keepLastLog(Path target) throws IOException {
        Path last = null;
        for (Path log : beside(target)) {
            if (name(log).endsWith(LOG) && (last == null || isOlder(last, log))) {
                last = log;
            }
        }
        if (last != null) {
            keepLog(last, target);
        }
    }

    private static boolean isOlder(Path one, Path other) throws IOException {
        return Files.getLastModifiedTime(one).compareTo(Files.getLastModifiedTime(other)) < 0;
    }

    /** Makes what an attempt has printed the run's log, as if it had been at work there. */
    private static void keepLog(Path log, Path target) throws IOException {
        if (Files.exists(log)) {
            String attempt = log.toString().substring(0, log.toString().length() - LOG.length());
            String text = new String(Files.readAllBytes(log), UTF_8);
            AtomicFile.replace(
                    target.resolveSibling(target.getFileName() + LOG),
                    file -> Files.writeString(file, text.replace(attempt, target.toString())));
        }
    }

    /** Deletes what is left; an attempt that is not over yet may still be at it. */
    private static void forget(Path target) throws IOException {
        for (Path left : beside(target)) {
            try {
                RunFolder.delete(left);
            } catch (IOException | UncheckedIOException e) {
                // Another time.
            }
        }
    }

    private static List<Path> of(Path target) throws IOException {
        return beside(target).stream().filter(Files::isDirectory).toList();
    }

    /** Lists the folders and logs of attempts at a run. */
    private static List<Path> beside(Path target) throws IOException {
        String prefix = prefix(target);
        try (Stream<Path> entries = Files.list(target.getParent())) {
            return entries.filter(entry -> name(entry).startsWith(prefix)).toList();
        } catch (NoSuchFileException e) {
            return List.of();
        }
    }

    private static String prefix(Path target) {
        return "." + target.getFileName() + "@";
    }

    private static String name(Path path) {
        return path.getFileName().toString();
    }

    /** Tells how far a run has come, in words whose order is that of the way; empty for nowhere. */
    private static String reached(Path folder) throws IOException {
        RunFolder run = new RunFolder(folder);
        return run.isFinished() ? "finished" : run.checkpoints().newestName().orElse("");
    }
}
