package io.flipout.cli;

import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/** Ctrl-C, as tests press it. */
final class Interrupts {

    private static final long SIGINT = 1L << 1;

    private Interrupts() {}

    /**
     * Passes over a test where no process would hear of SIGINT: a shell starts its background jobs
     * with it ignored, as {@code nohup mvn verify &} does, and what they start inherits that.
     */
    static void assumeHeard() throws IOException {
        Path status = Path.of("/proc/self/status");
        if (Files.exists(status)) {
            String ignored =
                    Files.readAllLines(status).stream()
                            .filter(line -> line.startsWith("SigIgn:"))
                            .map(line -> line.substring("SigIgn:".length()).strip())
                            .findFirst()
                            .orElse("0");
            assumeThat(Long.parseUnsignedLong(ignored, 16) & SIGINT)
                    .as("SIGINT ignored by whoever started the tests")
                    .isZero();
        }
    }

    /** Returns the status of a process that is about to end. */
    static int status(Process process) throws InterruptedException {
        if (!process.waitFor(2, TimeUnit.MINUTES)) {
            process.destroyForcibly();
            throw new AssertionError("The process did not end within two minutes of a signal.");
        }
        return process.exitValue();
    }
}
