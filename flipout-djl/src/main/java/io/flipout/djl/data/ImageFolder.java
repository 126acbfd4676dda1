package io.flipout.djl.data;

import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.stream.ImageInputStream;

/**
 * A folder of images: {@code train/CLASS/*} and {@code val/CLASS/*}, JPEG or PNG.
 *
 * <p>Classes are the folders of {@code train} in alphabetical order, also for {@code val}, which
 * may lack some. Every image is scaled to one size, whatever its aspect; grey ones get three
 * channels.
 */
final class ImageFolder {

    private static final List<String> SUFFIXES = List.of(".jpg", ".jpeg", ".png");

    private static final List<String> FORMATS = List.of("jpeg", "png");

    /** Pixels that are decoded, more than any camera has. */
    private static final long LARGEST = 1 << 28;

    /** Bits of black and white pixels that a byte of a PNG can stand for, at the very most. */
    private static final long MOST_PER_BYTE = 8 * 1032;

    /** Mixes the classes, the same way every time, so that the first N images are of all. */
    private static final long MIX = 10;

    private ImageFolder() {}

    /** Reads the images of {@code root/split}. */
    static ImageSet read(Path root, String split, int side) throws IOException {
        Path train = root.resolve("train");
        Path folder = root.resolve(split);
        for (Path needed : List.of(train, folder)) {
            if (!Files.isDirectory(needed)) {
                throw new DataException(
                        "There is no folder "
                                + needed
                                + ": images are expected as train/CLASS/*.jpg and"
                                + " val/CLASS/*.jpg (or .jpeg, .png) in "
                                + root
                                + ".");
            }
        }
        List<String> classes = folders(train);
        List<Path> files = new ArrayList<>();
        List<Integer> labels = new ArrayList<>();
        for (String name : folders(folder)) {
            int label = classes.indexOf(name);
            if (label < 0) {
                throw new DataException(
                        folder.resolve(name)
                                + " is a class that the training images do not have; they have "
                                + classes
                                + ".");
            }
            for (Path file : images(folder.resolve(name))) {
                files.add(file);
                labels.add(label);
            }
        }
        if (files.isEmpty()) {
            throw new DataException(
                    folder + " holds no images (.jpg, .jpeg, .png) in folders of classes.");
        }
        Collections.shuffle(files, new Random(MIX));
        Collections.shuffle(labels, new Random(MIX));
        return decode(files, labels, classes, side);
    }

    private static ImageSet decode(
            List<Path> files, List<Integer> labels, List<String> classes, int side)
            throws IOException {
        ImageIO.setUseCache(false);
        byte[][] images = new byte[files.size()][];
        try {
            IntStream.range(0, images.length)
                    .parallel()
                    .forEach(
                            i -> {
                                try {
                                    images[i] = decode(files.get(i), side);
                                } catch (IOException e) {
                                    throw new UncheckedIOException(e);
                                }
                            });
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
        int[] label = labels.stream().mapToInt(Integer::intValue).toArray();
        return new ImageSet(images, label, 3, side, side, classes);
    }

    private static byte[] decode(Path file, int side) throws IOException {
        int[] rgb = resize(pixels(file), side).getRGB(0, 0, side, side, null, 0, side);
        byte[] bytes = new byte[3 * rgb.length];
        for (int i = 0; i < rgb.length; i++) {
            bytes[i] = (byte) (rgb[i] >> 16);
            bytes[rgb.length + i] = (byte) (rgb[i] >> 8);
            bytes[2 * rgb.length + i] = (byte) rgb[i];
        }
        return bytes;
    }

    /** Decodes a file, whatever its name says it is, unless that would take too much memory. */
    private static BufferedImage pixels(Path file) throws IOException {
        try (ImageInputStream in = ImageIO.createImageInputStream(file.toFile())) {
            Iterator<ImageReader> readers = ImageIO.getImageReaders(in);
            while (readers.hasNext()) {
                ImageReader reader = readers.next();
                try {
                    if (FORMATS.contains(reader.getFormatName().toLowerCase(Locale.ROOT))) {
                        reader.setInput(in, true, true);
                        checkSize(file, reader.getWidth(0), reader.getHeight(0));
                        return reader.read(0);
                    }
                } finally {
                    reader.dispose();
                }
            }
        } catch (DataException e) {
            throw e;
        } catch (IOException | RuntimeException e) {
            throw undecodable(file, e);
        }
        throw undecodable(file, null);
    }

    private static void checkSize(Path file, int width, int height) throws IOException {
        long pixels = (long) width * height;
        if (pixels > LARGEST || pixels > MOST_PER_BYTE * Files.size(file)) {
            throw new DataException(
                    String.format(
                            Locale.ROOT,
                            "%s claims %d×%d pixels, more than %s: mend or remove it.",
                            file,
                            width,
                            height,
                            pixels > LARGEST ? "are decoded" : "it has bytes for"));
        }
    }

    private static DataException undecodable(Path file, Exception cause) {
        return new DataException(
                file + " is no image that can be decoded (JPEG or PNG): mend or remove it.", cause);
    }

    /** Halves the image while it is more than twice too large, so that no pixel is skipped. */
    private static BufferedImage resize(BufferedImage image, int side) {
        BufferedImage current = image;
        while (true) {
            int width = step(current.getWidth(), side);
            int height = step(current.getHeight(), side);
            BufferedImage next = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
            Graphics2D graphics = next.createGraphics();
            graphics.setRenderingHint(
                    RenderingHints.KEY_INTERPOLATION, RenderingHints.VALUE_INTERPOLATION_BILINEAR);
            graphics.drawImage(current, 0, 0, width, height, null);
            graphics.dispose();
            current = next;
            if (width == side && height == side) {
                return current;
            }
        }
    }

    private static int step(int length, int target) {
        return length > 2 * target ? (length + 1) / 2 : target;
    }

    private static List<String> folders(Path root) throws IOException {
        try (Stream<Path> entries = Files.list(root)) {
            return entries.filter(Files::isDirectory)
                    .map(path -> path.getFileName().toString())
                    .sorted()
                    .toList();
        }
    }

    private static List<Path> images(Path folder) throws IOException {
        try (Stream<Path> entries = Files.list(folder)) {
            return entries.filter(ImageFolder::isImage).sorted().toList();
        }
    }

    private static boolean isImage(Path file) {
        String name = file.getFileName().toString().toLowerCase(Locale.ROOT);
        return SUFFIXES.stream().anyMatch(name::endsWith);
    }
}
