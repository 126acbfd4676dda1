package io.flipout.cli.run;

import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.WRITE;

import io.flipout.cli.terminal.Failure;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Path;

/** Holds a folder against other writers until it is closed, or the process ends however. */
public final class FolderLock implements AutoCloseable {

    /** The file that is locked. */
    public static final String FILE = ".lock";

    private final FileChannel file;

    private FolderLock(FileChannel file) {
        this.file = file;
    }

    /** Takes the lock of a folder, or refuses with a sentence where another has it. */
    public static FolderLock of(Path folder, String taken) throws IOException {
        FileChannel file = FileChannel.open(folder.resolve(FILE), CREATE, WRITE);
        try {
            if (file.tryLock() != null) {
                return new FolderLock(file);
            }
        } catch (OverlappingFileLockException e) {
            // Another command in this JVM holds it.
        }
        file.close();
        throw Failure.misuse(taken);
    }

    @Override
    public void close() throws IOException {
        file.close();
    }
}
