package io.flipout.cli.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.flipout.cli.comparison.Comparison;
import io.flipout.cli.comparison.Comparison.Measure;
import io.flipout.cli.comparison.Metrics;
import io.flipout.cli.comparison.PlannedRun;
import io.flipout.cli.comparison.Results;
import io.flipout.cli.comparison.RunResult;
import io.flipout.djl.Fuzz;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Comparisons and runs whose files damage or malice made. */
class HostileRunTest {

    /** Of Java's memory; what buffers and the parsers' own tables take. */
    private static final long MEMORY = 4 << 20;

    private static final Set<Class<? extends Exception>> IO = Set.of(IOException.class);

    @TempDir private Path folder;
    private Path run;

    @BeforeEach
    void write() throws IOException {
        HandMade.comparison(folder);
        run = Comparison.folder(folder, new PlannedRun(HandMade.FLIPOUT, 0.9, "", 1));
        HandMade.weights(run);
    }

    @Test
    void comparisons() throws Exception {
        int refused =
                Fuzz.damage(
                        folder.resolve(Comparison.FILE),
                        4_000,
                        MEMORY,
                        Set.of(IllegalArgumentException.class),
                        () -> {
                            for (PlannedRun planned : Comparison.read(folder).runs()) {
                                planned.name();
                                planned.arguments();
                            }
                        });
        assertThat(refused).isPositive();
    }

    @Test
    void summaries() throws Exception {
        Comparison comparison = Comparison.read(folder);
        int refused =
                Fuzz.damage(
                        run.resolve("summary.json"),
                        4_000,
                        MEMORY,
                        IO,
                        () -> {
                            Results.read(folder, comparison);
                            Results.ofRun(run);
                            Summary.read(run);
                        });
        assertThat(refused).isPositive();
    }

    @Test
    void metrics() throws Exception {
        int refused =
                Fuzz.damage(
                        run.resolve(Metrics.FILE),
                        4_000,
                        MEMORY,
                        IO,
                        () -> Metrics.accuracies(run, Measure.TEST));
        assertThat(refused).isPositive();
    }

    @Test
    void weights() throws Exception {
        int refused =
                Fuzz.damage(
                        run.resolve("weights.csv"),
                        4_000,
                        MEMORY,
                        IO,
                        () -> WeightSample.read(run));
        assertThat(refused).isPositive();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "null",
                "preset: ''",
                "{preset: '', measure: TEST, options: {}, arms: [null], sparsities: [], seeds: []}",
                "{preset: '', measure: TEST, options: {}, arms: [], sparsities: [.inf], seeds: []}",
                "{preset: '', measure: TEST, options: {}, arms: [], sparsities: [2], seeds: []}",
                "{preset: '', measure: TEST, options: {a: }, arms: [], sparsities: [], seeds: []}",
                "{preset: '', measure: TEST, options: {}, arms: [], sparsities: [], seeds: [null]}",
                "{preset: '', measure: TEST, options: {}, sparsities: [.5], seeds: [1], arms: "
                        + "[{label: a, options: {}}]}",
                "{preset: '', measure: TEST, options: {}, sparsities: [.5], seeds: [1], arms: "
                        + "[{label: a, method: b, options: {}, sweep: {}}]}",
            })
    void comparisonsThatLackSomethingAreRefused(String content) throws IOException {
        Path file = folder.resolve(Comparison.FILE);
        Files.writeString(file, content);
        assertThatThrownBy(() -> Comparison.read(folder))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith(file + " is damaged (")
                .hasMessageEndingWith("): give 'flipout compare' another --out.");
    }

    @Test
    void aFaultIsReadWhateverItsEncoding() throws IOException {
        Comparison comparison = Comparison.read(folder);
        PlannedRun failed =
                comparison.runs().stream()
                        .filter(planned -> !Files.exists(Comparison.folder(folder, planned)))
                        .findFirst()
                        .orElseThrow();
        Files.write(Results.fault(folder, failed), new byte[] {'G', 'P', 'U', (byte) 0xff});
        assertThat(Results.read(folder, comparison).runs())
                .filteredOn(result -> result.run().equals(failed))
                .extracting(RunResult::fault)
                .containsExactly("GPU\ufffd");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "[]", "{", "{\"layers\": ["})
    void aDamagedSummaryIsNamed(String content) throws IOException {
        Path file = run.resolve("summary.json");
        Files.writeString(file, content);
        assertThatThrownBy(() -> new Report(folder).write())
                .isInstanceOf(IOException.class)
                .hasMessage(file + " is damaged: remove its folder and train that run again.");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "epoch,test_accuracy\n1", "test_accuracy\nx", "test_accuracy\n\"1"})
    void damagedMetricsAreNamed(String content) throws IOException {
        Path file = run.resolve(Metrics.FILE);
        Files.writeString(file, content);
        if (content.isEmpty()) {
            assertThat(Metrics.accuracies(run, Measure.TEST)).isEmpty();
            return;
        }
        assertThatThrownBy(() -> Metrics.accuracies(run, Measure.TEST))
                .isInstanceOf(IOException.class)
                .hasMessage(file + " is damaged: remove its folder and train that run again.");
    }
}
