package io.flipout.cli.spark;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** A standalone cluster of Spark's own processes on the loopback interface. */
final class Cluster implements AutoCloseable {

    /** What the build of flipout-cli/spark leaves. */
    static final Path HOME = Path.of("spark", "target", "spark").toAbsolutePath();

    /** Options of Java that Spark asks for, and for a quick start. */
    static final List<String> OPTIONS =
            Stream.concat(
                            Stream.of("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"),
                            Stream.of(
                                            "java.lang",
                                            "java.lang.invoke",
                                            "java.nio",
                                            "java.util",
                                            "sun.nio.ch")
                                    .map(name -> "--add-opens=java.base/" + name)
                                    .map(option -> option + "=ALL-UNNAMED"))
                    .toList();

    private static final Pattern MASTER =
            Pattern.compile("Starting Spark master at (spark://\\S+)");
    private static final int SECONDS = 120;

    private final Path folder;
    private final List<Process> processes = new ArrayList<>();
    private final String address;

    Cluster(Path folder) throws Exception {
        this.folder = folder;
        Path log = folder.resolve("master.log");
        start(log, List.of(), List.of("master.Master", "--host", "127.0.0.1", "--port", "0"));
        await("the master", () -> MASTER.matcher(Files.readString(log)).find());
        Matcher found = MASTER.matcher(Files.readString(log));
        assertThat(found.find()).isTrue();
        address = found.group(1);
    }

    String address() {
        return address;
    }

    /**
     * Starts a worker of one core.
     *
     * @param prefix a command that the worker is started by
     * @param options options of the worker
     */
    Process worker(String name, List<String> prefix, String... options) throws Exception {
        List<String> words =
                new ArrayList<>(List.of("worker.Worker", "--host", "127.0.0.1", "--cores", "1"));
        words.addAll(List.of("--memory", "600m", "--work-dir", folder.resolve(name).toString()));
        words.addAll(List.of(options));
        words.add(address);
        Path log = folder.resolve(name + ".log");
        Process worker = start(log, prefix, words);
        await(name, () -> Files.readString(log).contains("Successfully registered with master"));
        return worker;
    }

    private Process start(Path log, List<String> prefix, List<String> words) throws IOException {
        List<String> command = new ArrayList<>(prefix);
        command.add(ProcessHandle.current().info().command().orElse("java"));
        command.add("-Xmx256m");
        command.addAll(OPTIONS);
        command.addAll(List.of("-cp", HOME.resolve("jars") + "/*"));
        command.add("org.apache.spark.deploy." + words.get(0));
        command.addAll(words.subList(1, words.size()));
        command.addAll(List.of("--webui-port", "0"));
        // Options come before the address of the master.
        if (words.get(0).startsWith("worker")) {
            command.remove(address);
            command.add(address);
        }
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().put("SPARK_HOME", HOME.toString());
        builder.environment().put("SPARK_SCALA_VERSION", "2.13");
        Process process = builder.redirectErrorStream(true).redirectOutput(log.toFile()).start();
        processes.add(process);
        return process;
    }

    /** Something that becomes true after a while. */
    @FunctionalInterface
    interface Condition {
        boolean holds() throws IOException;
    }

    static void await(String what, Condition condition) throws Exception {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
        while (!condition.holds()) {
            assertThat(System.nanoTime()).as(what).isLessThan(deadline);
            Thread.sleep(50);
        }
    }

    @Override
    public void close() {
        for (Process process : processes) {
            try (Stream<ProcessHandle> children = process.descendants()) {
                children.forEach(ProcessHandle::destroyForcibly);
            }
            process.destroyForcibly();
        }
    }
}
