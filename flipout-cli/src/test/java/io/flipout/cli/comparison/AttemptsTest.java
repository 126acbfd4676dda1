package io.flipout.cli.comparison;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Locale;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AttemptsTest {

    @TempDir private Path runs;

    /** A run that has come so far. */
    private Path folder(String name, int epochs) throws IOException {
        Path checkpoints = Files.createDirectories(runs.resolve(name).resolve("checkpoints"));
        Files.createFile(
                checkpoints.resolve(
                        String.format(Locale.ROOT, "e%06d-b%08d.safetensors", epochs, 0)));
        Files.writeString(runs.resolve(name + ".log"), "The run is in " + runs.resolve(name));
        return runs.resolve(name);
    }

    private String[] left() throws IOException {
        try (Stream<Path> entries = Files.list(runs)) {
            return entries.map(path -> path.getFileName().toString())
                    .sorted()
                    .toArray(String[]::new);
        }
    }

    private static Path checkpoint(Path run, int epochs) {
        return run.resolve(
                String.format(Locale.ROOT, "checkpoints/e%06d-b%08d.safetensors", epochs, 0));
    }

    @Test
    void theFarthestAttemptBecomesTheRun() throws IOException {
        Path run = folder("random-seed1", 2);
        folder(".random-seed1@a", 3);
        folder(".random-seed1@b", 12);
        folder(".random-seed10@a", 20);
        Attempts.settle(run);
        assertThat(checkpoint(run, 12)).exists();
        assertThat(checkpoint(run, 2)).doesNotExist();
        assertThat(left())
                .containsExactly(
                        ".random-seed10@a",
                        ".random-seed10@a.log",
                        "random-seed1",
                        "random-seed1.log");
        assertThat(runs.resolve("random-seed1.log")).hasContent("The run is in " + run);
    }

    @Test
    void aRunThatIsFartherStaysAsItIs() throws IOException {
        Path run = folder("random-seed1", 5);
        folder(".random-seed1@a", 4);
        Attempts.settle(run);
        assertThat(checkpoint(run, 5)).exists();
        assertThat(left()).containsExactly("random-seed1", "random-seed1.log");
    }

    @Test
    void whatHasComeToItsEndIsFarthest() throws IOException {
        Path run = folder("random-seed1", 5);
        Path finished = Files.createDirectories(runs.resolve(".random-seed1@a"));
        Files.writeString(finished.resolve("summary.json"), "{}");
        folder(".random-seed1@b", 6);
        Attempts.settle(run);
        assertThat(run.resolve("summary.json")).exists();
        assertThat(run.resolve("checkpoints")).doesNotExist();
    }

    @Test
    void whatComesToNothingLeavesWhatItPrinted() throws IOException {
        Path run = runs.resolve("random-seed1");
        for (String attempt : new String[] {"b", "a"}) {
            Path log =
                    Files.writeString(runs.resolve(".random-seed1@" + attempt + ".log"), attempt);
            Files.setLastModifiedTime(log, FileTime.fromMillis(attempt.equals("a") ? 2000 : 1000));
        }
        Attempts.settle(run);
        assertThat(left()).containsExactly("random-seed1.log");
        assertThat(runs.resolve("random-seed1.log")).hasContent("a");
    }

    @Test
    void oneThatWonIsTakenThoughAnotherIsStillAtIt() throws IOException {
        Path run = runs.resolve("random-seed1");
        Path won = folder(".random-seed1@a", 3);
        folder(".random-seed1@b", 9);
        Attempts.take(won, run);
        assertThat(checkpoint(run, 3)).exists();
        assertThat(left()).containsExactly("random-seed1", "random-seed1.log");
    }
}
