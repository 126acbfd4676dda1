package io.flipout.spark;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.zip.ZipOutputStream;
import org.apache.spark.api.java.JavaSparkContext;

/**
 * What a run takes to be the same on any machine: names and digests of what machines share with the
 * command's, and files that Spark carries to them of what they do not.
 */
final class Shipment {

    private final JavaSparkContext spark;

    Shipment(JavaSparkContext spark) {
        this.spark = spark;
    }

    /**
     * Returns what all tasks are given.
     *
     * @param values what the command has said, by the first word of each line
     * @param threads the threads of a run
     * @throws IOException if something cannot be read or packed
     */
    Setup setup(Map<String, List<String>> values, int threads) throws IOException {
        Set<String> ship = new HashSet<>(values.get("ship"));
        Path temporary = Files.createTempDirectory("flipout-ship-");
        try {
            List<Setup.Part> classPath = new ArrayList<>();
            for (String entry : values.get("classpath")) {
                Path path = Path.of(entry);
                if (!ship.contains("flipout")) {
                    classPath.add(new Setup.Part(entry, Contents.classes(path), ""));
                } else if (Files.isDirectory(path)) {
                    classPath.add(ship(entry, pack(path, "", temporary, "jar")));
                } else {
                    classPath.add(ship(entry, path));
                }
            }
            List<Setup.Part> inputs = new ArrayList<>();
            for (String input : values.get("inputs")) {
                Path path = Path.of(input);
                inputs.add(
                        ship.contains("data")
                                ? ship(
                                        input,
                                        pack(
                                                path,
                                                path.getFileName()
                                                        + (Files.isDirectory(path) ? "/" : ""),
                                                temporary,
                                                "zip"))
                                : new Setup.Part(input, Contents.listing(path), ""));
            }
            Map<String, String> environment = new LinkedHashMap<>();
            for (String variable : values.get("environment")) {
                int sign = variable.indexOf('=');
                environment.put(variable.substring(0, sign), variable.substring(sign + 1));
            }
            return new Setup(
                    Runtime.version().feature(),
                    values.get("main").get(0),
                    List.copyOf(classPath),
                    values.get("home").get(0),
                    List.copyOf(values.get("options")),
                    environment,
                    values.get("directory").get(0),
                    List.copyOf(inputs),
                    values.get("runs").get(0),
                    ship.contains("runs") ? "" : values.get("token").get(0),
                    threads);
        } finally {
            Runtime.getRuntime().addShutdownHook(new Thread(() -> forget(temporary)));
        }
    }

    private static void forget(Path temporary) {
        try {
            Contents.delete(temporary);
        } catch (IOException e) {
            // The system clears its temporary files.
        }
    }

    private Setup.Part ship(String path, Path file) throws IOException {
        String name = file.getFileName().toString();
        spark.addFile(file.toUri().toString());
        return new Setup.Part(path, Contents.sha256(file), name);
    }

    private static Path pack(Path path, String prefix, Path temporary, String ending)
            throws IOException {
        Path file = Files.createTempFile(temporary, "part-", "." + ending);
        try (OutputStream bytes = Files.newOutputStream(file);
                ZipOutputStream zip = new ZipOutputStream(bytes)) {
            Contents.pack(path, prefix, zip);
        }
        return file;
    }
}
