package io.flipout.cli.run;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.flipout.cli.Shell;
import io.flipout.cli.TinyData;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVRecord;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class WeightsFileTest {

    @TempDir private static Path shared;
    private static Path data;

    @TempDir private Path folder;

    @BeforeAll
    static void writeData() throws IOException {
        data = TinyData.write(shared.resolve("data"), 200, 100);
    }

    private Path train(Object... options) {
        Path run = folder.resolve("run");
        List<Object> words = TinyData.command("train", data, run, "--epochs", 5, "--overwrite");
        words.addAll(List.of("--sparsity", 0.9));
        words.addAll(List.of(options));
        Shell shell = Shell.run(words);
        assertThat(shell.status()).as(shell.err()).isZero();
        return run;
    }

    private static List<CSVRecord> rows(Path run) throws IOException {
        CSVFormat format = CSVFormat.DEFAULT.builder().setHeader().setSkipHeaderRecord(true).get();
        try (var file = format.parse(Files.newBufferedReader(run.resolve("weights.csv")))) {
            return file.getRecords();
        }
    }

    private static List<CSVRecord> of(List<CSVRecord> rows, String layer) {
        return rows.stream().filter(row -> row.get("layer").equals(layer)).toList();
    }

    /** What FlipOut ranks weights by. */
    private static double saliency(CSVRecord row) {
        double magnitude = Double.parseDouble(row.get("magnitude"));
        return magnitude * magnitude / (Integer.parseInt(row.get("flips")) + 1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"gradual", "paper"})
    void tellsWhatDecidedTheLastPruning(String schedule) throws IOException {
        Path run = train("--method", "flipout", "--schedule", schedule);
        List<CSVRecord> rows = rows(run);
        assertThat(of(rows, "fc1.weight")).hasSize(WeightsFile.PER_LAYER);
        assertThat(of(rows, "fc2.weight")).hasSize(WeightsFile.PER_LAYER);
        // Of a small layer all that were alive, so that the kept ones are those of the summary.
        JsonNode last =
                new ObjectMapper().readTree(run.resolve("summary.json").toFile()).at("/layers/2");
        assertThat(of(rows, "fc3.weight").stream().filter(row -> row.get("kept").equals("1")))
                .hasSize(last.get("remaining").asInt());
        assertThat(rows.stream().map(row -> row.get("layer") + row.get("position")))
                .doesNotHaveDuplicates();
        // All layers compete: what was kept is worth more than whatever was pruned.
        double worstKept =
                rows.stream()
                        .filter(row -> row.get("kept").equals("1"))
                        .mapToDouble(WeightsFileTest::saliency)
                        .min()
                        .orElseThrow();
        double bestPruned =
                rows.stream()
                        .filter(row -> row.get("kept").equals("0"))
                        .mapToDouble(WeightsFileTest::saliency)
                        .max()
                        .orElseThrow();
        assertThat(bestPruned).isLessThanOrEqualTo(worstKept * 1.000001);
    }

    @Test
    void isNotThereWhereNoFlipsAreCounted() {
        assertThat(train("--method", "flipout").resolve("weights.csv")).exists();
        // A run in the place of another leaves nothing of it.
        assertThat(train("--method", "global-magnitude").resolve("weights.csv")).doesNotExist();
    }
}
