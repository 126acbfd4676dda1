package io.flipout.cli.option;

import ai.djl.engine.Engine;
import ai.djl.pytorch.jni.JniUtils;
import ai.djl.util.Utils;
import io.flipout.cli.terminal.Failure;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Path;
import java.util.Locale;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Options of every command that computes. */
public final class CommonOptions {

    @Option(
            names = "--threads",
            paramLabel = "N",
            description = "Threads to compute with on the CPU (default: one for each core).")
    private Integer threads;

    @Option(names = "--verbose", description = "Say which versions compute, and show stack traces.")
    private boolean verbose;

    @Spec(Spec.Target.MIXEE)
    private CommandSpec command;

    boolean verbose() {
        return verbose;
    }

    /** Returns how many threads compute, where no engine decides it. */
    public int threads() {
        if (threads == null) {
            return Runtime.getRuntime().availableProcessors();
        }
        check();
        return threads;
    }

    private void check() {
        if (threads < 1) {
            throw Failure.misuse("The number of threads must be at least 1, got " + threads);
        }
    }

    /** Starts the engine with these options; they have no effect on one that runs already. */
    public Engine startEngine() {
        if (threads != null) {
            check();
            System.setProperty("ai.djl.pytorch.num_threads", threads.toString());
            System.setProperty("ai.djl.pytorch.num_interop_threads", "1");
            // The caller works too; and a pool of 0 makes parallel streams wait for ever.
            System.setProperty(
                    "java.util.concurrent.ForkJoinPool.common.parallelism",
                    Integer.toString(Math.max(1, threads - 1)));
        }
        Engine engine = startPyTorch();
        if (threads == null) {
            // A run's results depend on it: PyTorch splits its sums by threads.
            threads = JniUtils.getNumThreads();
        }
        if (verbose) {
            command.commandLine()
                    .getErr()
                    .printf(
                            Locale.ROOT,
                            "DJL %s, PyTorch %s, Java %s, %s, threads: %d.%n",
                            Engine.getDjlVersion(),
                            engine.getVersion(),
                            System.getProperty("java.version"),
                            engine.defaultDevice(),
                            threads);
        }
        return engine;
    }

    /** Starts the engine as it comes. */
    public static Engine startPyTorch() {
        try {
            return Engine.getInstance();
        } catch (RuntimeException | LinkageError e) {
            throw unloadable(e, Utils.getEngineCacheDir());
        }
    }

    /** Says why PyTorch could not be loaded, which DJL unpacks into its cache before. */
    static Failure unloadable(Throwable e, Path cache) {
        Throwable root = e;
        while (root.getCause() != null && root.getCause() != root) {
            root = root.getCause();
        }
        String why =
                root.getMessage() == null ? root.getClass().getSimpleName() : root.getMessage();
        if (root instanceof FileSystemException || why.contains("No space left")) {
            String reason =
                    root instanceof FileSystemException fault && fault.getReason() != null
                            ? fault.getReason()
                            : root instanceof AccessDeniedException
                                    ? "no permission"
                                    : root instanceof FileSystemException
                                            ? "it cannot be made"
                                            : why;
            return Failure.of(
                    "PyTorch cannot be unpacked into DJL's cache folder "
                            + cache
                            + " ("
                            + reason
                            + "): point DJL_CACHE_DIR to a folder that can be written, with 1 GB"
                            + " free.",
                    e);
        }
        return Failure.of(
                "PyTorch could not be loaded ("
                        + why
                        + "): see 'GPU' in the README for what must be installed, or set"
                        + " PYTORCH_LIBRARY_PATH to a PyTorch of your own.",
                e);
    }
}
