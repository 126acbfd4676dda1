package io.flipout.cli;

import io.flipout.djl.EpochResult;
import io.flipout.djl.Score;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVPrinter;

/**
 * {@code metrics.csv}: a row an epoch. Sparsity and weights left are those of the network that was
 * scored, before the epoch's pruning.
 */
final class MetricsFile implements AutoCloseable {

    private static final CSVFormat FORMAT =
            CSVFormat.DEFAULT
                    .builder()
                    .setHeader(
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
                            "seconds")
                    .setRecordSeparator('\n')
                    .get();

    private final BufferedWriter writer;
    private final CSVPrinter printer;

    MetricsFile(Path file) throws IOException {
        writer = Files.newBufferedWriter(file);
        printer = new CSVPrinter(writer, FORMAT);
        printer.flush();
    }

    void add(EpochResult result, long remaining, double sparsity, float learningRate)
            throws IOException {
        printer.printRecord(
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
        printer.flush();
    }

    @Override
    public void close() throws IOException {
        printer.close();
        writer.close();
    }
}
