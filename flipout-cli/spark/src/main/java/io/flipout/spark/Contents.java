package io.flipout.spark;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.FileVisitOption;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.Deflater;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipFile;
import java.util.zip.ZipInputStream;
import java.util.zip.ZipOutputStream;

/** What files and folders hold: digests of it, and archives. */
final class Contents {

    private Contents() {}

    /** Returns the SHA-256 of a file. */
    static String sha256(Path file) throws IOException {
        MessageDigest digest = digest();
        try (InputStream in = new DigestInputStream(Files.newInputStream(file), digest)) {
            in.transferTo(OutputStream.nullOutputStream());
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    /**
     * Returns a digest of the names and sizes of all files below a path, or of the size of a file,
     * which takes no reading of them.
     */
    static String listing(Path path) throws IOException {
        List<String> lines = new ArrayList<>();
        for (Path file : files(path)) {
            lines.add(path.relativize(file) + "\t" + Files.size(file));
        }
        return sha256(lines);
    }

    /**
     * Returns a digest of what is in a jar or a folder of classes: the same for every build of the
     * same sources, whenever that was.
     */
    static String classes(Path path) throws IOException {
        List<String> lines = new ArrayList<>();
        if (Files.isDirectory(path)) {
            for (Path file : files(path)) {
                lines.add(path.relativize(file) + "\t" + sha256(file));
            }
            return sha256(lines);
        }
        try (ZipFile jar = new ZipFile(path.toFile())) {
            jar.stream().forEach(entry -> lines.add(entry.getName() + "\t" + entry.getCrc()));
        } catch (ZipException e) {
            lines.add(sha256(path)); // It is no jar.
        }
        return sha256(lines);
    }

    private static String sha256(List<String> lines) {
        MessageDigest digest = digest();
        Collections.sort(lines);
        lines.forEach(line -> digest.update((line + "\n").getBytes(UTF_8)));
        return HexFormat.of().formatHex(digest.digest());
    }

    private static MessageDigest digest() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e); // Every JDK has it.
        }
    }

    /** Lists the files below a path, or the path if it is one, in an order of their names. */
    private static List<Path> files(Path path) throws IOException {
        try (Stream<Path> tree = Files.walk(path, FileVisitOption.FOLLOW_LINKS)) {
            return tree.filter(Files::isRegularFile).sorted().toList();
        }
    }

    /**
     * Puts files into an archive.
     *
     * @param path a folder, whose files are put in by their names in it, or a file
     * @param prefix what comes before the names
     */
    static void pack(Path path, String prefix, ZipOutputStream zip) throws IOException {
        zip.setLevel(Deflater.BEST_SPEED);
        for (Path file : files(path)) {
            String name = path.equals(file) ? "" : path.relativize(file).toString();
            zip.putNextEntry(new ZipEntry(prefix + name));
            Files.copy(file, zip);
            zip.closeEntry();
        }
    }

    /** Takes everything out of an archive into a folder. */
    static void unpack(InputStream archive, Path folder) throws IOException {
        try (ZipInputStream zip = new ZipInputStream(archive)) {
            for (ZipEntry entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
                Path file = folder.resolve(entry.getName()).normalize();
                if (!file.startsWith(folder)) {
                    throw new ZipException(entry.getName() + " does not lie in its archive.");
                }
                Files.createDirectories(file.getParent());
                Files.copy(zip, file);
            }
        }
    }

    /** Deletes a file or a whole folder, if it is there. */
    static void delete(Path path) throws IOException {
        if (!Files.exists(path)) {
            return;
        }
        try (Stream<Path> tree = Files.walk(path)) {
            for (Path entry : tree.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(entry);
            }
        }
    }
}
