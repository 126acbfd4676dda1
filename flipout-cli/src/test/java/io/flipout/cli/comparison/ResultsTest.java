package io.flipout.cli.comparison;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.flipout.cli.comparison.Arm.Sweep;
import io.flipout.cli.comparison.Comparison.Measure;
import io.flipout.cli.comparison.RunResult.Status;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ResultsTest {

    private static final Arm DENSE = new Arm("none", "none", Map.of(), null);
    private static final Arm FLIPOUT = new Arm("flipout", "flipout", Map.of(), null);
    private static final Arm HOYER =
            new Arm(
                    "hoyer-square",
                    "hoyer-square",
                    Map.of(),
                    new Sweep("hoyer-strength", List.of("1e-5", "1e-3")));

    @TempDir private Path folder;

    private static Comparison comparison(Measure measure) {
        return new Comparison(
                "",
                measure,
                Map.of(),
                List.of(DENSE, FLIPOUT, HOYER),
                List.of(0.5, 0.75),
                List.of(1, 2));
    }

    private void write(String run, double sparsity, double accuracy) throws IOException {
        Path path = Files.createDirectories(folder.resolve("runs").resolve(run));
        Files.writeString(
                path.resolve("summary.json"),
                String.format(
                        Locale.ROOT,
                        "{\"test_accuracy\": %s, \"sparsity\": %s, \"remaining_weights\": 7,"
                                + " \"seconds\": 1.5}",
                        accuracy,
                        sparsity));
        Files.writeString(
                path.resolve("metrics.csv"),
                "epoch,val_accuracy,test_accuracy\n1,0.1,0.2\n2,0.3," + accuracy + "\n");
    }

    @Test
    void aPointIsTheMeanOfItsSeedsWithTheirDeviation() throws IOException {
        write("flipout-s0.5-seed1", 0.5, 0.8);
        write("flipout-s0.5-seed2", 0.5, 0.9);
        write("flipout-s0.75-seed2", 0.75, 0.6);
        write("none-seed1", 0, 0.95);
        Results results = Results.read(folder, comparison(Measure.TEST));

        Point both = results.point(FLIPOUT, 0.5).orElseThrow();
        assertThat(both.mean()).isCloseTo(0.85, within(1e-12));
        // √((0.05² + 0.05²) / 1)
        assertThat(both.deviation()).isCloseTo(0.0707106781, within(1e-9));
        Point one = results.point(FLIPOUT, 0.75).orElseThrow();
        assertThat(one.accuracies()).containsExactly(0.6);
        assertThat(one.deviation()).isNaN();
        assertThat(results.dense().orElseThrow()).isEqualTo(new Point(0, List.of(0.95)));
    }

    @Test
    void runsThatAreMissingOrFailedAreGapsAndNotZeros() throws IOException {
        write("flipout-s0.5-seed1", 0.5, 0.8);
        Files.writeString(folder.resolve("runs/flipout-s0.75-seed1.failed"), "It diverged.\n");
        Results results = Results.read(folder, comparison(Measure.TEST));

        assertThat(results.point(FLIPOUT, 0.75)).isEmpty();
        assertThat(results.dense()).isEmpty();
        assertThat(results.runs().stream().map(RunResult::status))
                .containsExactly(
                        Status.MISSING, // The dense network of seed 1.
                        Status.DONE,
                        Status.FAILED,
                        Status.MISSING,
                        Status.MISSING,
                        Status.MISSING,
                        Status.MISSING,
                        Status.MISSING,
                        Status.MISSING,
                        Status.MISSING);
        results.write();
        assertThat(Files.readAllLines(folder.resolve(Results.FILE)))
                .startsWith(
                        "method,sparsity_asked,setting,seed,status,sparsity,remaining_weights,"
                                + "accuracy,seconds,fault",
                        "none,,,1,missing,,,,,",
                        "flipout,0.5,,1,done,0.5,7,0.8,1.5,",
                        "flipout,0.75,,1,failed,,,,,It diverged.")
                .hasSize(11);
    }

    @Test
    void aSweepIsInterpolatedSeedBySeed() throws IOException {
        write("hoyer-square-hoyer-strength=1e-5-seed1", 0.5, 0.9);
        write("hoyer-square-hoyer-strength=1e-3-seed1", 0.875, 0.7);
        write("hoyer-square-hoyer-strength=1e-5-seed2", 0.75, 0.6);
        Results results = Results.read(folder, comparison(Measure.TEST));
        // Seed 1 halves once and three times, so 75 % lies in the middle; seed 2 has 75 % itself.
        assertThat(results.point(HOYER, 0.75).orElseThrow().accuracies())
                .usingComparatorForType((a, b) -> Math.abs(a - b) < 1e-9 ? 0 : 1, Double.class)
                .containsExactly(0.8, 0.6);
        assertThat(results.point(HOYER, 0.5).orElseThrow().accuracies()).containsExactly(0.9);
    }

    @Test
    void validationAccuracyIsThatOfTheLastEpoch() throws IOException {
        write("flipout-s0.5-seed1", 0.5, 0.8);
        Results results = Results.read(folder, comparison(Measure.VALIDATION));
        assertThat(results.point(FLIPOUT, 0.5).orElseThrow().accuracies()).containsExactly(0.3);
    }
}
