package io.flipout.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Training through TorchScript, by {@code --forward} and {@code --precision}. */
class ForwardTest {

    /** Of LeNet-300-100's 266,200 weights. */
    private static final String LEFT = "26,620";

    @TempDir private static Path shared;
    private static Path data;

    @TempDir private Path folder;

    @BeforeAll
    static void writeData() throws IOException {
        data = TinyData.write(shared.resolve("data"), 130, 40);
    }

    private static Shell run(Path out, Object... options) {
        List<Object> words = TinyData.command("train", data, out, "--threads", 1);
        words.addAll(List.of("--epochs", 5, "--sparsity", 0.9));
        words.addAll(List.of(options));
        return Shell.run(words);
    }

    private static Path train(Path out, Object... options) {
        Shell shell = run(out, options);
        assertThat(shell.status()).as(shell.err()).isZero();
        return out;
    }

    private static byte[] model(Path run) throws IOException {
        return Files.readAllBytes(run.resolve("model/lenet300-0000.params"));
    }

    /** What was measured, without how long it took. */
    private static List<String> metrics(Path run) throws IOException {
        return Files.readAllLines(run.resolve("metrics.csv")).stream()
                .map(row -> row.replaceFirst(",[^,]*,[^,]*$", ""))
                .toList();
    }

    private static String refused(Shell shell) {
        assertThat(shell.status()).isNotZero();
        assertThat(shell.err()).doesNotContain("\tat ");
        return shell.err();
    }

    @Test
    void aScriptTrainsWhatTheBlockDoes() throws IOException {
        Path block = train(folder.resolve("block"));
        Path script = train(folder.resolve("script"), "--forward", "script");
        assertThat(model(script)).isEqualTo(model(block));
        assertThat(Files.readString(script.resolve("config.yaml")))
                .contains("forward: \"script\"")
                .contains("precision: \"float32\"");
        Path again = folder.resolve("again");
        train(again, "--config", script.resolve("config.yaml"));
        assertThat(model(again)).isEqualTo(model(block));
    }

    @Test
    void aRunInBFloat16IsResumedScoredAndExported() throws IOException {
        Object[] options = {"--forward", "script", "--precision", "bf16"};
        Path whole = train(folder.resolve("whole"), options);
        Path exact = train(folder.resolve("exact"));
        assertThat(model(whole)).isNotEqualTo(model(exact));

        Path stopped = folder.resolve("stopped");
        List<Object> some = new ArrayList<>(List.of(options));
        some.addAll(List.of("--max-time", "8steps"));
        assertThat(run(stopped, some.toArray()).out()).contains("Stopped after epoch");
        Shell resumed = Shell.run("resume", stopped);
        assertThat(resumed.status()).as(resumed.err()).isZero();
        assertThat(model(stopped)).isEqualTo(model(whole));

        assertThat(Shell.run("inspect", whole).out())
                .contains(LEFT + " of 266,200 prunable weights left");
        Shell score = Shell.run("evaluate", whole, "--data", data, "--json");
        assertThat(score.status()).as(score.err()).isZero();
        Path file = folder.resolve("rounded.pt");
        Shell export = Shell.run("export", whole, "--out", file);
        assertThat(export.status()).as(export.err()).isZero();
        assertThat(Shell.run("inspect", file).out())
                .contains(LEFT + " of 266,200 prunable weights left");
    }

    @Test
    void whatDoesNotGoTogetherIsRefused() {
        Path out = folder.resolve("none");
        assertThat(refused(run(out, "--precision", "bf16")))
                .contains("--precision bf16 needs --forward script.");
        assertThat(refused(run(out, "--forward", "script", "--precision", "fp8")))
                .contains("--precision")
                .contains("'fp8' is not one of float32, bf16");
        assertThat(refused(run(out, "--forward", "graph")))
                .contains("'graph' is not one of block, script");
        assertThat(out).doesNotExist();
    }

    @Test
    void aModuleIsAScriptAlready() throws IOException {
        Path dense = train(folder.resolve("dense"), "--method", "none", "--epochs", 1);
        Path module = folder.resolve("module.pt");
        assertThat(Shell.run("export", dense, "--out", module).status()).isZero();
        Object[] further = {"--model", module, "--method", "none", "--epochs", 1};
        Path plain = train(folder.resolve("plain"), further);
        List<Object> script = new ArrayList<>(List.of(further));
        script.addAll(List.of("--forward", "script"));
        Path same = train(folder.resolve("same"), script.toArray());
        assertThat(metrics(same)).isEqualTo(metrics(plain));

        script.addAll(List.of("--precision", "bf16"));
        Path out = folder.resolve("rounded");
        assertThat(refused(run(out, script.toArray())))
                .contains("--precision bf16 is for networks of blocks");
        assertThat(out).doesNotExist();
    }
}
