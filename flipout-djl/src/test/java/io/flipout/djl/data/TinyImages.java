package io.flipout.djl.data;

import java.awt.image.Raster;
import java.awt.image.WritableRaster;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.zip.CRC32;
import java.util.zip.Deflater;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageWriteParam;
import javax.imageio.ImageWriter;
import javax.imageio.stream.ImageOutputStream;

/** Small images of any colours, written sample by sample. */
final class TinyImages {

    private static final int SIDE = 32;

    private TinyImages() {}

    static byte[] joined(byte[]... parts) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            out.writeBytes(part);
        }
        return out.toByteArray();
    }

    static byte[] chunk(String type, byte... data) {
        byte[] body = joined(type.getBytes(StandardCharsets.US_ASCII), data);
        CRC32 crc = new CRC32();
        crc.update(body);
        return joined(
                ByteBuffer.allocate(4).putInt(data.length).array(),
                body,
                ByteBuffer.allocate(4).putInt((int) crc.getValue()).array());
    }

    /** A PNG of rows that all repeat the same bytes. */
    static byte[] png(int depth, int colour, byte[] between, int... repeated) {
        int channels = colour == 2 ? 3 : colour == 4 ? 2 : colour == 6 ? 4 : 1;
        byte[] row = new byte[1 + SIDE * channels * depth / 8];
        for (int i = 1; i < row.length; i++) {
            row[i] = (byte) repeated[(i - 1) % repeated.length];
        }
        byte[][] rows = new byte[SIDE][];
        Arrays.fill(rows, row);
        Deflater deflater = new Deflater();
        deflater.setInput(joined(rows));
        deflater.finish();
        byte[] packed = new byte[1 << 12];
        packed = Arrays.copyOf(packed, deflater.deflate(packed));
        deflater.end();
        byte[] header =
                ByteBuffer.allocate(13)
                        .putInt(SIDE)
                        .putInt(SIDE)
                        .put((byte) depth)
                        .put((byte) colour)
                        .array();
        return joined(
                new byte[] {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'},
                chunk("IHDR", header),
                between,
                chunk("IDAT", packed),
                chunk("IEND"));
    }

    /** A JPEG of one colour, whose components are stored as they are. */
    static byte[] jpeg(int... components) throws IOException {
        WritableRaster raster =
                Raster.createInterleavedRaster(0, SIDE, SIDE, components.length, null);
        for (int i = 0; i < SIDE * SIDE; i++) {
            raster.setPixel(i % SIDE, i / SIDE, components);
        }
        return write(raster);
    }

    private static byte[] write(Raster raster) throws IOException {
        ImageWriter writer = ImageIO.getImageWritersByFormatName("jpeg").next();
        ImageWriteParam best = writer.getDefaultWriteParam();
        best.setCompressionMode(ImageWriteParam.MODE_EXPLICIT);
        best.setCompressionQuality(1);
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ImageOutputStream out = ImageIO.createImageOutputStream(bytes)) {
            writer.setOutput(out);
            writer.write(null, new IIOImage(raster, null, null), best);
        } finally {
            writer.dispose();
        }
        return bytes.toByteArray();
    }
}
