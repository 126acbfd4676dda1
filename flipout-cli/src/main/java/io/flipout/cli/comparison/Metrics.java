package io.flipout.cli.comparison;

import io.flipout.cli.comparison.Comparison.Measure;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

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
     * @throws IOException if the file is damaged or cannot be read
     */
    public static List<Double> accuracies(Path runFolder, Measure measure) throws IOException {
        String column = measure == Measure.TEST ? "test_accuracy" : "val_accuracy";
        return RunFiles.rows(
                runFolder.resolve(FILE),
                row -> {
                    String value = row.get(column);
                    return value.isEmpty() ? Double.NaN : Double.parseDouble(value);
                });
    }
}
