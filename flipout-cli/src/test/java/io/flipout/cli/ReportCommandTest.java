package io.flipout.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReportCommandTest {

    @TempDir private Path folder;

    @Test
    void reportsARunOfTrain() throws IOException {
        Path data = TinyData.write(folder.resolve("data"), 200, 100);
        Path run = folder.resolve("run");
        Shell train =
                Shell.run(TinyData.command("train", data, run, "--epochs", 5, "--sparsity", 0.9));
        assertThat(train.status()).as(train.err()).isZero();
        assertThat(train.out())
                .contains("config.yaml, metrics.csv, weights.csv, summary.json, model.")
                .contains("./flipout report " + run);
        Shell report = Shell.run("report", run, "--layer", "fc2.weight");
        assertThat(report.status()).as(report.err()).isZero();
        assertThat(report.out())
                .contains("The report is " + run.resolve("report.html") + "; it needs no network.")
                .contains("figures/training.svg", "figures/layers.svg", "figures/flips.png")
                .doesNotContain("results.csv");
        assertThat(run.resolve("report.html")).content().contains("fc2.weight");
        Shell wrong = Shell.run("report", run, "--layer", "fc9");
        assertThat(wrong.status()).isEqualTo(2);
        assertThat(wrong.err())
                .isEqualToNormalizingNewlines(
                        "flipout: There is no --layer 'fc9'; there are fc1.weight, fc2.weight,"
                                + " fc3.weight.\n");
    }

    @Test
    void aNewRunIsNotSeenInTheReportOfTheOneBefore() throws IOException {
        Path data = TinyData.write(folder.resolve("data"), 200, 100);
        Path run = folder.resolve("run");
        List<Object> train =
                TinyData.command(
                        "train", data, run, "--epochs", 2, "--sparsity", 0.5, "--overwrite");
        assertThat(Shell.run(train).status()).isZero();
        assertThat(Shell.run("report", run).status()).isZero();
        assertThat(Shell.run(train).status()).isZero();
        assertThat(run.resolve("report.html")).doesNotExist();
        assertThat(run.resolve("figures")).doesNotExist();
    }

    @Test
    void figuresAloneAreNoRunToOverwrite() throws IOException {
        Path data = TinyData.write(folder.resolve("data"), 200, 100);
        Path figure = Files.createDirectories(folder.resolve("mine/figures")).resolve("a.svg");
        Files.createFile(figure);
        Shell train =
                Shell.run(TinyData.command("train", data, folder.resolve("mine"), "--overwrite"));
        assertThat(train.err()).contains("holds other files: choose another --out");
        assertThat(figure).exists();
    }

    @Test
    void refusesWhatIsNoComparison() {
        Shell report = Shell.run("report", folder);
        assertThat(report.status()).isEqualTo(2);
        assertThat(report.err())
                .isEqualToNormalizingNewlines(
                        "flipout: "
                                + folder
                                + " is no comparison and no finished run: it has neither"
                                + " comparison.yaml nor summary.json.\n");
    }

    @Test
    void aFileIsNoFolder() throws IOException {
        Path file = Files.writeString(folder.resolve("summary.json"), "{}");
        Shell shell = Shell.run("report", file);
        assertThat(shell.status()).isEqualTo(2);
        assertThat(shell.err())
                .isEqualTo(
                        "flipout: "
                                + file
                                + " is a file: report takes the folder of a run or a"
                                + " comparison.\n");
    }
}
