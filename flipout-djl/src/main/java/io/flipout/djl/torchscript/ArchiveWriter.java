package io.flipout.djl.torchscript;

import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.LocalDateTime;
import java.util.zip.CRC32;
import java.util.zip.Deflater;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/**
 * Writes the zip archive of a TorchScript file. Records that are stored as they are begin at
 * multiples of 64 bytes, as PyTorch writes them, so that a reader can map them into memory.
 */
final class ArchiveWriter implements AutoCloseable {

    private static final int ALIGNMENT = 64;
    private static final int LOCAL_HEADER = 30;
    private static final int EXTRA_HEADER = 4;

    /**
     * The same for every file, so that equal networks are equal files; not so early that Java would
     * add a field of its own, which would break the alignment.
     */
    private static final LocalDateTime TIME = LocalDateTime.of(1980, 2, 1, 0, 0);

    private final Counting counting;
    private final ZipOutputStream zip;
    private final String root;

    /** Tells the position. */
    private static final class Counting extends FilterOutputStream {

        private long position;

        Counting(OutputStream out) {
            super(out);
        }

        @Override
        public void write(int b) throws IOException {
            out.write(b);
            position++;
        }

        @Override
        public void write(byte[] bytes, int offset, int length) throws IOException {
            out.write(bytes, offset, length);
            position += length;
        }
    }

    ArchiveWriter(OutputStream out, String root) {
        counting = new Counting(out);
        zip = new ZipOutputStream(counting);
        zip.setLevel(Deflater.DEFAULT_COMPRESSION);
        this.root = root;
    }

    void write(String name, byte[] content, boolean deflate) throws IOException {
        write(name, Content.of(content), deflate);
    }

    /** Writes a record. */
    void write(String name, Content content, boolean deflate) throws IOException {
        ZipEntry entry = new ZipEntry(root + "/" + name);
        entry.setTimeLocal(TIME);
        if (!deflate) {
            CRC32 crc = new CRC32();
            content.forEach((bytes, length) -> crc.update(bytes, 0, length));
            entry.setMethod(ZipEntry.STORED);
            entry.setSize(content.size());
            entry.setCrc(crc.getValue());
            zip.flush();
            entry.setExtra(padding(entry.getName()));
        }
        zip.putNextEntry(entry);
        content.forEach((bytes, length) -> zip.write(bytes, 0, length));
        zip.closeEntry();
    }

    private byte[] padding(String name) {
        int nameLength = name.getBytes(StandardCharsets.UTF_8).length;
        long data = counting.position + LOCAL_HEADER + nameLength + EXTRA_HEADER;
        int pad = (int) ((ALIGNMENT - data % ALIGNMENT) % ALIGNMENT);
        byte[] extra = new byte[EXTRA_HEADER + pad];
        extra[0] = 'F';
        extra[1] = 'B';
        extra[2] = (byte) pad;
        extra[3] = (byte) (pad >> 8);
        for (int i = 0; i < pad; i++) {
            extra[EXTRA_HEADER + i] = 'Z';
        }
        return extra;
    }

    @Override
    public void close() throws IOException {
        zip.close();
    }
}
