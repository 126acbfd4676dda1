package io.flipout.cli.option;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.engine.EngineException;
import java.io.IOException;
import java.net.UnknownHostException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class CommonOptionsTest {

    private static final Path CACHE = Path.of("/cache");

    private static String sentence(Exception cause) {
        return CommonOptions.unloadable(new EngineException("Failed", cause), CACHE).getMessage();
    }

    @Test
    void aCacheThatCannotBeWrittenIsNamed() {
        String file = "/cache/pytorch";
        for (Exception fault :
                new Exception[] {
                    new FileSystemException(file, null, "Read-only file system"),
                    new FileSystemException(file, null, "Not a directory"),
                    new NoSuchFileException(file),
                    new AccessDeniedException(file),
                    new IOException("No space left on device")
                }) {
            assertThat(sentence(fault))
                    .startsWith("PyTorch cannot be unpacked into DJL's cache folder /cache (")
                    .contains("DJL_CACHE_DIR");
        }
        assertThat(sentence(new AccessDeniedException(file))).contains("(no permission)");
        assertThat(sentence(new NoSuchFileException(file))).contains("(it cannot be made)");
    }

    @Test
    void whatElseIsWrongIsNotTheCache() {
        assertThat(sentence(new UnknownHostException("publish.djl.ai")))
                .startsWith("PyTorch could not be loaded (publish.djl.ai): see");
        assertThat(sentence(new IllegalStateException("libcudnn.so.8: cannot open")))
                .contains("libcudnn.so.8")
                .doesNotContain("DJL_CACHE_DIR");
    }
}
