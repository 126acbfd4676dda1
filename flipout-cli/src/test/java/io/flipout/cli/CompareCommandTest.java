package io.flipout.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.flipout.cli.run.RunFolder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CompareCommandTest {

    @TempDir private static Path shared;
    private static Path data;

    @TempDir private Path folder;

    @BeforeAll
    static void writeData() throws IOException {
        data = TinyData.write(shared.resolve("data"), 200, 100);
    }

    private static List<Object> arguments(Path out, Object... options) {
        List<Object> arguments = TinyData.command("compare", data, out, "--epochs", 4);
        arguments.addAll(List.of(options));
        return arguments;
    }

    private static Shell compare(Path out, Object... options) {
        return Shell.run(arguments(out, options));
    }

    private static List<String> results(Path out) throws IOException {
        return Files.readAllLines(out.resolve("results.csv"));
    }

    /** Columns before the seconds, of the rows that a text begins. */
    private static List<String> untimed(Path out) throws IOException {
        return results(out).stream().map(row -> row.replaceFirst(",[^,]*,[^,]*$", "")).toList();
    }

    @Test
    void everythingIsRunOnceAndOnlyWhatIsMissingAgain() throws IOException {
        Path out = folder.resolve("comparison");
        Shell first =
                compare(
                        out,
                        "--methods",
                        "flipout,random",
                        "--sparsities",
                        "0.5,0.75",
                        "--jobs",
                        2);
        assertThat(first.status()).as(first.err() + first.out()).isZero();
        assertThat(untimed(out))
                .hasSize(6)
                .anyMatch(row -> row.startsWith("none,,,1,done,0.0,266200,"))
                .anyMatch(row -> row.startsWith("flipout,0.5,,1,done,0.5,133100,"))
                .anyMatch(row -> row.startsWith("random,0.75,,1,done,0.75,66550,"));
        assertThat(first.out())
                .contains("5 runs, 2 at a time.")
                .contains("accuracy in %")
                .contains("5 of 5 runs done")
                .contains("Look at it:  " + out.resolve("report.html"));
        assertThat(out.resolve("report.html")).content().contains("random");

        List<String> before = untimed(out);
        Files.delete(out.resolve("runs/flipout-s0.75-seed1/summary.json")); // As if it was killed.
        Shell second = Shell.run("compare", "--out", out);
        assertThat(second.status()).as(second.err()).isZero();
        assertThat(second.out())
                .contains("5 runs, 4 of them done before, 1 at a time.")
                .contains("5/5  flipout 75 % seed 1")
                .doesNotContain("seed 1  random");
        // With as many threads, PyTorch splits its sums in the same way.
        assertThat(Files.readString(out.resolve("runs/flipout-s0.75-seed1/config.yaml")))
                .containsPattern("threads: \\d+");
        assertThat(untimed(out).stream().map(row -> row.replaceFirst(",[^,]*$", "")))
                .isEqualTo(before.stream().map(row -> row.replaceFirst(",[^,]*$", "")).toList());
    }

    @Test
    void aRunThatFailsIsReportedAndStopsNoOther() throws IOException {
        Path out = folder.resolve("comparison");
        Shell shell =
                compare(
                        out,
                        "--methods",
                        "random:lr=1e30,random",
                        "--no-dense",
                        "--sparsities",
                        "0.5");
        assertThat(shell.status()).isEqualTo(1);
        assertThat(shell.out())
                .contains("failed: The loss became")
                .contains("1 of 2 runs done, 1 failed")
                .containsPattern("random lr=1e30 +–");
        assertThat(results(out).get(1)).startsWith("random lr=1e30,0.5,,1,failed,,,,,The loss");
        assertThat(results(out).get(2)).startsWith("random,0.5,,1,done,0.5,133100,");
    }

    @Test
    void moreMayBeAddedButNothingChanged() throws IOException {
        Path out = folder.resolve("comparison");
        compare(out, "--methods", "random", "--no-dense", "--sparsities", "0.5");
        Shell changed =
                compare(out, "--methods", "flipout", "--no-dense", "--sparsities", "0.5,0.75");
        assertThat(changed.status()).isEqualTo(2);
        assertThat(changed.err())
                .contains(
                        out + " holds another comparison, of methods random: choose another --out");
        for (List<Object> option :
                List.<List<Object>>of(List.of("--no-dense"), List.of("--measure", "test"))) {
            List<Object> words = new ArrayList<>(List.of("compare", "--out", out));
            words.addAll(option);
            assertThat(Shell.run(words).err())
                    .as("%s alone is not to continue it, as it says something", option)
                    .contains(out + " holds another comparison");
        }
        Shell more =
                compare(out, "--methods", "random,flipout", "--no-dense", "--sparsities", "0.5");
        assertThat(more.status()).as(more.err()).isZero();
        assertThat(more.out()).contains("2 runs, 1 of them done before");
    }

    /** SIGKILL gives a comparison no chance to stop its runs; they stop by themselves. */
    @Test
    void aKilledComparisonTakesItsRunsWithItAndGoesOn() throws Exception {
        Path out = folder.resolve("comparison");
        List<String> command =
                new ArrayList<>(
                        List.of(
                                ProcessHandle.current().info().command().orElseThrow(),
                                "-cp",
                                System.getProperty("java.class.path"),
                                Main.class.getName()));
        arguments(out, "--methods", "random", "--no-dense", "--sparsities", "0.5")
                .forEach(argument -> command.add(argument.toString()));
        command.add("--epochs=100"); // The last one counts.
        Process comparison =
                new ProcessBuilder(command)
                        .redirectOutput(folder.resolve("out.txt").toFile())
                        .start();
        Path run = out.resolve("runs/random-s0.5-seed1");
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (!new RunFolder(run).isInterrupted() && System.nanoTime() < deadline) {
            Thread.sleep(50);
        }
        assertThat(new RunFolder(run).isInterrupted()).isTrue();
        List<ProcessHandle> runs;
        try (Stream<ProcessHandle> children = comparison.descendants()) {
            runs = children.toList();
        }
        assertThat(runs).isNotEmpty();
        comparison.destroyForcibly().waitFor();
        for (ProcessHandle process : runs) {
            process.onExit().get(30, TimeUnit.SECONDS);
        }
        assertThat(run.resolve("summary.json")).doesNotExist();

        Shell shell = Shell.run("compare", "--out", out);
        assertThat(shell.status()).as(shell.err()).isZero();
        assertThat(Files.readString(out.resolve("runs/random-s0.5-seed1.log")))
                .contains("Going on after epoch");
    }

    @Test
    void aFaultKeepsWhatWasSavedAndGoesOnFromThere() throws IOException {
        Path out = folder.resolve("comparison");
        Path run = out.resolve("runs/random-s0.5-seed1");
        List<Object> words = TinyData.command("train", data, run, "--epochs", 4, "--threads", 1);
        words.addAll(List.of("--method", "random", "--sparsity", 0.5, "--max-time", "2epochs"));
        assertThat(Shell.run(words).status()).isZero();
        Files.writeString(out.resolve("runs/random-s0.5-seed1.failed"), "The disk is full.");
        Shell shell = compare(out, "--methods", "random", "--no-dense", "--sparsities", "0.5");
        assertThat(shell.status()).as(shell.err()).isZero();
        assertThat(out.resolve("runs/random-s0.5-seed1.log"))
                .content()
                .contains("Going on after epoch 2, batch 0.");
        assertThat(results(out).get(1)).startsWith("random,0.5,,1,done,0.5,133100,");
    }

    @Test
    void runsThatAllFailAlikeAreNotAllTried() throws IOException {
        Path out = folder.resolve("comparison");
        Shell shell =
                compare(
                        out,
                        "--methods",
                        "random,flipout",
                        "--sparsities",
                        "0.5,0.75",
                        "--device",
                        "gpu7");
        assertThat(shell.status()).isEqualTo(1);
        assertThat(shell.out()).contains("3/5").contains("0 of 5 runs done, 3 failed");
        assertThat(shell.err())
                .contains("All runs have failed alike so far, and the others are not tried")
                .contains("./flipout compare --out " + out);
    }

    @Test
    void newMethodsSparsitiesAndSeedsAreAddedToWhatTheFolderHolds() throws IOException {
        Path out = folder.resolve("comparison");
        compare(out, "--methods", "random", "--no-dense", "--sparsities", "0.5");
        Shell method = Shell.run("compare", "--out", out, "--methods", "flipout,flipout:p=2");
        assertThat(method.status()).as(method.err()).isZero();
        assertThat(method.out()).contains("2 runs, 1 of them done before");
        assertThat(method.err()).contains("flipout p=2 is flipout: it is trained once.");
        Shell seed = Shell.run("compare", "--out", out, "--seeds", 2);
        assertThat(seed.out()).contains("4 runs, 2 of them done before");
        assertThat(results(out)).hasSize(5).noneMatch(row -> row.startsWith("none"));
        Shell wrong = Shell.run("compare", "--out", out, "--methods", "flipout:nose=0");
        assertThat(wrong.err()).contains("Unknown option '--nose=0'. Did you mean --noise");
        assertThat(compare(out, "--methods", "flipout:nose=0").err())
                .contains("Unknown option '--nose=0'");
        assertThat(compare(out, "--methods", "snip").err())
                .contains("all that it holds must be repeated");
    }

    @Test
    void armsThatAreTheSameAreTrainedOnce() throws IOException {
        Path out = folder.resolve("comparison");
        Shell shell =
                compare(
                        out,
                        "--methods",
                        "random,random:p=3,random:epochs=4,random:lr=0.05",
                        "--no-dense",
                        "--sparsities",
                        "0.5");
        assertThat(shell.status()).as(shell.err()).isZero();
        assertThat(shell.out()).contains("1 runs, 1 at a time");
        assertThat(shell.err())
                .contains("random p=3 is random", "random epochs=4 is random", "random lr=0.05 is");
    }

    /** As a terminal does: the signal goes to the comparison and to its runs. */
    @Test
    void anInterruptedComparisonSavesItsRunsAndSaysHowToGoOn() throws Exception {
        Interrupts.assumeHeard();
        Path out = folder.resolve("comparison");
        List<String> command =
                new ArrayList<>(
                        List.of(
                                ProcessHandle.current().info().command().orElse("java"),
                                "-Dflipout.progress=1",
                                "-cp",
                                System.getProperty("java.class.path"),
                                Main.class.getName()));
        arguments(out, "--methods", "random", "--no-dense", "--sparsities", "0.5")
                .forEach(argument -> command.add(argument.toString()));
        command.addAll(List.of("--epochs=5000", "--checkpoint=1000epochs"));
        Path printed = folder.resolve("out.txt");
        Process comparison =
                new ProcessBuilder(command)
                        .redirectErrorStream(true)
                        .redirectOutput(printed.toFile())
                        .start();
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (!Files.readString(printed).contains(" left.") && System.nanoTime() < deadline) {
            Thread.sleep(50);
        }
        List<String> kill = new ArrayList<>(List.of("kill", "-INT"));
        try (Stream<ProcessHandle> children = comparison.descendants()) {
            children.forEach(child -> kill.add(Long.toString(child.pid())));
        }
        kill.add(Long.toString(comparison.pid()));
        new ProcessBuilder(kill).start().waitFor();
        assertThat(Interrupts.status(comparison)).isEqualTo(130);
        assertThat(printed)
                .content()
                .containsPattern(
                        "0 of 1 runs done; at work: random 50 % seed 1 epoch \\d+/5000; about .* left\\.")
                .contains(
                        "Stopped with 0 of 1 runs done. Go on with it:  ./flipout compare --out "
                                + out);
        assertThat(new RunFolder(out.resolve("runs/random-s0.5-seed1")).isInterrupted()).isTrue();
        assertThat(out.resolve("runs/random-s0.5-seed1.failed")).doesNotExist();
        assertThat(out.resolve("runs/random-s0.5-seed1.log"))
                .content()
                .contains("Stopped after epoch");
    }

    @Test
    void whatNoMethodUsesIsSaid() throws IOException {
        Path out = folder.resolve("comparison");
        Object[] options = {
            "--methods",
            "random:p=3,flipout",
            "--sparsities",
            "0.5",
            "--noise",
            "0.5",
            "--snip-steps",
            2
        };
        Shell shell = compare(out, options);
        assertThat(shell.err())
                .contains("--p does not apply to random: it is not used.")
                .contains("--snip-steps does not apply to any of the methods: it is not used.")
                .doesNotContain("--noise does");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "--preset figure6                   | There is no preset 'figure6'; there are table2, table3,",
                "--methods magic                    | Unknown method 'magic'; there are flipout,",
                "--methods flipout:p                | 'flipout:p' is not of the form NAME:OPTION=VALUE",
                "--methods flipout:q=1              | Unknown option '--q=1'; there are --model,",
                "--methods flipout:p=-1             | power p",
                "--ship data                        | --ship is for --spark: give it.",
                "--spark-conf spark.task.cpus=2     | --spark-conf is for --spark: give it.",
                "--spark yarn --gpus 0              | Spark tells which GPU a run has: instead of --gpus",
                "--spark yarn --spark-conf cores=2  | --spark-conf takes KEY=VALUE with a key of Spark's",
                "--spark yarn --ship images         | --ship",
                "--sparsities 0                     | --sparsities must lie between 0 and 1, got 0.0",
                "--schedule paper --sparsities 0.9999 | takes 13 prunings",
                "--sparsity 0.5                     | compare sets --sparsity of each run itself: give --methods, --sparsities",
                "--colour red                       | Unknown option '--colour'; there are --model,",
                "--jobs 0                           | --jobs must be at least 1",
                "--jobs 2 --gpus 0                  | --jobs 2 is more than one for each of 1 GPUs",
                "--measure guess                    | 'guess' is not one of test, validation",
                "--measure validation               | --measure validation needs images held out: give --val-size",
                "--sparsities 0.5 --data nowhere    | nowhere",
            })
    void wrongUseIsOneSentenceAndLeavesNothing(String options, String sentence) {
        Path out = folder.resolve("comparison");
        Shell shell = compare(out, (Object[]) options.split(" "));
        assertThat(shell.err()).contains(sentence).doesNotContain("\tat ");
        assertThat(shell.status()).isNotZero();
        assertThat(out).doesNotExist();
    }

    @Test
    void aPresetCanDoWithoutTheDenseNetwork() throws IOException {
        Path out = folder.resolve("comparison");
        Shell shell =
                compare(
                        out,
                        "--preset",
                        "figure5a",
                        "--model",
                        "lenet300",
                        "--no-dense",
                        "--sparsities",
                        "0.5",
                        "--seeds",
                        1);
        assertThat(shell.status()).as(shell.err()).isZero();
        assertThat(results(out)).hasSize(5).noneMatch(row -> row.startsWith("none"));
    }

    @Test
    void aFolderOfOtherFilesIsLeftAlone() throws IOException {
        Files.writeString(folder.resolve("letter.txt"), "mine");
        Shell shell = compare(folder);
        assertThat(shell.status()).isEqualTo(2);
        assertThat(shell.err()).contains("holds other files: choose another --out, new or empty.");
        assertThat(folder.resolve("comparison.yaml")).doesNotExist();
    }
}
