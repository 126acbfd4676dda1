package io.flipout.djl.data;

import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.stream.MemoryCacheImageInputStream;

/**
 * An image on disk, JPEG or PNG whatever its name says, read as PIL reads it: a colour is what the
 * file stores, without colour profiles, transparency and the turns that EXIF asks for.
 */
final class ImageFile {

    /** Endings of the names of images, in lower case. */
    static final List<String> ENDINGS = List.of(".jpg", ".jpeg", ".png");

    private static final byte[] JPEG = {(byte) 0xff, (byte) 0xd8, (byte) 0xff};
    private static final byte[] PNG = {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};

    /** Pixels that are decoded, more than any camera has. */
    private static final long LARGEST = 1 << 28;

    /** Bytes that are read. */
    private static final long LARGEST_FILE = 1 << 30;

    /** Bits of black and white pixels that a byte of a PNG can stand for, at the very most. */
    private static final long MOST_PER_BYTE = 8 * 1032;

    private static final String DAMAGED = "damaged";

    private ImageFile() {}

    /** Whether the name is that of an image. */
    static boolean isNamed(Path file) {
        String name = file.getFileName().toString().toLowerCase(Locale.ROOT);
        return ENDINGS.stream().anyMatch(name::endsWith);
    }

    /**
     * Decodes a file, unless that would take too much memory.
     *
     * @return the pixels, of type {@link BufferedImage#TYPE_INT_RGB}
     * @throws DataException if it is damaged, cut off or no image
     * @throws IOException if it cannot be read
     */
    static BufferedImage read(Path path) throws IOException {
        if (Files.size(path) > LARGEST_FILE) {
            throw new DataException(path + " is larger than any image: mend or remove it.");
        }
        byte[] file = Files.readAllBytes(path);
        try {
            if (startsWith(file, JPEG)) {
                return decode(path, file, "jpeg", new JpegImage(file)::decode);
            }
            if (startsWith(file, PNG)) {
                return decode(path, file, "png", new PngImage(file)::decode);
            }
        } catch (DataException e) {
            throw e;
        } catch (EOFException e) {
            throw undecodable(path, "cut off", e);
        } catch (IOException | RuntimeException e) {
            throw undecodable(path, DAMAGED + " (" + e.getMessage() + ")", e);
        }
        throw undecodable(path, file.length == 0 ? "empty" : "of another kind", null);
    }

    private static boolean startsWith(byte[] file, byte[] begin) {
        int length = Math.min(file.length, begin.length);
        return Arrays.equals(file, 0, length, begin, 0, begin.length);
    }

    /** Makes pixels of what a reader of Java's finds. */
    @FunctionalInterface
    private interface Decoder {
        BufferedImage decode(ImageReader reader) throws IOException;
    }

    private static BufferedImage decode(Path path, byte[] file, String format, Decoder decoder)
            throws IOException {
        ImageReader reader = ImageIO.getImageReadersByFormatName(format).next();
        try (MemoryCacheImageInputStream in =
                new MemoryCacheImageInputStream(new ByteArrayInputStream(file))) {
            reader.setInput(in, true, true);
            checkSize(path, file.length, reader.getWidth(0), reader.getHeight(0));
            return decoder.decode(reader);
        } finally {
            reader.dispose();
        }
    }

    private static void checkSize(Path path, long bytes, int width, int height)
            throws DataException {
        long pixels = (long) width * height;
        if (pixels > LARGEST || pixels > MOST_PER_BYTE * bytes) {
            throw new DataException(
                    String.format(
                            Locale.ROOT,
                            "%s claims %d×%d pixels, more than %s: mend or remove it.",
                            path,
                            width,
                            height,
                            pixels > LARGEST ? "are decoded" : "it has bytes for"));
        }
    }

    private static DataException undecodable(Path path, String why, Exception cause) {
        return new DataException(
                path
                        + " is no image that can be decoded (JPEG or PNG): it is "
                        + why.lines().findFirst().orElse(DAMAGED)
                        + "; mend or remove it.",
                cause);
    }
}
