package io.flipout.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.flipout.cli.run.RunFolder;
import io.flipout.cli.terminal.Failure;
import io.flipout.djl.torchscript.HandMadeModule;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ResumeCommandTest {

    /** SIGKILLs of the kill test; -Dflipout.kills=300 is the long form. */
    private static final int KILLS = Integer.getInteger("flipout.kills", 20);

    @TempDir private static Path shared;
    private static Path data;

    @TempDir private Path folder;

    @BeforeAll
    static void writeData() throws IOException {
        data = TinyData.write(shared.resolve("data"), 400, 50);
    }

    private static List<Object> training(Path out, Object... options) {
        List<Object> arguments = TinyData.command("train", data, out, "--threads", 1);
        arguments.addAll(List.of(options));
        return arguments;
    }

    private static Shell train(Path out, Object... options) {
        return Shell.run(training(out, options).toArray());
    }

    private static Shell resume(Path run, Object... options) {
        List<Object> arguments = new ArrayList<>(List.of("resume", run));
        arguments.addAll(List.of(options));
        return Shell.run(arguments.toArray());
    }

    /** Stops a training within its third epoch of eight steps, in good order. */
    private static void stop(Path run, Object... options) {
        List<Object> arguments = training(run, options);
        arguments.addAll(List.of("--max-time", "19steps"));
        Shell shell = Shell.run(arguments.toArray());
        assertThat(shell.out())
                .as(shell.err())
                .contains("Stopped after epoch")
                .contains("./flipout resume " + run);
        assertThat(shell.status()).isZero();
        assertThat(run.resolve("summary.json")).doesNotExist();
    }

    /** Two runs are the same run: metrics but for time, weights, what decided the last pruning. */
    private static void assertSame(Path resumed, Path whole) throws IOException {
        assertThat(untimed(resumed)).isEqualTo(untimed(whole));
        for (String name :
                List.of("model/lenet300-0000.params", "weights.csv", "model/synset.txt")) {
            if (Files.exists(whole.resolve(name))) {
                assertThat(resumed.resolve(name)).hasSameBinaryContentAs(whole.resolve(name));
            }
        }
    }

    private static List<String> untimed(Path run) throws IOException {
        return Files.readAllLines(run.resolve("metrics.csv")).stream()
                .map(row -> row.replaceFirst(",[^,]*,[^,]*$", ""))
                .toList();
    }

    private static List<Path> checkpoints(Path run) throws IOException {
        try (Stream<Path> files = Files.list(run.resolve("checkpoints"))) {
            return files.sorted().toList();
        }
    }

    @ParameterizedTest
    @CsvSource({
        "flipout, --sparsity 0.9",
        "lottery-ticket, --sparsity 0.5 --prune-rate 0.5 --rewind-step 3 --epochs 3",
        "snip, --sparsity 0.9",
        "obd, --sparsity 0.9 --fisher-examples 20",
        "obs, --sparsity 0.9 --fisher-examples 20 --obs-block 16",
        "deep-r, --sparsity 0.9 --momentum 0",
        "l0, --l0-strength 3",
        "variational-dropout, --vd-variance -6",
        "dynamic-sparse, --dst-strength 1e-3",
    })
    void aStoppedRunGoesOnAsIfItHadNotBeen(String method, String options) throws IOException {
        List<Object> words = new ArrayList<>(List.of("--method", method, "--epochs", 5));
        words.addAll(List.of(options.split(" ")));
        Path whole = folder.resolve("whole");
        assertThat(train(whole, words.toArray()).status()).isZero();

        Path run = folder.resolve("run");
        words.addAll(List.of("--checkpoint", "3steps"));
        stop(run, words.toArray());
        Shell shell = resume(run);
        assertThat(shell.status()).as(shell.err()).isZero();
        assertSame(run, whole);
    }

    /**
     * DJL shows no running statistics of a TorchScript module, which are a part of it all the same.
     */
    @Test
    void aStoppedTorchScriptModuleGoesOnWithItsStatistics() throws IOException {
        Path small = folder.resolve("small");
        train(small, "--model", "resnet18", "--width", 2, "--method", "none", "--epochs", 1);
        Path script = folder.resolve("mine.pt");
        assertThat(Shell.run("export", small, "--out", script).status()).isZero();

        Object[] options = {
            "--model", script, "--sparsity", 0.5, "--epochs", 3, "--checkpoint", "3steps"
        };
        Path whole = folder.resolve("whole");
        assertThat(train(whole, options).status()).isZero();
        Path run = folder.resolve("run");
        stop(run, options);
        assertThat(checkpoints(run)).hasSize(4); // Each with its module.
        Path newest = checkpoints(run).get(2);
        assertThat(newest.toString()).endsWith(".pt");
        Files.write(newest, new byte[5]);

        Shell shell = resume(run);
        assertThat(shell.err())
                .contains(newest + " is damaged or missing. The one before it is used.");
        assertThat(shell.status()).isZero();
        assertThat(untimed(run)).isEqualTo(untimed(whole));
        assertThat(run.resolve("model/mine.pt")).exists();
    }

    /** The checkpoint holds the module, so that its first file may be anywhere, or gone. */
    @ParameterizedTest
    @ValueSource(strings = {"--sparsity 0.5", "--method l0", "--method dynamic-sparse"})
    void aStoppedTorchScriptModuleGoesOnWithoutItsFile(String method) throws IOException {
        Path script =
                HandMadeModule.write(folder.resolve("here.pt"), 10, 784, HandMadeModule.LINEAR);
        Path relative = Path.of("").toAbsolutePath().relativize(script);
        Path run = folder.resolve("run");
        List<Object> words =
                new ArrayList<>(
                        List.of("--model", relative, "--epochs", 3, "--checkpoint", "3steps"));
        words.addAll(List.of(method.split(" ")));
        Object[] options = words.toArray();
        stop(run, options);
        assertThat(run.resolve("config.yaml")).content().contains(script.toString());
        Files.delete(script);

        Shell shell = resume(run);
        assertThat(shell.status()).as(shell.err()).isZero();
        assertThat(run.resolve("model/here.pt")).exists();

        HandMadeModule.write(script, 10, 784, HandMadeModule.LINEAR);
        Path whole = folder.resolve("whole");
        train(whole, options);
        assertThat(untimed(run)).isEqualTo(untimed(whole));
    }

    @Test
    void sigkillAtAnyMomentLosesNothingButTime() throws Exception {
        Object[] options = {"--sparsity", 0.95, "--epochs", 5 * KILLS, "--checkpoint", "5steps"};
        Path whole = folder.resolve("whole");
        assertThat(train(whole, options).status()).isZero();

        Path run = folder.resolve("run");
        SplittableRandom random = new SplittableRandom(1);
        List<Object> command = training(run, options);
        int kills = 0;
        while (kills < KILLS) {
            Process process = start(command);
            if (!waitForProgress(process, run, 1 + random.nextInt(4))) {
                break; // It has come to its end.
            }
            TimeUnit.MILLISECONDS.sleep(random.nextInt(20));
            process.destroyForcibly().waitFor();
            kills++;
            command =
                    Files.exists(run.resolve("config.yaml"))
                            ? List.of("resume", run)
                            : training(run, options);
        }
        if (Files.notExists(run.resolve("summary.json"))) {
            assertThat(start(command).waitFor()).isZero();
        }
        assertThat(kills).isEqualTo(KILLS);
        assertSame(run, whole);
        assertThat(run.resolve("checkpoints")).doesNotExist();
    }

    private static Process start(List<Object> arguments) throws IOException {
        return builder(arguments).redirectOutput(ProcessBuilder.Redirect.DISCARD).start();
    }

    private static ProcessBuilder builder(List<Object> arguments) {
        List<String> command =
                new ArrayList<>(
                        List.of(
                                ProcessHandle.current().info().command().orElseThrow(),
                                "-XX:TieredStopAtLevel=1",
                                "-cp",
                                System.getProperty("java.class.path"),
                                Main.class.getName()));
        arguments.forEach(argument -> command.add(argument.toString()));
        return new ProcessBuilder(command).redirectErrorStream(true);
    }

    /** Waits until some more checkpoints have been written, or the process has ended. */
    private static boolean waitForProgress(Process process, Path run, int checkpoints)
            throws Exception {
        String last = "";
        int seen = 0;
        while (process.isAlive()) {
            if (Files.isDirectory(run.resolve("checkpoints"))) {
                try (Stream<Path> files = Files.list(run.resolve("checkpoints"))) {
                    String newest =
                            files.map(file -> file.getFileName().toString())
                                    .filter(name -> name.endsWith(".safetensors"))
                                    .max(String::compareTo)
                                    .orElse("");
                    if (!newest.equals(last)) {
                        last = newest;
                        if (seen++ == checkpoints) {
                            return true;
                        }
                    }
                } catch (NoSuchFileException | UncheckedIOException e) {
                    continue; // It was moved away meanwhile.
                }
            }
            TimeUnit.MILLISECONDS.sleep(1);
        }
        return false;
    }

    @ParameterizedTest
    @CsvSource({"INT, 130", "TERM, 143"})
    void aSignalStopsARunInGoodOrder(String signal, int status) throws Exception {
        Interrupts.assumeHeard();
        Path run = folder.resolve("run");
        Process process = start(training(run, "--epochs", 5000, "--checkpoint", "10steps"));
        assertThat(waitForProgress(process, run, 2)).isTrue();
        new ProcessBuilder("kill", "-" + signal, Long.toString(process.pid())).start().waitFor();
        assertThat(Interrupts.status(process)).isEqualTo(status);
        assertThat(checkpoints(run)).hasSize(2);
    }

    /** A step of this network takes so long that the run is still in it at the second signal. */
    @Test
    void aSecondSignalEndsARunAtOnceAndWithoutACrash() throws Exception {
        Interrupts.assumeHeard();
        Path run = folder.resolve("run");
        List<Object> command = training(run, "--model", "resnet18", "--epochs", 20);
        command.addAll(List.of("--batch-size", 400));
        Path printed = folder.resolve("printed.txt");
        Process process = builder(command).redirectOutput(printed.toFile()).start();
        while (process.isAlive() && Files.notExists(run.resolve("metrics.csv"))) {
            TimeUnit.MILLISECONDS.sleep(10);
        }
        TimeUnit.MILLISECONDS.sleep(500);
        for (int i = 0; i < 2; i++) {
            new ProcessBuilder("kill", "-INT", Long.toString(process.pid())).start().waitFor();
            TimeUnit.MILLISECONDS.sleep(200);
        }
        assertThat(Interrupts.status(process)).isEqualTo(130);
        assertThat(printed).content().doesNotContain("fatal error");
    }

    @Test
    void aDamagedCheckpointIsNamedAndTheOneBeforeUsed() throws IOException {
        Object[] options = {"--sparsity", 0.9, "--epochs", 5};
        Path run = folder.resolve("run");
        stop(run, "--sparsity", 0.9, "--epochs", 5, "--checkpoint", "2steps");
        List<Path> saved = checkpoints(run);
        assertThat(saved).hasSize(2);
        byte[] bytes = Files.readAllBytes(saved.get(1));
        bytes[bytes.length / 2] ^= 1;
        Files.write(saved.get(1), bytes);

        Shell shell = resume(run);
        assertThat(shell.err())
                .contains(saved.get(1) + " is damaged: its bytes do not add up to its checksum.")
                .contains("The one before it is used.");
        assertThat(shell.status()).isZero();
        Path whole = folder.resolve("whole");
        train(whole, options);
        assertSame(run, whole);
    }

    @Test
    void aRunWithoutCheckpointsBeginsAnew() throws IOException {
        Path run = folder.resolve("run");
        stop(run, "--sparsity", 0.5, "--epochs", 5);
        RunFolder.delete(run.resolve("checkpoints"));
        Files.writeString(
                run.resolve("config.yaml"),
                Files.readString(run.resolve("config.yaml")).replace("epochs: 5", "epochs: 3"));
        Shell shell = resume(run);
        assertThat(shell.err()).contains("No checkpoint of it is there yet: it begins anew.");
        assertThat(shell.status()).isZero();
        assertThat(untimed(run)).hasSize(4);
    }

    @Test
    void aRunCanBeMadeLongerButNotShorter() throws IOException {
        Path run = folder.resolve("run");
        stop(run, "--sparsity", 0.9, "--epochs", 6);
        Shell shorter = resume(run, "--epochs", 5);
        assertThat(shorter.status()).isEqualTo(2);
        assertThat(shorter.err())
                .contains("--epochs must be at least the 6 that the run was to take, got 5.");
        Shell longer = resume(run, "--epochs", 8);
        assertThat(longer.status()).as(longer.err()).isZero();
        Path whole = folder.resolve("whole");
        train(whole, "--sparsity", 0.9, "--epochs", 6);
        assertThat(untimed(run)).hasSize(9).startsWith(untimed(whole).toArray(String[]::new));
    }

    /** Whatever the schedule, and whether it was stopped on the way or had come to its end. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "--sparsity 0.9 --milestones 2,5 | --sparsity 0.9 --milestones 2,5 --prune-end 2 --rewire-until 32",
                "--sparsity 0.9 --prune-end 1.3 --rewire-every 3 --milestones 3 | --sparsity 0.9 --prune-end 1.3 --rewire-every 3 --rewire-until 32 --milestones 3",
                "--method flipout --schedule paper --sparsity 0.9 | --method flipout --schedule paper --sparsity 0.9 --prune-every 1 --milestones 2,3",
                "--method none --milestones 9    | --method none --milestones 9",
                "--method flipout --prune-every 2 --milestones 3  | --method flipout --prune-every 2 --milestones 3",
                "--method obd --fisher-examples 20 --prune-every 2 | --method obd --fisher-examples 20 --prune-every 2 --milestones 2,3",
                "--method obs --fisher-examples 9 --obs-block 8 --prune-every 2 | --method obs --fisher-examples 9 --obs-block 8 --prune-every 2 --milestones 2,3",
                "--method hoyer-square --threshold 0.01 | --method hoyer-square --threshold 0.01 --fine-tune 3 --milestones 2,3",
                "--method layer-magnitude --quality 0.5 | --method layer-magnitude --quality 0.5 --prune-every 1 --milestones 2,3",
                "--method deep-r --sparsity 0.9 --momentum 0 | --method deep-r --sparsity 0.9 --momentum 0 --milestones 2,3",
                "--method gmp --sparsity 0.9 | --method gmp --sparsity 0.9 --gmp-end 3 --milestones 2,3",
                "--method movement --sparsity 0.9 | --method movement --sparsity 0.9 --gmp-end 3 --milestones 2,3",
                "--method rigl --sparsity 0.9 --rewire-every 3 | --method rigl --sparsity 0.9 --rewire-every 3 --rewire-until 24 --milestones 2,3",
                "--method set --sparsity 0.9 | --method set --sparsity 0.9 --rewire-every 8 --rewire-until 32 --milestones 2,3",
                "--method synflow --sparsity 0.9 --synflow-rounds 5 | --method synflow --sparsity 0.9 --synflow-rounds 5 --milestones 2,3",
                "--method grasp --sparsity 0.9 | --method grasp --sparsity 0.9 --milestones 2,3",
                "--method l0 --l0-gates neuron | --method l0 --l0-gates neuron --milestones 2,3",
                "--method variational-dropout --vd-variance -6 | --method variational-dropout --vd-variance -6 --vd-warm-up 0.4 --milestones 2,3",
                "--method dynamic-sparse --dst-strength 1e-3 | --method dynamic-sparse --dst-strength 1e-3 --milestones 2,3",
                "--method global-magnitude --sparsity 0.5 --momentum 0 --noise-scale langevin --noise 0.1 | --method global-magnitude --sparsity 0.5 --momentum 0 --noise-scale langevin --noise 0.1 --prune-end 2 --milestones 2,3",
                "--method none --noise-scale annealed --noise 0.01 | --method none --noise-scale annealed --noise 0.01 --milestones 2,3",
            })
    void aLongerRunIsTheOneThatWasPlannedSoLong(String options, String planned) throws IOException {
        Path whole = folder.resolve("whole");
        List<Object> words = new ArrayList<>(List.of(planned.split(" ")));
        words.addAll(List.of("--epochs", 6));
        assertThat(train(whole, words.toArray()).status()).isZero();

        words = new ArrayList<>(List.of(options.split(" ")));
        words.addAll(List.of("--epochs", 4));
        Path stopped = folder.resolve("stopped");
        stop(stopped, words.toArray());
        Path finished = folder.resolve("finished");
        words.add("--keep-state");
        assertThat(train(finished, words.toArray()).status()).isZero();
        for (Path run : List.of(stopped, finished)) {
            Shell shell = resume(run, "--epochs", 6);
            assertThat(shell.status()).as(shell.err()).isZero();
            assertThat(shell.out()).contains("Training for 6 epochs").contains("epoch 6/6");
            assertSame(run, whole);
            assertThat(Files.exists(run.resolve("weights.csv")))
                    .isEqualTo(Files.exists(whole.resolve("weights.csv")));
            assertThat(run.resolve("checkpoints")).doesNotExist();
            Path again = folder.resolve("again");
            Shell.run(
                    "train", "--config", run.resolve("config.yaml"), "--out", again, "--overwrite");
            assertSame(again, whole);
        }
    }

    @Test
    void aFinishedRunKeepsItsStateWhereThatIsSmall() throws IOException {
        Path sparse = folder.resolve("sparse");
        train(sparse, "--sparsity", 0.95, "--epochs", 7);
        assertThat(size(sparse.resolve("state"))).isLessThan(size(sparse.resolve("model")));
        Shell more = resume(sparse, "--epochs", 8);
        assertThat(more.status()).as(more.err()).isZero();
        assertThat(untimed(sparse)).hasSize(9);
        assertThat(resume(sparse, "--epochs", 8).err())
                .contains(sparse + " has trained for 8 epochs: --epochs must be more.");
        assertThat(resume(sparse, "--epochs", 5).status()).isEqualTo(2);

        Path dense = folder.resolve("dense");
        train(dense, "--method", "none", "--epochs", 2);
        assertThat(dense.resolve("state")).doesNotExist();
        Shell refused = resume(dense, "--epochs", 3);
        assertThat(refused.status()).isEqualTo(2);
        assertThat(refused.err())
                .contains(dense + " has come to its end, and its last state was not kept")
                .contains("--keep-state");
        train(sparse, "--sparsity", 0.95, "--epochs", 7, "--no-keep-state", "--overwrite");
        assertThat(sparse.resolve("state")).doesNotExist();
    }

    private static long size(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.mapToLong(file -> file.toFile().length()).sum();
        }
    }

    /** As if the machine had failed at any moment while the run was opened again. */
    @Test
    void aRunThatIsOpenedAgainCanBeSoOnceMore() throws IOException {
        Path whole = folder.resolve("whole");
        train(whole, "--sparsity", 0.5, "--epochs", 5, "--prune-every", 1, "--milestones", "1,2");
        Path run = folder.resolve("run");
        train(run, "--sparsity", 0.5, "--epochs", 3, "--prune-every", 1, "--keep-state");
        Files.move(run.resolve("state"), run.resolve("checkpoints"));
        Shell stopped = resume(run, "--epochs", 5, "--max-time", "1epochs");
        assertThat(stopped.status()).as(stopped.err()).isZero();
        assertThat(Files.readString(run.resolve("config.yaml"))).contains("epochs: 5\n");
        assertThat(run.resolve("summary.json")).doesNotExist();
        Shell shell = resume(run);
        assertThat(shell.status()).as(shell.err()).isZero();
        assertSame(run, whole);
    }

    @Test
    void anInterruptedRunIsNotOverwrittenUnasked() {
        Path run = folder.resolve("run");
        stop(run, "--sparsity", 0.9, "--epochs", 5);
        Shell again = train(run, "--sparsity", 0.9, "--epochs", 5);
        assertThat(again.status()).isEqualTo(2);
        assertThat(again.err())
                .contains(
                        run
                                + " holds a run that was interrupted: go on with it by ./flipout resume");
        Shell over = train(run, "--sparsity", 0.5, "--epochs", 3, "--overwrite");
        assertThat(over.status()).as(over.err()).isZero();
        assertThat(resume(run).err())
                .contains("has come to its end: there is nothing to go on with");
    }

    @Test
    void twoWritersAreOneTooMany() throws IOException {
        Path run = folder.resolve("run");
        stop(run, "--sparsity", 0.9, "--epochs", 5);
        List<Path> before = checkpoints(run);
        try (FileChannel other = FileChannel.open(run.resolve(".lock"), StandardOpenOption.WRITE)) {
            assertThat(other.tryLock()).isNotNull();
            for (Shell shell : List.of(resume(run), train(run, "--epochs", 8, "--overwrite"))) {
                assertThat(shell.status()).isEqualTo(2);
                assertThat(shell.err()).contains("Another process is training in " + run);
            }
        }
        assertThat(checkpoints(run)).isEqualTo(before);
        assertThat(resume(run, "--max-time", "1epoch").status()).isZero();
    }

    @Test
    void whatCannotBeSavedLeavesWhatWas() throws IOException {
        Path run = folder.resolve("run");
        stop(run, "--sparsity", 0.9, "--epochs", 5);
        Path newest = checkpoints(run).get(checkpoints(run).size() - 1);
        byte[] before = Files.readAllBytes(newest);
        // Where the next checkpoint would be written, something cannot be overwritten.
        String name = newest.getFileName().toString();
        int epoch = Integer.parseInt(name.substring(1, 7)) + 1;
        Path blocked =
                newest.resolveSibling(
                        String.format(Locale.ROOT, "e%06d-b00000000.safetensors.tmp", epoch));
        Files.createDirectories(blocked.resolve("in-the-way"));
        Shell shell = resume(run, "--checkpoint", "1epoch");
        assertThat(shell.status()).isEqualTo(1);
        assertThat(shell.err())
                .contains("The training could not be saved in " + run)
                .contains("./flipout resume " + run + " goes on with it.")
                .doesNotContain("\tat ");
        assertThat(Files.readAllBytes(newest)).isEqualTo(before);
        RunFolder.delete(blocked);
        assertThat(resume(run, "--max-time", "1epoch").status()).isZero();
    }

    /** What is written there finds the disk full. */
    private static void fill(Path file) throws IOException {
        Files.createSymbolicLink(file, Path.of("/dev/full"));
    }

    @ParameterizedTest
    @CsvSource({
        "checkpoint, The training could not be saved in",
        "summary.json.tmp, The model could not be saved in"
    })
    void aFullDiskIsOneSentenceAndCostsNothing(String where, String sentence) throws IOException {
        assumeTrue(Files.exists(Path.of("/dev/full")));
        Path run = folder.resolve("run");
        stop(run, "--sparsity", 0.9, "--epochs", 100);
        List<Path> saved = checkpoints(run);
        String newest = saved.get(saved.size() - 1).getFileName().toString();
        int next = Integer.parseInt(newest.substring(1, 7)) + 1;
        fill(
                where.equals("checkpoint")
                        ? run.resolve("checkpoints")
                                .resolve(
                                        String.format(
                                                Locale.ROOT,
                                                "e%06d-b00000000.safetensors.tmp",
                                                next))
                        : run.resolve(where));
        Shell shell = resume(run);
        assertThat(shell.err())
                .startsWith("flipout: " + sentence + " " + run + ".")
                .contains("The disk is full (No space left on device): free some space")
                .contains("./flipout resume " + run + " goes on with it.")
                .hasLineCount(1);
        assertThat(shell.status()).isEqualTo(1);
        assertThat(run.resolve("summary.json")).doesNotExist();

        assertThat(resume(run).status()).isZero();
        Path whole = folder.resolve("whole");
        train(whole, "--sparsity", 0.9, "--epochs", 100);
        assertSame(run, whole);
    }

    @Test
    void whereNothingWasSavedNothingIsPromised() {
        Path run = folder.resolve("run");
        Failure failure = new RunFolder(run).interrupted("It stopped. ", new IOException("Fault."));
        assertThat(failure)
                .hasMessage(
                        "It stopped. Fault. Nothing was saved before: train again once that is"
                                + " mended.");
    }

    @Test
    void aRunThatCannotBeginLeavesNothing() throws IOException {
        assumeTrue(Files.exists(Path.of("/dev/full")));
        Path run = folder.resolve("run");
        Files.createDirectories(run);
        Files.createFile(run.resolve(".lock")); // Of an earlier run that could not begin.
        fill(run.resolve("config.yaml.tmp"));
        Shell shell = train(run, "--method", "none", "--epochs", 1, "--overwrite");
        assertThat(shell.err())
                .isEqualToNormalizingNewlines(
                        "flipout: The disk is full (No space left on device): free some space and"
                                + " run again.\n");
        assertThat(shell.status()).isEqualTo(1);
        assertThat(run).doesNotExist();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "model: lenet300 | model: lenet5 | another network",
                "method: flipout | method: random | The saved training has another method: flipout, where this one has random.",
                "seed: 1 | seed: 2 | The saved training has another seed: 1, where this one has 2.",
                "sparsity: 0.9 | sparsity: 0.8 | The saved training has another schedule: ",
            })
    void aCheckpointOfAnotherTrainingIsRefused(String was, String is, String difference)
            throws IOException {
        Path run = folder.resolve("run");
        stop(run, "--method", "flipout", "--sparsity", 0.9, "--epochs", 300);
        Path config = run.resolve("config.yaml");
        String text = Files.readString(config).replace("\"", "");
        assertThat(text).contains(was);
        Files.writeString(config, text.replace(was, is));
        List<String> rows = untimed(run);
        Shell shell = resume(run);
        assertThat(shell.err()).startsWith("flipout: ").contains(difference).hasLineCount(1);
        assertThat(shell.status()).isEqualTo(1);
        assertThat(untimed(run)).isEqualTo(rows);
    }

    /** Begun anew, the run would remove them. */
    @Test
    void checkpointsOfAnotherVersionAreRefusedAndKept() throws Exception {
        Path run = folder.resolve("run");
        stop(run, "--sparsity", 0.9, "--epochs", 300);
        for (Path file : checkpoints(run)) {
            byte[] bytes = Files.readAllBytes(file);
            String text = new String(bytes, StandardCharsets.ISO_8859_1);
            bytes =
                    text.replace("flipout-checkpoint 1", "flipout-checkpoint 2")
                            .getBytes(StandardCharsets.ISO_8859_1);
            int end = bytes.length - 32;
            byte[] checksum =
                    MessageDigest.getInstance("SHA-256").digest(Arrays.copyOf(bytes, end));
            System.arraycopy(checksum, 0, bytes, end, checksum.length);
            Files.write(file, bytes);
        }
        List<Path> before = checkpoints(run);
        Shell shell = resume(run);
        assertThat(shell.err())
                .contains("is a 'flipout-checkpoint 2', and this is for 'flipout-checkpoint 1'.")
                .contains("There is no other: remove " + run.resolve("checkpoints"));
        assertThat(shell.status()).isEqualTo(1);
        assertThat(checkpoints(run)).isEqualTo(before);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "--checkpoint often  | --checkpoint takes such as 1epoch, 500steps, 10min or none, not 'often'",
                "--checkpoint 0steps | --checkpoint takes such as",
                "--checkpoint 5miles | --checkpoint takes such as",
                "--max-time 5        | --max-time takes such as 90s, 25min, 2h or 5epochs, not '5'",
                "--max-time 0s       | --max-time takes such as",
                "--keep 0            | --keep must be at least 1",
            })
    void wrongUseIsOneSentence(String options, String sentence) {
        Shell shell = train(folder.resolve("run"), (Object[]) options.split(" "));
        assertThat(shell.err()).contains(sentence).doesNotContain("\tat ");
        assertThat(shell.status()).isEqualTo(2);
    }

    @Test
    void whatIsNoRunIsSaidToBeNone() {
        Shell shell = resume(folder);
        assertThat(shell.status()).isEqualTo(2);
        assertThat(shell.err()).contains(folder + " is no run: it has no config.yaml.");
    }

    @Test
    void onlySomeOptionsMayChange() {
        Shell shell = resume(folder, "--lr", 0.1);
        assertThat(shell.status()).isEqualTo(2);
        assertThat(shell.err())
                .contains("Unknown option '--lr'; there are --epochs, --device, --threads");
    }
}
