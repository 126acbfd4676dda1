package io.flipout.djl.data;

import ai.djl.util.Utils;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * Debian's package {@code dataset-fashion-mnist}: its files where it is installed, else downloaded
 * and unpacked into the user's cache, which needs no root.
 */
final class DebianPackage {

    private static final String NAME = "dataset-fashion-mnist";
    private static final String FILES = "usr/share/datasets/fashion-mnist";
    private static final int MINUTES = 10;

    private DebianPackage() {}

    /** Returns the folder of the files; empty if this is no Debian, or it has no such package. */
    static Optional<Path> find(Consumer<String> log) throws IOException {
        Path installed = Path.of("/").resolve(FILES);
        if (Files.isDirectory(installed)) {
            return Optional.of(installed);
        }
        Path cache = Utils.getCacheDir().resolve("flipout").resolve(NAME);
        if (Files.isDirectory(cache.resolve(FILES))) {
            return Optional.of(cache.resolve(FILES));
        }
        log.accept("Downloading Debian's package " + NAME + " (31 MB) to " + cache + ".");
        Path temporary = temporary(cache.getParent());
        try {
            if (!run(temporary, "apt-get", "-qq", "download", NAME)) {
                return Optional.empty();
            }
            try (Stream<Path> files = Files.list(temporary)) {
                Optional<Path> archive =
                        files.filter(f -> f.toString().endsWith(".deb")).findFirst();
                if (archive.isEmpty()) {
                    return Optional.empty();
                }
                Path unpacked = temporary.resolve("unpacked");
                if (!run(
                        temporary,
                        "dpkg-deb",
                        "-x",
                        archive.get().toString(),
                        unpacked.toString())) {
                    return Optional.empty();
                }
                Files.move(unpacked, cache);
            }
            return Optional.of(cache.resolve(FILES));
        } finally {
            delete(temporary);
        }
    }

    /** Makes a folder to unpack in. */
    static Path temporary(Path folder) throws DataException {
        try {
            Files.createDirectories(folder);
            return Files.createTempDirectory(folder, "unpacking-");
        } catch (IOException e) {
            throw new DataException(
                    "Nothing can be written into DJL's cache folder "
                            + folder
                            + " ("
                            + e.getMessage()
                            + "): point DJL_CACHE_DIR to another, or install the package "
                            + NAME
                            + ".",
                    e);
        }
    }

    private static boolean run(Path folder, String... command) throws IOException {
        try {
            Process process =
                    new ProcessBuilder(List.of(command))
                            .directory(folder.toFile())
                            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                            .redirectError(ProcessBuilder.Redirect.DISCARD)
                            .start();
            if (!process.waitFor(MINUTES, TimeUnit.MINUTES)) {
                process.destroyForcibly();
                return false;
            }
            return process.exitValue() == 0;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        } catch (IOException e) {
            return false; // No such program: this is no Debian.
        }
    }

    private static void delete(Path folder) throws IOException {
        try (Stream<Path> tree = Files.walk(folder)) {
            for (Path path : tree.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }
}
