package io.flipout.cli.comparison;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import io.flipout.cli.comparison.Comparison.Measure;
import io.flipout.cli.comparison.RunResult.Status;
import io.flipout.cli.run.RunFolder;
import io.flipout.djl.checkpoint.AtomicFile;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVPrinter;

/** What has come of the runs of a comparison so far. */
public final class Results {

    /** The table of all runs in a comparison's folder. */
    public static final String FILE = "results.csv";

    /** What the name of a run's folder is followed by where its fault is kept. */
    private static final String FAULT = ".failed";

    private static final String SUMMARY = "summary.json";

    private final Path folder;
    private final Comparison comparison;
    private final List<RunResult> runs;

    private Results(Path folder, Comparison comparison, List<RunResult> runs) {
        this.folder = folder;
        this.comparison = comparison;
        this.runs = runs;
    }

    /**
     * Reads what the runs of a comparison left behind.
     *
     * @param folder the comparison's folder
     * @param comparison the comparison
     * @return its results; runs that are not there are {@link Status#MISSING}
     * @throws IOException if a file cannot be read
     */
    public static Results read(Path folder, Comparison comparison) throws IOException {
        List<RunResult> results = new ArrayList<>();
        for (PlannedRun run : comparison.runs()) {
            results.add(read(folder, comparison.measure(), run));
        }
        return new Results(folder, comparison, results);
    }

    /**
     * Reads a single run of {@code flipout train} as if it were a comparison of its own. One that
     * is not finished is as it was last saved.
     *
     * @param runFolder the run's folder
     * @return its result, measured by the test images
     * @throws IllegalArgumentException if the folder holds no run that has been saved
     * @throws IOException if a file cannot be read
     */
    public static Results ofRun(Path runFolder) throws IOException {
        if (!isRun(runFolder) && !new RunFolder(runFolder).isInterrupted()) {
            throw new IllegalArgumentException(
                    runFolder + " is no finished run: it has no " + SUMMARY + ".");
        }
        JsonNode summary = RunFiles.summary(runFolder);
        String method = summary.path("method").asText();
        Arm arm = new Arm(method, method, Map.of(), null);
        int seed = summary.path("seed").asInt();
        double sparsity = summary.path("sparsity").asDouble(Double.NaN);
        Map<String, String> options = new LinkedHashMap<>();
        for (String name : List.of("model", "dataset", "epochs")) {
            options.put(name, summary.path(name).asText());
        }
        Comparison comparison =
                new Comparison(
                        "",
                        Measure.TEST,
                        options,
                        List.of(arm),
                        arm.isDense() ? List.of() : List.of(sparsity),
                        List.of(seed));
        PlannedRun run = comparison.runs().get(0);
        return new Results(
                runFolder, comparison, List.of(done(run, runFolder, summary, Measure.TEST)));
    }

    /**
     * Tells whether a folder is that of a run that came to its end.
     *
     * @param folder a folder
     * @return true if so
     */
    public static boolean isRun(Path folder) {
        return Files.isRegularFile(folder.resolve(SUMMARY));
    }

    private static RunResult done(PlannedRun run, Path runFolder, JsonNode summary, Measure measure)
            throws IOException {
        double accuracy =
                measure == Measure.TEST
                        ? summary.path("test_accuracy").asDouble(Double.NaN)
                        : validationAccuracy(runFolder);
        return new RunResult(
                run,
                Status.DONE,
                runFolder,
                accuracy,
                summary.path("sparsity").asDouble(Double.NaN),
                summary.path("remaining_weights").asLong(),
                summary.path("seconds").asDouble(Double.NaN),
                "");
    }

    private static RunResult read(Path folder, Measure measure, PlannedRun run) throws IOException {
        Path runFolder = Comparison.folder(folder, run);
        if (isRun(runFolder)) {
            JsonNode summary = RunFiles.json(runFolder.resolve(SUMMARY));
            return done(run, runFolder, summary, measure);
        }
        Path fault = fault(folder, run);
        boolean failed = Files.isRegularFile(fault);
        return new RunResult(
                run,
                failed ? Status.FAILED : Status.MISSING,
                runFolder,
                Double.NaN,
                Double.NaN,
                0,
                Double.NaN,
                failed ? new String(Files.readAllBytes(fault), UTF_8).strip() : "");
    }

