package io.flipout.cli.terminal;

import ai.djl.engine.EngineException;
import io.flipout.djl.torchscript.EngineMessages;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.util.Collection;
import java.util.Locale;
import java.util.Optional;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.UnmatchedArgumentException;

/** Turns whatever goes wrong into one sentence and an exit status. */
public final class Errors
        implements CommandLine.IExecutionExceptionHandler, CommandLine.IParameterExceptionHandler {

    private static final String TOO_MANY_FILES = "Too many open files";

    private final boolean verbose;

    public Errors(boolean verbose) {
        this.verbose = verbose;
    }

    @Override
    public int handleParseException(ParameterException e, String[] args) {
        PrintWriter err = e.getCommandLine().getErr();
        err.println("flipout: " + misuse(e));
        err.println("Try './" + e.getCommandLine().getCommandSpec().qualifiedName() + " --help'.");
        trace(e, err);
        return Failure.MISUSED;
    }

    /** Names what exists where the user named something that does not. */
    public static String misuse(ParameterException e) {
        if (!(e instanceof UnmatchedArgumentException unmatched)) {
            return e.getMessage();
        }
        CommandSpec command = e.getCommandLine().getCommandSpec();
        Collection<String> known =
                unmatched.isUnknownOption()
                        ? command.options().stream().map(OptionSpec::longestName).toList()
                        : command.subcommands().keySet();
        if (known.isEmpty()) {
            return e.getMessage();
        }
        return String.format(
                Locale.ROOT,
                "Unknown %s '%s'; there are %s.",
                unmatched.isUnknownOption() ? "option" : "command",
                unmatched.getUnmatched().get(0),
                String.join(", ", known));
    }

    @Override
    public int handleExecutionException(Exception e, CommandLine command, ParseResult parsed) {
        PrintWriter err = command.getErr();
        err.println("flipout: " + sentence(e));
        trace(e, err);
        if (e instanceof Failure failure) {
            return failure.status();
        }
        return e instanceof IllegalArgumentException ? Failure.MISUSED : Failure.FAILED;
    }

    /** Java's memory is full, which is no exception but an error. */
    public int handleFullMemory(OutOfMemoryError e, CommandLine command) {
        PrintWriter err = command.getErr();
        err.println(
                "flipout: Java's memory is full: take fewer or smaller images (--limit,"
                        + " --image-size), smaller batches (--batch-size), or give Java more: FLIPOUT_JAVA_OPTIONS=-Xmx8g.");
        trace(e, err);
        return Failure.FAILED;
    }

    /** A part of the program could not be loaded: it is missing, or no file can be opened. */
    public int handleUnloadable(LinkageError e, CommandLine command) {
        Throwable root = e;
        while (root.getCause() != null) {
            root = root.getCause();
        }
        PrintWriter err = command.getErr();
        err.println(
                "flipout: "
                        + (root instanceof IOException
                                ? sentence(root)
                                : "A part of the program could not be loaded ("
                                        + root.getMessage()
                                        + "): build it anew, or allow more open files, by 'ulimit -n"
                                        + " 1024'."));
        trace(e, err);
        return Failure.FAILED;
    }

    private void trace(Throwable e, PrintWriter err) {
        if (verbose) {
            e.printStackTrace(err);
        }
        err.flush();
    }

    /** Says what went wrong in a sentence. */
    public static String sentence(Throwable e) {
        if (e instanceof IOException fault) {
            Optional<String> known = ofSystem(fault);
            if (known.isPresent()) {
                return known.get();
            }
        }
        if (e instanceof AccessDeniedException denied) {
            return "No permission to use "
                    + denied.getFile()
                    + ": choose another place or change whose it is.";
        }
        if (e instanceof NoSuchFileException missing) {
            return "There is no file " + missing.getFile() + ".";
        }
        if (e instanceof FileSystemException fault && fault.getReason() != null) {
            return fault.getFile() + ": " + fault.getReason() + ".";
        }
        if (e instanceof EngineException) {
            return EngineMessages.reason(e) + ".";
        }
        String message = e.getMessage();
        if (message == null || message.isBlank()) {
            return e.getClass().getSimpleName() + "; --verbose tells where.";
        }
        return message.lines().findFirst().orElse(message);
    }

    /** Says what the operating system refuses, where there is a way out. */
    private static Optional<String> ofSystem(IOException e) {
        String file = e instanceof FileSystemException fault ? fault.getFile() : null;
        String message = String.valueOf(e.getMessage());
        if (message.contains("No space left") || message.contains("quota exceeded")) {
            return Optional.of(
                    "The disk is full (" + message + "): free some space and run again.");
        }
        if (message.contains(TOO_MANY_FILES)) {
            return Optional.of(
                    "Too many files are open at once: allow more, by 'ulimit -n 1024', and run"
                            + " again.");
        }
        if (message.contains("Read-only file system") && file != null) {
            return Optional.of(
                    file + " can only be read: choose another place or mount it for writing.");
        }
        return Optional.empty();
    }
}
