package io.flipout.djl.checkpoint;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/** Writes a file whole or not at all. */
public final class AtomicFile {

    private AtomicFile() {}

    /** Writes to a path. */
    @FunctionalInterface
    public interface Writer {

        /**
         * Writes a file.
         *
         * @param path the file
         * @throws IOException if it cannot be written
         */
        void write(Path path) throws IOException;
    }

    /**
     * Writes beside the target, to its name and {@code .tmp}, and moves the result there, in the
     * place of a file that exists.
     *
     * @param target the file, in a folder that exists
     * @param writer writes it, to the path it is given
     * @throws IOException if the file cannot be written; one that exists is left as it was
     */
    public static void replace(Path target, Writer writer) throws IOException {
        Path temporary = target.resolveSibling(target.getFileName() + ".tmp");
        try {
            writer.write(temporary);
            Files.move(
                    temporary,
                    target,
                    StandardCopyOption.ATOMIC_MOVE,
                    StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(temporary);
        }
    }
}
