package io.flipout.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;

/** Turns whatever goes wrong into one sentence and an exit status. */
final class Errors
        implements CommandLine.IExecutionExceptionHandler, CommandLine.IParameterExceptionHandler {

    private final boolean verbose;

    Errors(boolean verbose) {
        this.verbose = verbose;
    }

    @Override
    public int handleParseException(ParameterException e, String[] args) {
        PrintWriter err = e.getCommandLine().getErr();
        err.println("flipout: " + e.getMessage());
        err.println("Try './" + e.getCommandLine().getCommandSpec().qualifiedName() + " --help'.");
        trace(e, err);
        return Failure.MISUSED;
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

    private void trace(Exception e, PrintWriter err) {
        if (verbose) {
            e.printStackTrace(err);
        }
        err.flush();
    }

    private static String sentence(Throwable e) {
        if (e instanceof AccessDeniedException denied) {
            return "No permission to use " + denied.getFile() + ".";
        }
        if (e instanceof NoSuchFileException missing) {
            return "There is no file " + missing.getFile() + ".";
        }
        if (e instanceof FileSystemException fault && fault.getReason() != null) {
            return fault.getFile() + ": " + fault.getReason() + ".";
        }
        String message = e.getMessage();
        if (e instanceof IOException && message != null && message.contains("No space left")) {
            return "The disk is full (" + message + "): free some space and run again.";
        }
        if (message == null || message.isBlank()) {
            return e.getClass().getSimpleName() + "; --verbose tells where.";
        }
        return message.lines().findFirst().orElse(message);
    }
}
