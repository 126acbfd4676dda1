package io.flipout.djl.data;

import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;

/** MNIST's file format: a magic number, dimensions, bytes (LeCun, Cortes and Burges, 1998). */
final class IdxFile {

    private static final int IMAGES = 0x0803;
    private static final int LABELS = 0x0801;
    private static final int LARGEST = 10_000_000;

    private IdxFile() {}

    /** Opens one of the two files of a set. */
    interface Source {
        /** Opens the file, unpacked. */
        InputStream open() throws IOException;

        /** Names it in messages. */
        String name();
    }

    /** Reads images and their labels. */
    static ImageSet read(Source images, Source labels, List<String> classes) throws IOException {
        byte[][] pixels;
        int height;
        int width;
        try (DataInputStream in = open(images, IMAGES)) {
            int count = dimension(in, images);
            height = dimension(in, images);
            width = dimension(in, images);
            if ((long) height * width > LARGEST) {
                throw damaged(images, "claims images of " + height + "×" + width + " pixels");
            }
            List<byte[]> read = new ArrayList<>(); // It grows: there may be fewer than it says.
            for (int i = 0; i < count; i++) {
                read.add(bytes(in, height * width, images));
            }
            checkEnd(in, images);
            pixels = read.toArray(byte[][]::new);
        } catch (EOFException e) {
            throw damaged(images, "is truncated");
        } catch (ZipException e) {
            throw damaged(images, "cannot be unpacked (" + e.getMessage() + ")");
        }
        try (DataInputStream in = open(labels, LABELS)) {
            int count = dimension(in, labels);
            byte[] values = bytes(in, count, labels);
            checkEnd(in, labels);
            if (count != pixels.length) {
                throw damaged(
                        labels,
                        "holds "
                                + count
                                + " labels for the "
                                + pixels.length
                                + " images of "
                                + images.name());
            }
            int[] label = new int[count];
            for (int i = 0; i < count; i++) {
                label[i] = values[i] & 0xff;
                if (label[i] >= classes.size()) {
                    throw damaged(
                            labels,
                            "gives image "
                                    + i
                                    + " the label "
                                    + label[i]
                                    + ", out of 0 to "
                                    + (classes.size() - 1));
                }
            }
            return new ImageSet(pixels, label, 1, height, width, classes);
        } catch (EOFException e) {
            throw damaged(labels, "is truncated");
        } catch (ZipException e) {
            throw damaged(labels, "cannot be unpacked (" + e.getMessage() + ")");
        }
    }

    private static DataInputStream open(Source source, int magic) throws IOException {
        InputStream in = source.open();
        try {
            DataInputStream data = new DataInputStream(in);
            int found = data.readInt();
            if (found != magic) {
                throw damaged(
                        source,
                        String.format(
                                Locale.ROOT,
                                "begins with %08x, not with the %08x of %s",
                                found,
                                magic,
                                magic == IMAGES ? "images" : "labels"));
            }
            return data;
        } catch (IOException | RuntimeException e) {
            in.close();
            if (e instanceof EOFException) {
                throw damaged(source, "is truncated");
            }
            throw e;
        }
    }

    private static int dimension(DataInputStream in, Source source) throws IOException {
        int value = in.readInt();
        if (value < 1 || value > LARGEST) {
            throw damaged(source, "claims a dimension of " + value);
        }
        return value;
    }

    private static byte[] bytes(DataInputStream in, int count, Source source) throws IOException {
        byte[] bytes = in.readNBytes(count);
        if (bytes.length != count) {
            throw damaged(source, "is truncated");
        }
        return bytes;
    }

    private static void checkEnd(DataInputStream in, Source source) throws IOException {
        if (in.read() != -1) {
            throw damaged(source, "goes on after its last value");
        }
    }

    private static DataException damaged(Source source, String fault) {
        return new DataException(
                source.name() + " " + fault + ": get the file anew or point --data elsewhere.");
    }

    /** Unpacks a stream that begins like gzip, leaves any other, and closes one that is neither. */
    static InputStream unpacked(InputStream in) throws IOException {
        try {
            in.mark(2);
            byte[] head = in.readNBytes(2);
            in.reset();
            boolean gzip = Arrays.equals(head, new byte[] {0x1f, (byte) 0x8b});
            return gzip ? new GZIPInputStream(in, 1 << 16) : in;
        } catch (IOException e) {
            in.close();
            throw e;
        }
    }
}
