package io.flipout.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import ai.djl.engine.Engine;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.flipout.djl.torchscript.ScriptMetadata;
import io.flipout.djl.torchscript.TorchScriptFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** TorchScript out and in, as a user types it. */
class ExportCommandTest {

    @TempDir private static Path shared;
    private static Path data;
    private static Path run;

    @TempDir private Path folder;

    @BeforeAll
    static void trainOnce() throws IOException {
        data = TinyData.write(shared.resolve("data"), 200, 100);
        run = shared.resolve("run");
        Shell shell = train("lenet300", run, 0.9, 5);
        assertThat(shell.status()).as(shell.err()).isZero();
    }

    private static Shell train(Object model, Path out, double sparsity, int epochs) {
        return Shell.run(
                TinyData.command(
                        "train",
                        data,
                        out,
                        "--model",
                        model,
                        "--sparsity",
                        sparsity,
                        "--epochs",
                        epochs));
    }

    private static Shell evaluate(Path model) {
        return Shell.run(
                "evaluate", model, "--dataset", "mnist", "--data", data, "--device", "cpu");
    }

    /** What follows the name of the model. */
    private static String score(Shell shell) {
        Matcher matcher = Pattern.compile("accuracy .*").matcher(shell.out());
        assertThat(matcher.find()).as(shell.err()).isTrue();
        return matcher.group();
    }

    @ParameterizedTest
    @CsvSource({"none, 1_060_000, 1_100_000", "deflate, 0, 200_000", "sparse, 0, 200_000"})
    void anExportedRunScoresTheSame(String compression, String least, String most)
            throws IOException {
        Path file = folder.resolve("run.pt");
        Shell shell = Shell.run("export", run, "--out", file, "--compress", compression);

        assertThat(shell.status()).as(shell.err()).isZero();
        assertThat(shell.out()).contains("run.pt: ");
        assertThat(Files.size(file))
                .isBetween(
                        Long.parseLong(least.replace("_", "")),
                        Long.parseLong(most.replace("_", "")));
        assertThat(score(evaluate(file))).isEqualTo(score(evaluate(run)));
        assertThat(Shell.run("inspect", file).out())
                .contains("26,620 of 266,200 prunable weights left");
    }

    @Test
    void aCompactedRunScoresTheSameAndTellsWhatWent() throws IOException {
        assumeFalse(Engine.getEngine("PyTorch").getVersion().startsWith("2.0."), "LibTorch 2.0");
        Path file = folder.resolve("compact.pt");
        Shell shell = Shell.run("export", run, "--out", file, "--compact");
        assertThat(shell.status()).as(shell.err()).isZero();
        assertThat(shell.out())
                .containsPattern("fc1: \\d+ of 300 filters, which read 784 of 784 channels\\.")
                .containsPattern("fc2: \\d+ of 100 filters, which read \\d+ of 300 channels\\.");
        assertThat(score(evaluate(file))).isEqualTo(score(evaluate(run)));
        ScriptMetadata metadata = TorchScriptFile.open(file).metadata().orElseThrow();
        assertThat(metadata.compacted()).isTrue();
        assertThat(Shell.run("inspect", file).out()).contains("It is compacted: ");
        Path again = folder.resolve("again.pt");
        assertRefused(
                2,
                "--no-sparse-products is about --compact, which is not given.",
                "export",
                run,
                "--out",
                again,
                "--no-sparse-products");
        assertRefused(
                2,
                "--with-preprocessing, --compact and --input-shape are for networks of this"
                        + " project; "
                        + file
                        + " is TorchScript already.",
                "export",
                file,
                "--out",
                again,
                "--compact");
    }

    @Test
    void whatAConsumerNeedsTravelsAlong() throws IOException {
        Path file = folder.resolve("run.pt");
        Shell.run("export", run, "--out", file);

        ScriptMetadata metadata = TorchScriptFile.open(file).metadata().orElseThrow();
        assertThat(metadata.inputShape()).containsExactly(1L, 28L, 28L);
        assertThat(metadata.mean()).hasSize(1);
        assertThat(metadata.std()).hasSize(1);
        assertThat(metadata.classes()).hasSize(10).startsWith("0", "1");
        assertThat(metadata.method()).isEqualTo("flipout-adaptive");
        assertThat(metadata.sparsity()).isEqualTo(0.9);
        assertThat(metadata.preprocessed()).isFalse();
        assertThat(metadata.versions()).containsOnlyKeys("flipout", "djl", "pytorch");
    }

    /** The second run begins with what the first has learnt, and prunes it further. */
    @Test
    void aTorchScriptFileIsPrunedAsAnyNetwork() throws IOException {
        Path file = folder.resolve("mine.pt");
        Shell.run("export", run, "--out", file);
        Path second = folder.resolve("second");

        Shell shell = train(file, second, 0.99, 8);
        assertThat(shell.status()).as(shell.err()).isZero();
        JsonNode summary = new ObjectMapper().readTree(second.resolve("summary.json").toFile());
        assertThat(summary.get("model").asText()).isEqualTo("mine");
        assertThat(summary.get("remaining_weights").asLong()).isEqualTo(2_662);
        assertThat(summary.get("layers").get(0).get("name").asText()).isEqualTo("fc1.weight");
        assertThat(second.resolve("model/mine.pt")).exists();
        assertThat(score(evaluate(second)))
                .contains(
                        String.format(
                                Locale.ROOT,
                                "accuracy %.2f %%",
                                100 * summary.get("test_accuracy").asDouble()));
        Shell inspected = Shell.run("inspect", second);
        assertThat(inspected.out()).contains("2,662 of 266,200 prunable weights left");

        Path packed = folder.resolve("packed.pt");
        Shell.run("export", second, "--out", packed, "--compress", "deflate");
        assertThat(Files.size(packed)).isLessThan(40_000);
        assertThat(score(evaluate(packed))).isEqualTo(score(evaluate(second)));
    }