    private static double validationAccuracy(Path runFolder) throws IOException {
        List<Double> accuracies = Metrics.accuracies(runFolder, Measure.VALIDATION);
        return accuracies.isEmpty() ? Double.NaN : accuracies.get(accuracies.size() - 1);
    }

    /**
     * Returns where the fault of a run is kept.
     *
     * @param folder the comparison's folder
     * @param run the run
     * @return a file that exists if the run failed
     */
    public static Path fault(Path folder, PlannedRun run) {
        return folder.resolve(Comparison.RUNS).resolve(run.name() + FAULT);
    }

    /**
     * Returns the comparison.
     *
     * @return the comparison
     */
    public Comparison comparison() {
        return comparison;
    }

    /**
     * Lists all runs in the order of the comparison.
     *
     * @return the runs, finished or not
     */
    public List<RunResult> runs() {
        return runs;
    }

    /**
     * Lists the finished runs of an arm.
     *
     * @param arm the arm
     * @return its runs that came to their end
     */
    public List<RunResult> done(Arm arm) {
        return runs.stream().filter(r -> r.isDone() && r.run().arm().equals(arm)).toList();
    }

    /**
     * Returns what an arm came to at a sparsity: the runs that aimed at it, or what lies between
     * those of a sweep.
     *
     * @param arm the arm
     * @param sparsity a sparsity of the comparison; ignored by the dense network
     * @return the point; empty where no run tells
     */
    public Optional<Point> point(Arm arm, double sparsity) {
        List<Double> accuracies = new ArrayList<>();
        for (int seed : comparison.seeds()) {
            List<RunResult> done =
                    done(arm).stream().filter(result -> result.run().seed() == seed).toList();
            if (arm.sweep() != null) {
                TradeOff tradeOff = new TradeOff();
                done.forEach(result -> tradeOff.add(result.sparsity(), result.accuracy()));
                tradeOff.at(sparsity).ifPresent(accuracies::add);
            } else {
                done.stream()
                        .filter(r -> arm.isDense() || r.run().sparsity() == sparsity)
                        .forEach(result -> accuracies.add(result.accuracy()));
            }
        }
        return accuracies.isEmpty()
                ? Optional.empty()
                : Optional.of(new Point(arm.isDense() ? 0 : sparsity, accuracies));
    }

    /**
     * Returns what the dense network came to.
     *
     * @return the point at sparsity 0; empty where it was not trained
     */
    public Optional<Point> dense() {
        return comparison.arms().stream()
                .filter(Arm::isDense)
                .findFirst()
                .flatMap(arm -> point(arm, 0));
    }

    /**
     * Writes {@link #FILE}: a row a run, whole or not at all.
     *
     * @throws IOException if the file cannot be written
     */
    public void write() throws IOException {
        AtomicFile.replace(folder.resolve(FILE), this::writeRows);
    }

    private void writeRows(Path path) throws IOException {
        try (BufferedWriter file = Files.newBufferedWriter(path);
                CSVPrinter rows =
                        CSVFormat.DEFAULT
                                .builder()
                                .setRecordSeparator('\n')
                                .setHeader(
                                        "method",
                                        "sparsity_asked",
                                        "setting",
                                        "seed",
                                        "status",
                                        "sparsity",
                                        "remaining_weights",
                                        "accuracy",
                                        "seconds",
                                        "fault")
                                .get()
                                .print(file)) {
            for (RunResult result : runs) {
                rows.printRecord(
                        result.run().arm().label(),
                        known(result.run().sparsity()),
                        result.run().setting(),
                        result.run().seed(),
                        result.status().name().toLowerCase(Locale.ROOT),
                        known(result.sparsity()),
                        result.isDone() ? result.remaining() : null,
                        known(result.accuracy()),
                        known(result.seconds()),
                        result.fault());
            }
        }
    }

    /** Leaves a cell empty rather than write a number that is none. */
    private static Double known(double value) {
        return Double.isNaN(value) ? null : value;
    }
}
