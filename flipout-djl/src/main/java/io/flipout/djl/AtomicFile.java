package io.flipout.djl.torchscript;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.UUID;

/** Writes a file whole or not at all. */
final class AtomicFile {

    private AtomicFile() {}

    /** Writes to a path. */
    @FunctionalInterface
    interface Writer {
        void write(Path path) throws IOException;
    }

    /**
     * Writes beside the target and moves the result there, in the place of a file that exists.
     *
     * @param target the file
     * @param writer writes it, to the path it is given
     * @throws TorchScriptException if the target's folder does not exist
     * @throws IOException if the file cannot be written
     */
    static void replace(Path target, Writer writer) throws IOException {
        Path folder = target.toAbsolutePath().getParent();
        if (!Files.isDirectory(folder)) {
            throw new TorchScriptException("There is no folder " + folder + " to write to.");
        }
        Path temporary = folder.resolve("." + target.getFileName() + "." + UUID.randomUUID());
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
