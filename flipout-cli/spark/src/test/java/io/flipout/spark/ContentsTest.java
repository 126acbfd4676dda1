package io.flipout.spark;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ContentsTest {

    @TempDir private Path folder;

    private Path jar(String name, long time, String... texts) throws IOException {
        Path file = folder.resolve(name);
        try (OutputStream bytes = Files.newOutputStream(file);
                ZipOutputStream zip = new ZipOutputStream(bytes)) {
            for (int i = 0; i < texts.length; i++) {
                ZipEntry entry = new ZipEntry("entry" + i);
                entry.setTime(time);
                zip.putNextEntry(entry);
                zip.write(texts[i].getBytes(UTF_8));
                zip.closeEntry();
            }
        }
        return file;
    }

    @Test
    void jarsOfTheSameClassesAreTheSameWheneverTheyWereBuilt() throws IOException {
        String digest = Contents.classes(jar("a.jar", 1_000_000_000_000L, "one", "two"));
        assertThat(Contents.classes(jar("b.jar", 1_500_000_000_000L, "one", "two")))
                .isEqualTo(digest);
        assertThat(Contents.classes(jar("c.jar", 1_000_000_000_000L, "one", "twO")))
                .isNotEqualTo(digest);
        assertThat(Contents.classes(jar("d.jar", 1_000_000_000_000L, "one"))).isNotEqualTo(digest);
    }

    @Test
    void foldersAreToldApartByNamesAndSizes() throws IOException {
        Path data = Files.createDirectories(folder.resolve("data/train"));
        Files.writeString(data.resolve("image"), "abc");
        String listing = Contents.listing(folder.resolve("data"));
        Files.writeString(data.resolve("image"), "abd");
        assertThat(Contents.listing(folder.resolve("data"))).isEqualTo(listing);
        Files.writeString(data.resolve("image"), "abcd");
        assertThat(Contents.listing(folder.resolve("data"))).isNotEqualTo(listing);
        Files.move(data.resolve("image"), data.resolve("other"));
        Files.writeString(data.resolve("other"), "abc");
        assertThat(Contents.listing(folder.resolve("data"))).isNotEqualTo(listing);
    }

    @Test
    void whatIsPackedIsUnpacked() throws IOException {
        Path data = Files.createDirectories(folder.resolve("data/train"));
        Files.writeString(data.resolve("image"), "abc");
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
            Contents.pack(folder.resolve("data"), "run/", zip);
            Contents.pack(data.resolve("image"), "log", zip);
        }
        Path there = folder.resolve("there");
        Contents.unpack(new ByteArrayInputStream(bytes.toByteArray()), there);
        assertThat(there.resolve("run/train/image")).hasContent("abc");
        assertThat(there.resolve("log")).hasContent("abc");
        Contents.delete(there);
        assertThat(there).doesNotExist();
    }

    @Test
    void anArchiveWritesNothingBesideItsFolder() throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
            zip.putNextEntry(new ZipEntry("../beside"));
            zip.closeEntry();
        }
        byte[] archive = bytes.toByteArray();
        assertThatThrownBy(
                        () ->
                                Contents.unpack(
                                        new ByteArrayInputStream(archive), folder.resolve("there")))
                .isInstanceOf(ZipException.class);
        assertThat(folder.resolve("beside")).doesNotExist();
    }

    @Test
    void anotherJavaIsRefusedByTheNameOfItsMachine() throws Exception {
        Machine.checkJava("worker-2", 17, 17);
        assertThatThrownBy(() -> Machine.checkJava("worker-2", 21, 17))
                .isInstanceOf(RunFailure.class)
                .hasMessage(
                        "worker-2 runs Java 21, but the comparison Java 17: start Spark there with"
                                + " a JAVA_HOME of that version.");
    }

    @Test
    void whatSparkSaysOfAFailureIsASentence() {
        assertThat(RunListener.sentence("java.io.IOException: No space left on device\n\tat x"))
                .isEqualTo("No space left on device.");
        assertThat(RunListener.sentence("ExecutorLostFailure (executor 0 exited) Reason: gone"))
                .isEqualTo("Its executor was lost; Spark's log tells why.");
    }

    @Test
    void theLastSentenceOfALogTellsWhyARunFailed() {
        Path log = Path.of("run.log");
        assertThat(RunTask.fault("epoch 1\nflipout: One.\nflipout: Two.\nat x", 1, log))
                .isEqualTo("Two.");
        assertThat(RunTask.fault("Killed", 137, log))
                .isEqualTo("The process ended with status 137; see run.log.");
    }
}
