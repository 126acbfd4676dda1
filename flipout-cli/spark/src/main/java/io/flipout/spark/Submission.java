package io.flipout.spark;

import java.io.File;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.logging.log4j.Level;
import org.apache.logging.log4j.core.config.Configurator;
import org.apache.spark.SparkConf;
import org.apache.spark.util.SignalUtils;

/** A comparison that {@code spark-submit} was given: its command is a process of its own. */
final class Submission {

    /** Where FlipOut's jars are, if not beside the folder of this jar. */
    private static final String HOME = "spark.flipout.home";

    private static final long POLL_MILLIS = 50;

    /** What FlipOut finds in its environment where {@code ./flipout} starts it. */
    private static final Map<String, String> ENVIRONMENT =
            Map.of("OMP_WAIT_POLICY", "passive", "OPT_OUT_TRACKING", "true");

    private Submission() {}

    /**
     * Runs a command.
     *
     * @param words the words of a {@code flipout compare}
     * @return its status
     */
    static int run(String[] words) throws IOException, InterruptedException {
        Configurator.setRootLevel(Level.OFF);
        if (words.length == 0 || !words[0].equals("compare")) {
            System.err.println(
                    "flipout: Spark runs comparisons: give it 'compare' and its options.");
            return 2;
        }
        SparkConf conf = new SparkConf();
        Path home = home(conf);
        if (!Files.isDirectory(home)) {
            System.err.println(
                    "flipout: There is no FlipOut in "
                            + home
                            + ": build it by './flipout spark jar', or give --conf "
                            + HOME
                            + "=DIR.");
            return 1;
        }
        Path folder = Files.createTempDirectory("flipout-");
        Path socket = folder.resolve("socket");
        try {
            ProcessBuilder builder = new ProcessBuilder(command(conf, home, socket, words));
            ENVIRONMENT.forEach(builder.environment()::putIfAbsent);
            Process command = builder.inheritIO().start();
            SignalUtils.register(
                    "TERM",
                    () -> {
                        command.toHandle().destroy();
                        return true;
                    });
            while (!Files.exists(socket) && command.isAlive()) {
                command.waitFor(POLL_MILLIS, TimeUnit.MILLISECONDS);
            }
            if (Files.exists(socket)) {
                Driver.serve(socket);
            }
            return command.waitFor();
        } finally {
            Contents.delete(folder);
        }
    }

    private static List<String> command(SparkConf conf, Path home, Path socket, String[] words) {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(options(Runtime.version().feature()));
        command.add("-Dflipout.spark.socket=" + socket);
        command.add("-Dflipout.home=" + home);
        command.addAll(List.of("-cp", home + File.separator + "*", "io.flipout.cli.Main"));
        command.addAll(List.of(words));
        command.add("--spark=" + conf.get("spark.master"));
        return command;
    }

    /** Options that Java starts FlipOut with, here and for each training. */
    private static List<String> options(int java) {
        List<String> options = new ArrayList<>(List.of("--add-modules=jdk.incubator.vector"));
        if (java >= 24) {
            options.add("--enable-native-access=ALL-UNNAMED");
            options.add("--sun-misc-unsafe-memory-access=allow");
        }
        String own = System.getenv().getOrDefault("FLIPOUT_JAVA_OPTIONS", "").trim();
        if (!own.isEmpty()) {
            options.addAll(List.of(own.split("\\s+", -1)));
        }
        return options;
    }

    private static Path home(SparkConf conf) throws IOException {
        if (conf.contains(HOME)) {
            return Path.of(conf.get(HOME));
        }
        try {
            Path jar =
                    Path.of(
                            Submission.class
                                    .getProtectionDomain()
                                    .getCodeSource()
                                    .getLocation()
                                    .toURI());
            return jar.toAbsolutePath().resolveSibling("../cpu").normalize();
        } catch (URISyntaxException e) {
            throw new IOException(e);
        }
    }
}
