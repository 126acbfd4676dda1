package io.flipout.djl.data;

import java.awt.image.BufferedImage;
import java.awt.image.Raster;
import java.io.EOFException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import javax.imageio.ImageReader;
import javax.imageio.event.IIOReadWarningListener;

/**
 * A JPEG file. Its components are turned into colours by the rules of libjpeg, as PIL does it,
 * whatever the file says of colour profiles; Java's own reader makes colours of some kinds of files
 * only, and others brighter than they are.
 */
final class JpegImage {

    private static final int END = 0xd9;
    private static final int SCAN = 0xda;
    private static final int APP0 = 0xe0;
    private static final int APP14 = 0xee;

    /** What the Adobe marker says of the components. */
    private static final int UNTRANSFORMED = 0;

    private static final int NO_ADOBE = -1;

    private final byte[] file;
    private boolean hasJfif;
    private int adobe = NO_ADOBE;
    private int[] components = {};
    private boolean hasScan;

    /**
     * Walks through a file from its first marker to its last.
     *
     * @throws IOException if it is cut off or no JPEG
     */
    JpegImage(byte[] file) throws IOException {
        this.file = file;
        int at = 2;
        int marker = 0;
        while (marker != END) {
            while (unsigned(at) != 0xff) {
                at++;
            }
            while (unsigned(at) == 0xff) {
                at++;
            }
            marker = unsigned(at++);
            if (hasLength(marker)) {
                int length = unsigned(at) << 8 | unsigned(at + 1);
                unsigned(at + Math.max(length, 2) - 1); // It is there.
                segment(marker, at + 2, length - 2);
                at += length;
                if (marker == SCAN) {
                    hasScan = true;
                    at = endOfScan(at);
                }
            }
        }
        if (!hasScan) {
            throw new IOException("no pixels");
        }
    }

    private int unsigned(int at) throws IOException {
        if (at >= file.length) {
            throw new EOFException();
        }
        return file[at] & 0xff;
    }

    private static boolean hasLength(int marker) {
        boolean isRestart = marker >= 0xd0 && marker <= 0xd7;
        return marker > 1 && !isRestart && marker != 0xd8 && marker != END;
    }

    /** Whether it begins a picture; three markers of the range are of other things. */
    private static boolean isFrame(int marker) {
        return marker >= 0xc0 && marker <= 0xcf && !List.of(0xc4, 0xc8, 0xcc).contains(marker);
    }

    private void segment(int marker, int at, int length) throws IOException {
        if (length < 0) {
            throw new IOException("a segment has a wrong length");
        }
        if (isFrame(marker) && length > 5) {
            components = new int[Math.min(unsigned(at + 5), (length - 6) / 3)];
            for (int i = 0; i < components.length; i++) {
                components[i] = unsigned(at + 6 + 3 * i);
            }
        } else if (marker == APP0 && !hasScan && length >= 14) {
            hasJfif |= startsWith("JFIF\0", at);
        } else if (marker == APP14 && !hasScan && length >= 12 && startsWith("Adobe", at)) {
            adobe = unsigned(at + 11);
        }
    }

    private boolean startsWith(String text, int at) {
        byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
        return Arrays.equals(file, at, at + bytes.length, bytes, 0, bytes.length);
    }

    /** Looks for the next marker that does not belong to the pixels. */
    private int endOfScan(int begin) throws IOException {
        int at = begin;
        while (true) {
            while (unsigned(at) != 0xff) {
                at++;
            }
            int next = unsigned(at + 1);
            if (next != 0 && next != 0xff && (next < 0xd0 || next > 0xd7)) {
                return at;
            }
            at += next == 0xff ? 1 : 2;
        }
    }

    /**
     * Decodes the pixels.
     *
     * @param reader Java's reader of JPEG, at the file
     * @return the pixels, of type {@link BufferedImage#TYPE_INT_RGB}
     * @throws IOException if they are damaged
     */
    BufferedImage decode(ImageReader reader) throws IOException {
        Faults faults = new Faults();
        reader.addIIOReadWarningListener(faults);
        Raster raster = reader.readRaster(0, null);
        faults.check();
        int width = raster.getWidth();
        int bands = raster.getNumBands();
        BufferedImage image =
                new BufferedImage(width, raster.getHeight(), BufferedImage.TYPE_INT_RGB);
        int[] row = new int[width * bands];
        int[] colours = new int[width];
        Colours kind = kind(bands);
        for (int y = 0; y < raster.getHeight(); y++) {
            raster.getPixels(raster.getMinX(), raster.getMinY() + y, width, 1, row);
            for (int x = 0; x < width; x++) {
                colours[x] = kind.rgb(row, x * bands);
            }
            image.setRGB(0, y, width, 1, colours, 0, width);
        }
        return image;
    }

    /** Makes a colour of the components of a pixel. */
    @FunctionalInterface
    private interface Colours {
        int rgb(int[] components, int at);
    }

    private Colours kind(int bands) throws IOException {
        return switch (bands) {
            case 1 -> (c, i) -> rgb(c[i], c[i], c[i]);
            case 3 ->
                    isRgb()
                            ? (c, i) -> rgb(c[i], c[i + 1], c[i + 2])
                            : (c, i) -> ofLuma(c[i], c[i + 1], c[i + 2]);
            case 4 ->
                    adobe == NO_ADOBE || adobe == UNTRANSFORMED
                            ? (c, i) -> ofInk(rgb(c[i], c[i + 1], c[i + 2]), c[i + 3])
                            // Luma is of the colours' inverse, and ink is stored inverted.
                            : (c, i) -> ofInk(~ofLuma(c[i], c[i + 1], c[i + 2]), c[i + 3]);
            default -> throw new IOException(bands + " components");
        };
    }

    private boolean isRgb() {
        if (hasJfif || adobe != NO_ADOBE) {
            return !hasJfif && adobe == UNTRANSFORMED;
        }
        return Arrays.equals(components, new int[] {'R', 'G', 'B'});
    }

    /** Y, Cb and Cr of JFIF, in 16 bits behind the point. */
    private static int ofLuma(int y, int cb, int cr) {
        int blue = cb - 128;
        int red = cr - 128;
        int half = 1 << 15;
        return rgb(
                clip(y + ((91881 * red + half) >> 16)),
                clip(y + ((half - 22554 * blue - 46802 * red) >> 16)),
                clip(y + ((116130 * blue + half) >> 16)));
    }

    private static int clip(int value) {
        return Math.max(0, Math.min(255, value));
    }

    /** What cyan, magenta and yellow leave of white, times what black leaves, all stored so. */
    private static int ofInk(int left, int black) {
        return rgb(
                product(left >> 16 & 0xff, black),
                product(left >> 8 & 0xff, black),
                product(left & 0xff, black));
    }

    /** The product of two shares of 255, rounded. */
    private static int product(int a, int b) {
        return (2 * a * b + 255) / 510;
    }

    private static int rgb(int red, int green, int blue) {
        return red << 16 | green << 8 | blue;
    }

    /** What libjpeg says of pixels that it makes up, in the words of its own table. */
    private static final class Faults implements IIOReadWarningListener {

        /** Padding that some cameras leave before the end. */
        private static final String HARMLESS = "extraneous bytes before marker 0xd9";

        private String fault;

        @Override
        public void warningOccurred(ImageReader source, String warning) {
            if (warning.startsWith("Corrupt JPEG data") && !warning.contains(HARMLESS)) {
                fault = warning;
            }
        }

        void check() throws IOException {
            if (fault != null) {
                throw new IOException(fault);
            }
        }
    }
}
