package io.flipout.cli.comparison;

import io.flipout.cli.comparison.Comparison.Measure;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.apache.commons.csv.CSVFormat;

/** What {@code metrics.csv} tells of the course of a run. */
public final class Metrics {

    /** The file in a run's folder. */
    public static final String FILE = "metrics.csv";

    private Metrics() {}

    /**
     * Reads the accuracy after each epoch.
     *
     * @param runFolder the run's folder
     * @param measure the images whose accuracy is compared
     * @return the accuracies in [0, 1] from the first epoch on; NaN where none was measured
     * @throws IOException if the file cannot be read
     */
    public static List<Double> accuracies(Path runFolder, Measure measure) throws IOException {
        String column = measure == Measure.TEST ? "test_accuracy" : "val_accuracy";
        CSVFormat format = CSVFormat.DEFAULT.builder().setHeader().setSkipHeaderRecord(true).get();
        try (var rows = format.parse(Files.newBufferedReader(runFolder.resolve(FILE)))) {
            return rows.stream()
                    .map(row -> row.get(column))
                    .map(value -> value.isEmpty() ? Double.NaN : Double.parseDouble(value))
                    .toList();
        }
    }
}
