package io.flipout.cli.run;

import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.WRITE;

import io.flipout.cli.terminal.Failure;
import io.flipout.djl.training.EpochResult;
import io.flipout.djl.training.Score;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.commons.csv.CSVFormat;

/**
 * {@code metrics.csv}: a row an epoch. Sparsity and weights left are those of the network that was
 * scored, before the epoch's pruning.
 */
public final class MetricsFile {

    private final Path path;

    /** Begins a new file, or goes on with one after so many epochs and forgets what came later. */
    public MetricsFile(Path path, int epochs) throws IOException {
        this.path = path;
        if (epochs > 0) {
            cutAfter(epochs);
            return;
        }
        Files.deleteIfExists(path);
        append(
                "epoch",
                "train_loss",
                "train_accuracy",
                "val_loss",
                "val_accuracy",
                "test_loss",
                "test_accuracy",
                "remaining_weights",
                "sparsity",
                "learning_rate",
                "images_per_second",
                "seconds");
    }

    private void cutAfter(int epochs) throws IOException {
        byte[] bytes = Files.readAllBytes(path);
        int rows = 0;
        int end = 0;
        while (end < bytes.length && rows <= epochs) { // The names of the columns come first.
            rows += bytes[end++] == '\n' ? 1 : 0;
        }
        if (rows <= epochs) {
            throw Failure.of(
                    path
                            + " does not hold the "
                            + epochs
                            + " epochs that the checkpoint comes after.",
                    null);
        }
        try (FileChannel file = FileChannel.open(path, WRITE)) {
            file.truncate(end);
        }
    }

    /** Writes a row whole or not at all. */
    private void append(Object... values) throws IOException {
        String row = CSVFormat.DEFAULT.format(values) + "\n";
        ByteBuffer bytes = ByteBuffer.wrap(row.getBytes(StandardCharsets.UTF_8));
        try (FileChannel file = FileChannel.open(path, CREATE, WRITE)) {
            long end = file.size();
            try {
                file.position(end);
                while (bytes.hasRemaining()) {
                    file.write(bytes);
                }
            } catch (IOException e) {
                file.truncate(end);
                throw e;
            }
        }
    }

    public void add(EpochResult result, long remaining, double sparsity, float learningRate)
            throws IOException {
        append(
                result.epoch(),
                result.train().loss(),
                result.train().accuracy(),
                result.validation().map(Score::loss).orElse(null),
                result.validation().map(Score::accuracy).orElse(null),
                result.test().map(Score::loss).orElse(null),
                result.test().map(Score::accuracy).orElse(null),
                remaining,
                sparsity,
                learningRate,
                Math.round(result.imagesPerSecond()),
                Math.round(result.seconds() * 1000) / 1000.0);
    }
}
