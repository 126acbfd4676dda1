package io.flipout.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.flipout.djl.Warnings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What was trained and pruned before is trained again. */
class TrainAgainTest {

    private static final String LEFT = "133,100 of 266,200";

    @TempDir private static Path shared;
    private static Path data;
    private static Path run;
    private static Path script;

    @TempDir private Path folder;

    @BeforeAll
    static void train() throws IOException {
        data = TinyData.write(shared.resolve("data"), 200, 50);
        run = shared.resolve("run");
        script = shared.resolve("pruned.pt");
        Shell shell =
                Shell.run(
                        TinyData.command(
                                "train",
                                data,
                                run,
                                "--epochs",
                                2,
                                "--sparsity",
                                0.5,
                                "--threads",
                                1));
        assertThat(shell.status()).as(shell.err()).isZero();
        assertThat(Shell.run("export", run, "--out", script).status()).isZero();
    }

    private Shell again(Path out, Object... options) {
        List<Object> words = TinyData.command("train", data, out, "--epochs", 1, "--threads", 1);
        words.addAll(List.of(options));
        return Shell.run(words);
    }

    private static Path named(String kind) {
        return switch (kind) {
            case "run" -> run;
            case "params" -> run.resolve("model/lenet300-0000.params");
            default -> script;
        };
    }

    @ParameterizedTest
    @ValueSource(strings = {"run", "params", "pt"})
    void zerosStayUnlessTheyAreToComeBack(String kind) {
        Path out = folder.resolve("again");
        Shell kept = again(out, "--model", named(kind), "--method", "none");
        assertThat(kept.status()).as(kept.err()).isZero();
        assertThat(kept.out())
                .contains(named(kind) + " comes 50.00 % sparse: its zeros stay 0")
                .contains("with " + LEFT + " weights");
        assertThat(Shell.run("inspect", out).out()).contains(LEFT + " prunable weights left");
        for (String told : List.of(kept.out(), Shell.run("inspect", out).out())) {
            assertThat(told).contains(LEFT + " multiply–adds an image are left.");
        }

        Path loose = folder.resolve("loose");
        Shell[] ran = new Shell[1];
        Object[] words = {"--model", named(kind), "--method", "none", "--no-keep-zeros"};
        List<String> warnings = Warnings.of(() -> ran[0] = again(loose, words));
        assertThat(warnings)
                .anyMatch(line -> line.contains("brings them back: --keep-zeros keeps them 0."))
                .noneMatch(line -> line.contains("builder()"));
        Shell back = ran[0];
        assertThat(back.out()).contains("comes 50.00 % sparse: its zeros may come back");
        assertThat(Shell.run("inspect", loose).out()).doesNotContain(LEFT);
    }

    /** A layer that is not pruned is computed too. */
    @ParameterizedTest
    @ValueSource(strings = {"run", "pt"})
    void multiplyAddsAreThoseOfAllLayers(String kind) {
        Shell shell =
                again(
                        folder.resolve("some"),
                        "--model",
                        named(kind),
                        "--no-keep-zeros",
                        "--include",
                        "fc1.*",
                        "--method",
                        "snip",
                        "--sparsity",
                        0.9);
        assertThat(shell.status()).as(shell.err()).isZero();
        // 23,520 of 235,200 beside 30,000 and 1,000 that are computed as they are.
        assertThat(shell.out()).contains("54,520 of 266,200 multiply–adds an image are left.");
    }

    /** It begins with what it had learnt, and is pruned further, to an exact number. */
    @Test
    void itIsPrunedFurtherFromWhereItWas() throws IOException {
        Path out = folder.resolve("further");
        Shell shell =
                again(
                        out,
                        "--model",
                        run,
                        "--schedule",
                        "paper",
                        "--sparsity",
                        0.75,
                        "--epochs",
                        3,
                        "--lr",
                        0.001);
        assertThat(shell.status()).as(shell.err()).isZero();
        assertThat(shell.out()).contains("with 66,550 of 266,200 weights");
        String[] first = Files.readAllLines(out.resolve("metrics.csv")).get(1).split(",", -1);
        assertThat(Double.parseDouble(first[6])).as("accuracy").isGreaterThan(0.5);
        assertThat(first[7]).isEqualTo("133100");
        assertThat(Shell.run("inspect", out).out()).contains("66,550 of 266,200 prunable");
        assertThat(Shell.run("evaluate", out, "--device", "cpu").status()).isZero();
        assertThat(Files.readString(out.resolve("config.yaml")))
                .contains("keep-zeros: true", "model: \"" + run + "\"");
    }

    @Test
    void itCanBeStoppedToo() throws IOException {
        Path whole = folder.resolve("whole");
        Object[] options = {"--model", run, "--method", "none", "--epochs", 3};
        assertThat(again(whole, options).status()).isZero();
        Path stopped = folder.resolve("stopped");
        List<Object> words = new ArrayList<>(List.of(options));
        words.addAll(List.of("--max-time", "1epochs"));
        assertThat(again(stopped, words.toArray()).status()).isZero();
        assertThat(Shell.run("inspect", stopped).out()).contains(LEFT);
        assertThat(Shell.run("resume", stopped).status()).isZero();
        assertThat(stopped.resolve("model/lenet300-0000.params"))
                .hasSameBinaryContentAs(whole.resolve("model/lenet300-0000.params"));
    }

    @Test
    void whatCannotBeIsRefused() {
        Path out = folder.resolve("out");
        assertThat(again(out, "--model", run, "--method", "deep-r", "--keep-zeros").err())
                .contains("deep-r brings weights back: leave out --keep-zeros.");
        Shell rewired = again(out, "--model", run, "--method", "deep-r", "--sparsity", 0.5);
        assertThat(rewired.out()).as(rewired.err()).contains("its zeros may come back");
        assertThat(again(out, "--model", run, "--width", 8).err())
                .contains(run + " has its width: leave out --width.");
        assertThat(again(out, "--model", folder).err())
                .contains(folder + " is no run: it has no config.yaml.");
        Shell fresh = again(folder.resolve("new"), "--keep-zeros", "--method", "none");
        assertThat(fresh.err()).contains("--keep-zeros does not apply to a new network");
    }
}
