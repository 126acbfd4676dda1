package io.flipout.cli.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.flipout.cli.Shell;
import io.flipout.cli.TinyData;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.jar.Attributes;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Comparisons on a Spark cluster come to what those on one machine do. */
class SparkPlacesTest {

    @TempDir private Path folder;
    private Path data;

    @BeforeEach
    void writeData() throws IOException {
        data = TinyData.write(folder.resolve("data"), 200, 100);
        // Only a build of this module alone leaves it out.
        assumeTrue(Files.exists(Cluster.HOME) || System.getenv("CI") != null);
        System.setProperty("flipout.spark", Cluster.HOME.toString());
    }

    @AfterEach
    void forgetSpark() {
        System.clearProperty("flipout.spark");
    }

    private Shell compare(Path out, Object... options) {
        List<Object> words = TinyData.command("compare", data, out, "--sparsities", "0.5");
        words.addAll(List.of("--threads", 1, "--epochs", 60));
        words.addAll(List.of(options));
        return Shell.run(words);
    }

    /** Everything in a table but times and speeds, which are in the columns of these numbers. */
    private static List<String> untimed(Path table, String columns) throws IOException {
        return Files.readAllLines(table).stream()
                .map(row -> row.replaceFirst(columns, ""))
                .toList();
    }

    /** What a comparison came to: the results, and what each run measured and was asked for. */
    private static Map<String, Object> outcome(Path out) throws IOException {
        Map<String, Object> outcome = new TreeMap<>();
        outcome.put("results", untimed(out.resolve("results.csv"), ",[^,]*,(?=[^,]*$)"));
        try (Stream<Path> runs = Files.list(out.resolve("runs"))) {
            for (Path run : runs.filter(Files::isDirectory).toList()) {
                String name = run.getFileName().toString();
                outcome.put(
                        name + " metrics", untimed(run.resolve("metrics.csv"), ",[^,]*,[^,]*$"));
                outcome.put(name + " config", Files.readString(run.resolve("config.yaml")));
                outcome.put(name + " weights", model(run));
            }
        }
        return outcome;
    }

    /** The last bytes of a model, which are its weights. */
    private static String model(Path run) throws IOException {
        byte[] bytes = Files.readAllBytes(run.resolve("model/lenet300-0000.params"));
        return String.format(Locale.ROOT, "%d %d", bytes.length, Arrays.hashCode(bytes));
    }

    private static List<String> entries(Path folder) throws IOException {
        try (Stream<Path> all = Files.list(folder)) {
            return all.map(path -> path.getFileName().toString()).sorted().toList();
        }
    }

    private static boolean hasCheckpoint(Path runs, String name) {
        try (Stream<Path> all = Files.walk(runs)) {
            return all.anyMatch(
                    path ->
                            path.toString().contains("." + name + "@")
                                    && path.toString().endsWith(".safetensors"));
        } catch (IOException | UncheckedIOException e) {
            return false; // It is not there yet, or was moved meanwhile.
        }
    }

    @Test
    void aWorkerKilledInTheMiddleCostsNothingButTime() throws Exception {
        Object[] methods = {"--methods", "random,global-magnitude", "--seeds", "1"};
        Path here = folder.resolve("here");
        assertThat(compare(here, methods).status()).isZero();

        Path out = folder.resolve("out");
        try (Cluster cluster = new Cluster(folder)) {
            Process worker = cluster.worker("worker-1", List.of());
            cluster.worker("worker-2", List.of());
            List<Object> spark = new ArrayList<>(List.of(methods));
            spark.addAll(List.of("--spark", cluster.address()));
            Supplier<Shell> comparison = () -> compare(out, spark.toArray());
            CompletableFuture<Shell> shell = CompletableFuture.supplyAsync(comparison);
            Path runs = out.resolve("runs");
            Cluster.await(
                    "both workers",
                    () ->
                            shell.isDone()
                                    || (hasCheckpoint(runs, "none-seed1")
                                            && hasCheckpoint(runs, "random-s0.5-seed1")));
            worker.destroyForcibly();
            Shell ended = shell.get(2, TimeUnit.MINUTES);
            assertThat(ended.status()).as(ended.err()).isZero();
            assertThat(ended.out())
                    .contains("3 runs, on " + cluster.address())
                    .contains("3 of 3 runs done")
                    .doesNotContain("INFO", "WARN");
            assertThat(ended.err()).doesNotContain("INFO", "WARN", "\tat ");
            assertThat(outcome(out)).isEqualTo(outcome(here));
            assertThat(entries(runs)).isEqualTo(entries(here.resolve("runs")));
            assertThat(
                            Files.readString(runs.resolve("none-seed1.log"))
                                    + Files.readString(runs.resolve("random-s0.5-seed1.log")))
                    .contains("Going on after epoch")
                    .doesNotContain("@");
        }
    }

