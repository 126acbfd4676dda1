package io.flipout.cli.report;

import io.flipout.cli.comparison.RunFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** A weight of {@code weights.csv}: what it was before the last pruning, and what came of it. */
record WeightSample(String layer, double magnitude, int flips, boolean kept) {

    private static final String FILE = "weights.csv";

    /** Tells whether a run recorded its weights. */
    static boolean isIn(Path runFolder) {
        return Files.isRegularFile(runFolder.resolve(FILE));
    }

    static List<WeightSample> read(Path runFolder) throws IOException {
        return RunFiles.rows(
                runFolder.resolve(FILE),
                row ->
                        new WeightSample(
                                row.get("layer"),
                                Double.parseDouble(row.get("magnitude")),
                                Integer.parseInt(row.get("flips")),
                                row.get("kept").equals("1")));
    }
}
