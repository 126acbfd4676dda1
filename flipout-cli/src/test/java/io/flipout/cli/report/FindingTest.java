package io.flipout.cli.report;

import static org.assertj.core.api.Assertions.assertThat;

import io.flipout.cli.comparison.Arm;
import io.flipout.cli.comparison.Comparison;
import io.flipout.cli.comparison.Comparison.Measure;
import io.flipout.cli.comparison.PlannedRun;
import io.flipout.cli.comparison.Results;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FindingTest {

    private static final Arm RANDOM = new Arm("random", "random", Map.of(), null);
    private static final Arm OTHER = new Arm("snip", "snip", Map.of(), null);

    @TempDir private Path folder;

    private Results results(double first, double second) throws IOException {
        Comparison comparison =
                new Comparison(
                        "",
                        Measure.TEST,
                        Map.of("epochs", "2"),
                        List.of(RANDOM, OTHER),
                        List.of(0.5),
                        List.of(1));
        comparison.write(folder);
        HandMade.run(folder, new PlannedRun(RANDOM, 0.5, "", 1), 0.5, first);
        HandMade.run(folder, new PlannedRun(OTHER, 0.5, "", 1), 0.5, second);
        return Results.read(folder, comparison);
    }

    @Test
    void aLeadOfNothingIsNoLead() throws IOException {
        assertThat(Finding.of(results(0.9, 0.9)))
                .isEqualTo("At 50 % sparsity random (90.00 %) and snip (90.00 %) are level.");
        assertThat(Finding.of(results(0.90001, 0.90003))).contains("are level");
        assertThat(Finding.of(results(0.9, 0.9001))).contains("is 0.01 points ahead");
    }

    @Test
    void figuresOfOneSeedSpeakOfNoMean() throws IOException {
        results(0.9, 0.8);
        new Report(folder).write();
        assertThat(folder.resolve("report.html")).content().doesNotContain("Mean of the seeds");
    }
}
