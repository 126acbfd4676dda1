package io.flipout.djl.data;

import java.awt.image.BufferedImage;
import java.awt.image.IndexColorModel;
import java.awt.image.Raster;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32;
import javax.imageio.ImageReader;

/**
 * A PNG file. Its samples are the colours, as PIL reads them: transparency is left out, 16 bits
 * become their upper 8, and grey is no colour space of another brightness, as it is to Java.
 */
final class PngImage {

    private static final int SIGNATURE = 8;

    /**
     * Walks through a file from its first chunk to its last.
     *
     * @throws IOException if it is cut off or damaged
     */
    PngImage(byte[] file) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(file);
        String type = "";
        boolean hasPixels = false;
        for (int at = SIGNATURE; !type.equals("IEND"); ) {
            if (file.length - at < 12 || bytes.getInt(at) > file.length - at - 12) {
                throw new EOFException();
            }
            int length = bytes.getInt(at);
            if (length < 0) {
                throw new IOException("a chunk has a wrong length");
            }
            type = new String(file, at + 4, 4, StandardCharsets.ISO_8859_1);
            if (Character.isUpperCase(type.charAt(0))) { // What no reader may pass over.
                CRC32 crc = new CRC32();
                crc.update(file, at + 4, 4 + length);
                if ((int) crc.getValue() != bytes.getInt(at + 8 + length)) {
                    throw new IOException("the checksum of " + type + " is wrong");
                }
            }
            hasPixels |= type.equals("IDAT");
            at += 12 + length;
        }
        if (!hasPixels) {
            throw new IOException("no pixels");
        }
    }

    /**
     * Decodes the pixels.
     *
     * @param reader Java's reader of PNG, at the file
     * @return the pixels, of type {@link BufferedImage#TYPE_INT_RGB}
     * @throws IOException if they are damaged
     */
    BufferedImage decode(ImageReader reader) throws IOException {
        BufferedImage read = reader.read(0);
        Raster raster = read.getRaster();
        int width = raster.getWidth();
        int bands = raster.getNumBands();
        int shift = raster.getSampleModel().getSampleSize(0) > 8 ? 8 : 0;
        BufferedImage image =
                new BufferedImage(width, raster.getHeight(), BufferedImage.TYPE_INT_RGB);
        int[] row = new int[width * bands];
        int[] colours = new int[width];
        for (int y = 0; y < raster.getHeight(); y++) {
            raster.getPixels(0, y, width, 1, row);
            for (int x = 0; x < width; x++) {
                int first = row[x * bands];
                if (read.getColorModel() instanceof IndexColorModel palette) {
                    colours[x] = palette.getRGB(first);
                } else if (bands < 3) {
                    colours[x] = (first >> shift) * 0x010101;
                } else {
                    int green = row[x * bands + 1] >> shift;
                    int blue = row[x * bands + 2] >> shift;
                    colours[x] = (first >> shift) << 16 | green << 8 | blue;
                }
            }
            image.setRGB(0, y, width, 1, colours, 0, width);
        }
        return image;
    }
}
