package io.flipout.djl.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AtomicFileTest {

    @TempDir private Path folder;

    @Test
    void aFileIsReplacedAsAWhole() throws IOException {
        Path file = folder.resolve("a.txt");
        Files.writeString(folder.resolve("a.txt.tmp"), "what a crash left behind");
        for (String text : new String[] {"first", "2nd"}) {
            AtomicFile.replace(file, path -> Files.writeString(path, text));
            assertThat(file).hasContent(text);
            assertThat(folder.toFile().list()).containsExactly("a.txt");
        }
    }

    @Test
    void whatFailsLeavesTheFileAsItWasAndNothingBesideIt() throws IOException {
        Path file = folder.resolve("a.txt");
        Files.writeString(file, "before");
        assertThatThrownBy(
                        () ->
                                AtomicFile.replace(
                                        file,
                                        path -> {
                                            Files.writeString(path, "half");
                                            throw new IOException("The disk is full.");
                                        }))
                .hasMessage("The disk is full.");
        assertThat(file).hasContent("before");
        assertThat(folder.toFile().list()).containsExactly("a.txt");
    }
}
