package io.flipout.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.flipout.cli.run.RunFolder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A run that was stopped on its way is looked at as it was last saved. */
class UnfinishedRunTest {

    @TempDir private Path folder;
    private Path data;
    private Path run;

    @BeforeEach
    void writeData() throws IOException {
        data = TinyData.write(folder.resolve("data"), 200, 50);
        run = folder.resolve("run");
    }

    /** Stops a run of six epochs of four steps, pruned to half after the second one. */
    private void stop(String after, Object... options) {
        List<Object> words = TinyData.command("train", data, run, "--epochs", 6, "--sparsity", 0.5);
        words.addAll(List.of("--prune-every", 2, "--max-time", after));
        words.addAll(List.of(options));
        Shell shell = Shell.run(words);
        assertThat(shell.status()).as(shell.err()).isZero();
        assertThat(run.resolve("model")).doesNotExist();
    }

    private static String accuracy(Path run) throws IOException {
        List<String> rows = Files.readAllLines(run.resolve("metrics.csv"));
        double last = Double.parseDouble(rows.get(rows.size() - 1).split(",")[6]);
        return String.format("%.2f %%", 100 * last);
    }

    @Test
    void itIsEvaluatedInspectedAndExportedFromItsCheckpoint() throws IOException {
        stop("3epochs");
        String note =
                run
                        + " has not come to its end: this is its network after epoch 3, batch 0, of 6"
                        + " epochs. Go on with it:  ./flipout resume "
                        + run;
        Shell evaluate = Shell.run("evaluate", run, "--device", "cpu");
        assertThat(evaluate.status()).as(evaluate.err()).isZero();
        assertThat(evaluate.out()).contains("accuracy " + accuracy(run));
        Shell inspect = Shell.run("inspect", run);
        assertThat(inspect.out()).contains("133,100 of 266,200 prunable weights left");
        Path script = folder.resolve("early.pt");
        Shell export = Shell.run("export", run, "--out", script);
        assertThat(export.status()).as(export.err()).isZero();
        for (Shell shell : List.of(evaluate, inspect, export)) {
            assertThat(shell.err()).contains(note);
        }
        assertThat(Shell.run("evaluate", script, "--dataset", "mnist", "--data", data).out())
                .contains("accuracy " + accuracy(run));
    }

    @Test
    void itIsReportedAsFarAsItIs() throws IOException {
        stop("13steps"); // After the first step of the fourth epoch.
        Shell report = Shell.run("report", run);
        assertThat(report.status()).as(report.err()).isZero();
        assertThat(Files.readString(run.resolve("report.html")))
                .contains("Not finished: after epoch 3 of 6. Test accuracy " + accuracy(run))
                .contains("with 133,100 of 266,200 weights")
                .doesNotContain("1 of 1 run");
        assertThat(Shell.run("resume", run).status()).isZero();
        assertThat(Shell.run("report", run).status()).isZero();
        assertThat(Files.readString(run.resolve("report.html"))).doesNotContain("Not finished");
    }

    /** DJL shows no running statistics of a module, which lies beside the checkpoint. */
    @Test
    void aTorchScriptModuleIsToo() throws IOException {
        stop("1epochs", "--model", "resnet18", "--width", 2);
        Path script = folder.resolve("mine.pt");
        assertThat(Shell.run("export", run, "--out", script).status()).isZero();
        assertThat(Shell.run("evaluate", run, "--device", "cpu").out())
                .contains("accuracy " + accuracy(run));
        RunFolder.delete(run);
        stop("3epochs", "--model", script);
        Shell evaluate = Shell.run("evaluate", run, "--device", "cpu");
        assertThat(evaluate.out()).as(evaluate.err()).contains("accuracy " + accuracy(run));
        assertThat(evaluate.err()).contains("after epoch 3, batch 0, of 6 epochs");
    }

    @ParameterizedTest
    @ValueSource(strings = {"evaluate", "inspect", "export", "report"})
    void whereNothingWasSavedTheRefusalSaysHowToGoOn(String command) throws IOException {
        stop("1epochs");
        RunFolder.delete(run.resolve("checkpoints"));
        List<Object> words = new ArrayList<>(List.of(command, run));
        if (command.equals("export")) {
            words.addAll(List.of("--out", folder.resolve("x.pt")));
        }
        Shell shell = Shell.run(words);
        assertThat(shell.status()).isEqualTo(2);
        assertThat(shell.err())
                .isEqualToNormalizingNewlines(
                        "flipout: "
                                + run
                                + " has not come to its end, and nothing was saved yet: go on with"
                                + " it by ./flipout resume "
                                + run
                                + ".\n");
    }
}
