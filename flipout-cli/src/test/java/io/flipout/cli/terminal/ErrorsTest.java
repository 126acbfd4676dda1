package io.flipout.cli.terminal;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import org.junit.jupiter.api.Test;

class ErrorsTest {

    @Test
    void whatTheSystemRefusesHasAWayOut() {
        assertThat(Errors.sentence(new IOException("No space left on device")))
                .isEqualTo(
                        "The disk is full (No space left on device): free some space and run"
                                + " again.");
        assertThat(Errors.sentence(new FileSystemException("a/b", null, "No space left on device")))
                .isEqualTo(
                        "The disk is full (a/b: No space left on device): free some space and run"
                                + " again.");
        assertThat(Errors.sentence(new FileSystemException("a/b", null, "Too many open files")))
                .isEqualTo(
                        "Too many files are open at once: allow more, by 'ulimit -n 1024', and run"
                                + " again.");
        assertThat(Errors.sentence(new FileSystemException("a", null, "Read-only file system")))
                .isEqualTo("a can only be read: choose another place or mount it for writing.");
        assertThat(Errors.sentence(new AccessDeniedException("a")))
                .isEqualTo("No permission to use a: choose another place or change whose it is.");
    }
}
