package io.flipout.cli.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The memory of this process, native memory included, as Linux tells it. */
final class ProcessMemory {

    private static final Path STATUS = Path.of("/proc/self/status");
    private static final Path CLEAR = Path.of("/proc/self/clear_refs");

    private ProcessMemory() {}

    /** Whether the system tells. */
    static boolean isKnown() {
        return Files.isReadable(STATUS) && Files.isWritable(CLEAR);
    }

    /** Returns the bytes in memory now; 0 if unknown. */
    static long resident() throws IOException {
        return read("VmRSS:");
    }

    /** Returns the most bytes that were in memory since {@link #resetPeak}; 0 if unknown. */
    static long peak() throws IOException {
        return read("VmHWM:");
    }

    static void resetPeak() throws IOException {
        if (isKnown()) {
            Files.writeString(CLEAR, "5");
        }
    }

    private static long read(String field) throws IOException {
        if (!isKnown()) {
            return 0;
        }
        for (String line : Files.readAllLines(STATUS)) {
            if (line.startsWith(field)) {
                return 1024 * Long.parseLong(line.replaceAll("\\D", ""));
            }
        }
        return 0;
    }
}
