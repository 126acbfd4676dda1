package io.flipout.djl.torchscript;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** Runs the tests' scripts where there is a Python with PyTorch, such as Debian's python3-torch. */
public final class Python {

    private static Optional<String> interpreter;

    private Python() {}

    /** Skips the test, and says why, where there is no PyTorch. */
    public static void assumeTorch() throws IOException, InterruptedException {
        assumeTrue(
                interpreter().isPresent(),
                "skipped: no python3 with torch is installed (Debian's python3-torch)");
    }

    private static synchronized Optional<String> interpreter()
            throws IOException, InterruptedException {
        if (interpreter == null) {
            interpreter = Optional.empty();
            for (String candidate : List.of("python3", "/usr/bin/python3")) {
                if (run(List.of(candidate, "-c", "import torch"), null) == 0) {
                    interpreter = Optional.of(candidate);
                    break;
                }
            }
        }
        return interpreter;
    }

    private static int run(List<String> command, Path output)
            throws IOException, InterruptedException {
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.redirectError(
                output == null ? ProcessBuilder.Redirect.DISCARD : ProcessBuilder.Redirect.INHERIT);
        builder.redirectOutput(
                output == null
                        ? ProcessBuilder.Redirect.DISCARD
                        : ProcessBuilder.Redirect.to(output.toFile()));
        try {
            Process process = builder.start();
            if (!process.waitFor(10, TimeUnit.MINUTES)) {
                process.destroyForcibly();
                throw new IOException("Python does not come to an end.");
            }
            return process.exitValue();
        } catch (IOException e) {
            return -1; // There is no such interpreter.
        }
    }

    /** Runs a script of the test resources on a folder, and returns the lines it prints. */
    public static List<String> run(String script, Path folder)
            throws IOException, InterruptedException {
        Path file = folder.resolve(script);
        try (InputStream in = Python.class.getResourceAsStream("/python/" + script)) {
            Files.write(file, in.readAllBytes());
        }
        Path output = folder.resolve(script + ".out");
        String python = interpreter().orElseThrow();
        int status = run(List.of(python, file.toString(), folder.toString()), output);
        List<String> lines = Files.readAllLines(output);
        if (status != 0) {
            throw new IOException(script + " ended with " + status + " after " + lines);
        }
        return lines;
    }
}
