package io.flipout.cli.report;

import io.flipout.cli.comparison.Arm;
import io.flipout.cli.comparison.Comparison;
import io.flipout.cli.comparison.Comparison.Measure;
import io.flipout.cli.comparison.PlannedRun;
import io.flipout.cli.comparison.Results;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Folders of comparisons whose runs nobody has run: every number is written down. */
final class HandMade {

    static final Arm DENSE = new Arm("none", "none", Map.of(), null);
    static final Arm FLIPOUT = new Arm("flipout", "flipout", Map.of(), null);
    static final Arm MAGNITUDE = new Arm("global-magnitude", "global-magnitude", Map.of(), null);

    /** The network of {@link #run}: two layers of 100 and 300 weights. */
    static final int WEIGHTS = 400;

    private HandMade() {}

    /**
     * Two methods and the dense network, three sparsities, two seeds. At 99 % one run of magnitude
     * failed; at 90 % one run of FlipOut and both of magnitude are missing.
     */
    static Path comparison(Path folder) throws IOException {
        Comparison comparison =
                new Comparison(
                        "",
                        Measure.TEST,
                        Map.of("model", "tiny", "dataset", "<b>data & co</b>"),
                        List.of(DENSE, FLIPOUT, MAGNITUDE),
                        List.of(0.75, 0.9, 0.99),
                        List.of(1, 2));
        Files.createDirectories(folder);
        comparison.write(folder);
        run(folder, new PlannedRun(DENSE, Double.NaN, "", 1), 0, 0.95);
        run(folder, new PlannedRun(DENSE, Double.NaN, "", 2), 0, 0.93);
        run(folder, new PlannedRun(FLIPOUT, 0.75, "", 1), 0.75, 0.90);
        run(folder, new PlannedRun(FLIPOUT, 0.75, "", 2), 0.75, 0.92);
        run(folder, new PlannedRun(FLIPOUT, 0.9, "", 1), 0.9, 0.85);
        run(folder, new PlannedRun(FLIPOUT, 0.99, "", 1), 0.99, 0.50);
        run(folder, new PlannedRun(FLIPOUT, 0.99, "", 2), 0.99, 0.56);
        run(folder, new PlannedRun(MAGNITUDE, 0.75, "", 1), 0.75, 0.93);
        run(folder, new PlannedRun(MAGNITUDE, 0.75, "", 2), 0.75, 0.93);
        run(folder, new PlannedRun(MAGNITUDE, 0.99, "", 1), 0.99, 0.51);
        Files.writeString(
                Results.fault(folder, new PlannedRun(MAGNITUDE, 0.99, "", 2)),
                "The loss is <not> finite & \"gone\".\n");
        return folder;
    }

    /** Writes a finished run of two epochs. */
    static void run(Path folder, PlannedRun run, double sparsity, double accuracy)
            throws IOException {
        int first = (int) Math.round(100 * (1 - sparsity));
        int second = (int) Math.round(300 * (1 - sparsity));
        write(
                Comparison.folder(folder, run),
                run,
                sparsity,
                accuracy,
                new Summary.Layer("first.weight", 100, first),
                new Summary.Layer("second.weight", 300, second));
    }

    /** Writes a finished run of two epochs. */
    static void write(
            Path runFolder,
            PlannedRun run,
            double sparsity,
            double accuracy,
            Summary.Layer... layers)
            throws IOException {
        Files.createDirectories(runFolder);
        Files.writeString(
                runFolder.resolve("metrics.csv"),
                String.format(
                        Locale.ROOT,
                        "epoch,val_accuracy,test_accuracy\n1,,%s\n2,,%s\n",
                        accuracy / 2,
                        accuracy));
        String network =
                Stream.of(layers)
                        .map(
                                layer ->
                                        String.format(
                                                Locale.ROOT,
                                                "{\"name\": \"%s\", \"weights\": %d,"
                                                        + " \"remaining\": %d}",
                                                layer.name(),
                                                layer.weights(),
                                                layer.remaining()))
                        .collect(Collectors.joining(", "));
        Files.writeString(
                runFolder.resolve("summary.json"),
                String.format(
                        Locale.ROOT,
                        "{\"method\": \"%s\", \"model\": \"tiny\", \"dataset\": \"<b>data & co</b>\","
                                + " \"seed\": %d, \"epochs\": 2, \"prunable_weights\": %d,"
                                + " \"remaining_weights\": %d, \"sparsity\": %s, \"test_accuracy\":"
                                + " %s, \"seconds\": 1800.0, \"layers\": [%s]}",
                        run.arm().method(),
                        run.seed(),
                        WEIGHTS,
                        Math.round(WEIGHTS * (1 - sparsity)),
                        sparsity,
                        accuracy,
                        network));
    }

    /** Adds what decided the last pruning of a run. */
    static void weights(Path runFolder) throws IOException {
        StringBuilder rows = new StringBuilder("layer,position,magnitude,flips,kept\n");
        for (int i = 0; i < 100; i++) {
            for (String layer : List.of("first.weight", "second.weight")) {
                rows.append(layer).append(',').append(i).append(',');
                rows.append(0.01 * (1 + i % 50)).append(',').append(i % 7).append(',');
                rows.append(i % 50 > 25 ? 1 : 0).append('\n');
            }
        }
        Files.writeString(runFolder.resolve("weights.csv"), rows);
    }
}