    /** Nothing is shared: FlipOut and the images are sent, the runs come back. */
    @Test
    void whatIsNotSharedIsSent() throws Exception {
        Object[] methods = {"--methods", "random", "--no-dense", "--epochs", 3};
        Path here = folder.resolve("here");
        assertThat(compare(here, methods).status()).isZero();
        Path out = folder.resolve("out");
        List<Object> spark = new ArrayList<>(List.of(methods));
        spark.addAll(List.of("--spark", "local-cluster[1,1,1024]", "--ship", "flipout,data,runs"));
        Shell shell = compare(out, spark.toArray());
        assertThat(shell.status()).as(shell.err()).isZero();
        assertThat(outcome(out)).isEqualTo(outcome(here));
        assertThat(entries(out.resolve("runs"))).isEqualTo(entries(here.resolve("runs")));
        assertThat(out.resolve("runs/random-s0.5-seed1.log"))
                .content()
                .contains("The run is in " + out.resolve("runs/random-s0.5-seed1"));
    }

    /** As {@code spark-submit JAR compare ...} does it, and that is told of the run, too. */
    @Test
    void theJarMayBeSubmitted() throws Exception {
        Path home = Files.createDirectory(folder.resolve("home"));
        writeJarOfClassPath(home.resolve("flipout.jar"));
        Path out = folder.resolve("out");
        List<String> command = new ArrayList<>();
        command.add(ProcessHandle.current().info().command().orElse("java"));
        command.addAll(Cluster.OPTIONS);
        command.addAll(List.of("-cp", Cluster.HOME.resolve("jars") + "/*"));
        command.addAll(List.of("org.apache.spark.deploy.SparkSubmit", "--master", "local[1]"));
        command.addAll(List.of("--conf", "spark.flipout.home=" + home));
        command.add(Cluster.HOME.resolve("flipout-spark.jar").toString());
        TinyData.command("compare", data, out).forEach(word -> command.add(word.toString()));
        command.addAll(List.of("--methods", "random", "--no-dense", "--sparsities", "0.5"));
        command.addAll(List.of("--epochs", "2"));
        Path log = folder.resolve("submission.log");
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        Process submission = builder.redirectOutput(log.toFile()).start();
        assertThat(submission.waitFor(2, TimeUnit.MINUTES)).isTrue();
        assertThat(submission.exitValue()).as(Files.readString(log)).isZero();
        assertThat(log).content().contains("1 runs, on local[1]", "1 of 1 runs done");
        assertThat(out.resolve("runs/random-s0.5-seed1.log"))
                .content()
                .as("as ./flipout starts it")
                .contains("incubator modules: jdk.incubator.vector");
    }

    /** A jar that stands for all that this test is started with. */
    private static void writeJarOfClassPath(Path jar) throws IOException {
        Manifest manifest = new Manifest();
        String entries =
                Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator, -1))
                        .map(entry -> Path.of(entry).toUri().toString())
                        .collect(Collectors.joining(" "));
        manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
        manifest.getMainAttributes().put(Attributes.Name.CLASS_PATH, entries);
        new JarOutputStream(Files.newOutputStream(jar), manifest).close();
    }

    /** The driver is the child of this process that Spark's jars are in. */
    @Test
    void aDriverThatIsKilledIsNoFailureOfItsRuns() throws Exception {
        Path out = folder.resolve("out");
        Object[] options = {"--methods", "random", "--no-dense", "--spark", "local[1]"};
        CompletableFuture<Shell> shell = CompletableFuture.supplyAsync(() -> compare(out, options));
        Path runs = out.resolve("runs");
        Cluster.await("the run", () -> shell.isDone() || hasCheckpoint(runs, "random-s0.5-seed1"));
        ProcessHandle.current()
                .children()
                .filter(child -> child.info().toString().contains("SparkSubmit"))
                .forEach(ProcessHandle::destroyForcibly);
        Shell ended = shell.get(1, TimeUnit.MINUTES);
        assertThat(ended.status()).isEqualTo(1);
        assertThat(ended.err())
                .contains("flipout: Spark has ended; see " + out.resolve("spark.log"))
                .contains("The same command goes on.");
        assertThat(ended.out()).doesNotContain("failed");
        assertThat(runs.resolve("random-s0.5-seed1.failed")).doesNotExist();
        Shell again = compare(out, "--methods", "random", "--no-dense");
        assertThat(again.status()).as(again.err()).isZero();
        assertThat(runs.resolve("random-s0.5-seed1.log"))
                .content()
                .contains("Going on after epoch");
    }

    @Test
    void whatIsMissingIsNamed() throws Exception {
        Path out = folder.resolve("out");
        int free;
        try (ServerSocket socket = new ServerSocket(0)) {
            free = socket.getLocalPort();
        }
        String master = "spark://127.0.0.1:" + free;
        Shell none = compare(out, "--methods", "random", "--spark", master);
        assertThat(none.status()).isEqualTo(1);
        assertThat(none.err())
                .isEqualTo(
                        "flipout: No Spark master answers at "
                                + master
                                + " (Connection refused): start one there by ./flipout spark"
                                + " master, or give another --spark."
                                + System.lineSeparator());
        System.clearProperty("flipout.spark");
        assertThat(compare(out, "--methods", "random", "--spark", master).err())
                .contains("flipout: Spark is not here: './flipout compare'")
                .doesNotContain("\tat ");
    }
}
