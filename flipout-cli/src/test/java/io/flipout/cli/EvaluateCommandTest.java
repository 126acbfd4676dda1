package io.flipout.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class EvaluateCommandTest {

    /** Images of each class: 43 of ten classes in turn. */
    private static final int IMAGES = 43;

    @TempDir private static Path folder;
    private static Path run;

    @BeforeAll
    static void train() throws IOException {
        Path data = TinyData.write(folder.resolve("data"), 200, IMAGES);
        run = folder.resolve("run");
        Shell shell =
                Shell.run(
                        TinyData.command(
                                "train",
                                data,
                                run,
                                "--epochs",
                                3,
                                "--sparsity",
                                0.9,
                                "--prune-rate",
                                0.9));
        assertThat(shell.status()).as(shell.err()).isZero();
    }

    @Test
    void jsonTellsClassesAndConfusionThatAddUp() throws IOException {
        Shell shell = Shell.run("evaluate", run, "--json", "--per-class", "--device", "cpu");
        JsonNode result = new ObjectMapper().readTree(shell.out());
        assertThat(result.path("images").asInt()).isEqualTo(IMAGES);
        assertThat(result.path("dataset").asText()).isEqualTo("mnist");
        JsonNode classes = result.path("classes");
        JsonNode confusion = result.path("confusion");
        assertThat(classes).hasSize(10);
        assertThat(confusion).hasSize(10);
        int hits = 0;
        for (int i = 0; i < 10; i++) {
            int images = 0;
            for (JsonNode count : confusion.get(i)) {
                images += count.asInt();
            }
            int right = confusion.get(i).get(i).asInt();
            hits += right;
            assertThat(images).isEqualTo(i < 3 ? 5 : 4);
            assertThat(classes.get(i).path("images").asInt()).isEqualTo(images);
            assertThat(classes.get(i).path("accuracy").asDouble())
                    .isEqualTo((double) right / images);
        }
        assertThat(result.path("accuracy").asDouble()).isEqualTo((double) hits / IMAGES);
        JsonNode plain = new ObjectMapper().readTree(Shell.run("evaluate", run, "--json").out());
        assertThat(plain.has("classes")).isFalse();
        assertThat(plain.path("accuracy")).isEqualTo(result.path("accuracy"));
    }

    @Test
    void tablesTellTheSame() {
        Shell shell = Shell.run("evaluate", run, "--per-class", "--device", "cpu");
        assertThat(shell.out())
                .contains("on the 43 test images of mnist: accuracy ")
                .containsPattern("class +images +accuracy")
                .containsPattern("\n9 +4 +\\d+\\.00 %")
                .containsPattern("class, taken for +0 +1 +2");
    }

    /** They say how to train. */
    @ParameterizedTest
    @ValueSource(strings = {"--augment", "--val-size=5", "--no-augment"})
    void optionsOfTrainingAreRefused(String option) {
        Shell shell = Shell.run("evaluate", run, option);
        assertThat(shell.status()).isEqualTo(2);
        assertThat(shell.err()).contains("Unknown option '" + option + "'");
        assertThat(Shell.run("evaluate", "--help").out()).doesNotContain("val-size", "augment");
    }
}