    /** A tenth of the weights is left, and fine-tuned without another pruning. */
    @Test
    void aPrunedFileIsFineTunedWithItsZeros() throws IOException {
        Path file = folder.resolve("mine.pt");
        Shell.run("export", run, "--out", file);
        for (boolean keeps : List.of(true, false)) {
            Path tuned = folder.resolve("tuned" + keeps);
            List<Object> arguments =
                    TinyData.command("train", data, tuned, "--model", file, "--method", "none");
            arguments.addAll(List.of("--epochs", 1));
            if (!keeps) {
                arguments.add("--no-keep-zeros");
            }
            Shell shell = Shell.run(arguments.toArray());
            assertThat(shell.status()).as(shell.err()).isZero();
            JsonNode summary = new ObjectMapper().readTree(tuned.resolve("summary.json").toFile());
            assertThat(summary.get("remaining_weights").asLong())
                    .isEqualTo(keeps ? 26_620 : 266_200);
            assertThat(tuned.resolve("config.yaml")).content().contains("keep-zeros: " + keeps);
        }
    }

    @Test
    void oneSeedPrunesATorchScriptFileAlike() throws IOException {
        Path file = folder.resolve("mine.pt");
        Shell.run("export", run, "--out", file);
        List<List<String>> metrics = new ArrayList<>();
        for (String name : List.of("a", "b")) {
            train(file, folder.resolve(name), 0.95, 5);
            metrics.add(
                    Files.readAllLines(folder.resolve(name).resolve("metrics.csv")).stream()
                            .map(row -> row.replaceAll(",[^,]*,[^,]*$", ""))
                            .toList());
        }

        assertThat(metrics.get(0)).hasSize(6).isEqualTo(metrics.get(1));
    }

    @Test
    void aModuleWithPreprocessingTakesPixels() throws IOException {
        Path file = folder.resolve("pixels.pt");
        Shell shell = Shell.run("export", run, "--out", file, "--with-preprocessing");

        assertThat(shell.status()).as(shell.err()).isZero();
        assertThat(TorchScriptFile.open(file).metadata().orElseThrow().preprocessed()).isTrue();
    }

    /** Images are normalised once, by whom the file says, also after further training. */
    @Test
    void aModuleWithPreprocessingIsGivenPixels() throws IOException {
        Path file = folder.resolve("pixels.pt");
        Shell.run("export", run, "--out", file, "--with-preprocessing");
        assertThat(score(evaluate(file))).isEqualTo(score(evaluate(run)));

        Path second = folder.resolve("second");
        Shell shell = train(file, second, 0.95, 5);
        assertThat(shell.status()).as(shell.err()).isZero();
        JsonNode summary = new ObjectMapper().readTree(second.resolve("summary.json").toFile());
        String accuracy =
                String.format(
                        Locale.ROOT,
                        "accuracy %.2f %%",
                        100 * summary.get("test_accuracy").asDouble());
        assertThat(score(evaluate(second))).startsWith(accuracy);
        Path saved = second.resolve("model/pixels.pt");
        assertThat(TorchScriptFile.open(saved).metadata().orElseThrow().preprocessed()).isTrue();
    }

    private void assertRefused(int status, String message, Object... command) {
        Shell shell = Shell.run(command);
        assertThat(shell.err()).contains(message).doesNotContain("\tat ");
        assertThat(shell.status()).isEqualTo(status);
    }

    @Test
    void wrongUseIsOneSentenceAndLeavesNoFile() throws IOException {
        Path file = folder.resolve("x.pt");
        assertRefused(2, "Missing required option: '--out", "export", run);
        assertRefused(
                2,
                "'zip' is not one of none, deflate, sparse",
                "export",
                run,
                "--out",
                file,
                "--compress",
                "zip");
        assertRefused(
                2,
                "--input-shape needs channels, height and width",
                "export",
                run,
                "--out",
                file,
                "--input-shape",
                "28,28");
        assertRefused(
                1,
                "does not take input of shape [(1, 3, 32, 32)]",
                "export",
                run,
                "--out",
                file,
                "--input-shape",
                "3,32,32");
        assertRefused(
                2,
                "There is no folder",
                "export",
                run,
                "--out",
                folder.resolve("none").resolve("x.pt"));
        assertRefused(2, "is a folder, not a file", "export", run, "--out", folder);
        assertRefused(
                2, "There is no run or model", "export", folder.resolve("none"), "--out", file);
        for (String name : List.of("x.onnx", "x", "x.pt.zip")) {
            assertRefused(
                    2,
                    "export writes TorchScript: the name of --out must end in .pt, which",
                    "export",
                    run,
                    "--out",
                    folder.resolve(name));
        }
        assertThat(folder).isEmptyDirectory();
    }

    @Test
    void damagedFilesAreNamed() throws IOException {
        Path file = folder.resolve("mine.pt");
        Shell.run("export", run, "--out", file);
        byte[] content = Files.readAllBytes(file);
        Path part = folder.resolve("part.pt");
        Files.write(part, java.util.Arrays.copyOf(content, content.length / 2));
        for (Object[] command :
                new Object[][] {
                    {"evaluate", part, "--dataset", "mnist", "--data", data},
                    {"inspect", part},
                    {"export", part, "--out", folder.resolve("y.pt")},
                    {"train", "--model", part, "--dataset", "mnist", "--data", data}
                }) {
            assertRefused(1, "part.pt is truncated or damaged", command);
        }
        assertThat(folder.resolve("y.pt")).doesNotExist();
    }
}
