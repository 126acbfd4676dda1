package io.flipout.cli.spark;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.flipout.cli.terminal.Failure;
import java.io.File;
import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Spark's driver, in a process of its own, whose log is a file. */
final class SparkProcess {

    /** The folder where Spark is. */
    static final String HOME = "flipout.spark";

    private static final long PATIENCE_SECONDS = 40;

    private final Process process;
    private final Path log;

    private SparkProcess(Process process, Path log) {
        this.process = process;
        this.log = log;
    }

    /** Starts it for a command that listens on a socket. */
    static SparkProcess start(String master, List<String> settings, Path socket, Path log)
            throws IOException {
        String folder = System.getProperty(HOME);
        if (folder == null || !Files.isDirectory(Path.of(folder, "jars"))) {
            throw Failure.misuse(
                    "Spark is not here: './flipout compare', which fetches it, or spark-submit is"
                            + " to start a comparison with --spark.");
        }
        Path home = Path.of(folder);
        List<String> command = new ArrayList<>();
        command.add(ProcessHandle.current().info().command().orElse("java"));
        command.addAll(moduleOptions(home));
        // It starts faster so, and has little to compute.
        command.addAll(List.of("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"));
        command.addAll(List.of("-cp", classPath(home), "org.apache.spark.deploy.SparkSubmit"));
        command.addAll(List.of("--master", master, "--deploy-mode", "client"));
        for (String setting : settings) {
            command.addAll(List.of("--conf", setting));
        }
        command.addAll(List.of("--class", "io.flipout.spark.Driver"));
        command.addAll(List.of(home.resolve("flipout-spark.jar").toString(), "--socket"));
        command.add(socket.toString());
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().put("SPARK_HOME", home.toString());
        builder.environment().put("SPARK_SCALA_VERSION", "2.13");
        builder.redirectErrorStream(true).redirectOutput(Redirect.to(log.toFile()));
        return new SparkProcess(builder.start(), log);
    }

    private static String classPath(Path home) {
        List<String> entries = new ArrayList<>();
        for (String name : List.of("SPARK_CONF_DIR", "HADOOP_CONF_DIR", "YARN_CONF_DIR")) {
            String folder = System.getenv(name);
            if (folder != null && !folder.isEmpty()) {
                entries.add(folder);
            }
        }
        entries.add(home.resolve("jars") + File.separator + "*");
        return String.join(File.pathSeparator, entries);
    }

    /** Asks Spark which options it needs of Java. */
    private static List<String> moduleOptions(Path home) throws IOException {
        List<URL> jars = new ArrayList<>();
        try (DirectoryStream<Path> found =
                Files.newDirectoryStream(home.resolve("jars"), "spark-launcher*.jar")) {
            for (Path jar : found) {
                jars.add(jar.toUri().toURL());
            }
        }
        try (URLClassLoader loader = new URLClassLoader(jars.toArray(URL[]::new))) {
            Object options =
                    loader.loadClass("org.apache.spark.launcher.JavaModuleOptions")
                            .getMethod("defaultModuleOptionArray")
                            .invoke(null);
            return Arrays.asList((String[]) options);
        } catch (ReflectiveOperationException e) {
            throw Failure.of("Spark in " + home + " is not whole: build it anew.", e);
        }
    }

    /** Calls something when the process has ended. */
    void onExit(Runnable action) {
        Thread watcher =
                new Thread(
                        () -> {
                            try {
                                process.waitFor();
                                action.run();
                            } catch (InterruptedException e) {
                                Thread.currentThread().interrupt();
                            }
                        },
                        "spark-exit");
        watcher.setDaemon(true);
        watcher.start();
    }

    /** Says what its log tells of why it ended. */
    String fault() {
        String reason = "";
        try {
            reason =
                    new String(Files.readAllBytes(log), UTF_8)
                            .lines()
                            .filter(line -> line.matches("(Exception in thread .*|Error: .*)"))
                            .map(line -> line.replaceFirst("^(Exception in .*?: |Error: )", ""))
                            .reduce((first, second) -> second)
                            .orElse("");
        } catch (IOException e) {
            // The sentence names the log.
        }
        return "Spark has ended" + (reason.isEmpty() ? "" : " (" + reason + ")") + "; see " + log;
    }

    /** Waits until it has ended by itself, and ends it if it does not. */
    void close() {
        try {
            if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }
}
