package io.flipout.djl.checkpoint;

import java.io.IOException;
import java.lang.reflect.Array;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.Map;

/** Writes what {@link SafeTensors} reads. */
public final class SafeTensorsWriter {

    private static final int BUFFER = 1 << 16;

    private final FileChannel file;
    private final Checksum checksum = new Checksum();

    private SafeTensorsWriter(FileChannel file) {
        this.file = file;
    }

    /**
     * Writes a file and waits until it is on the disk.
     *
     * @param path the file, which is replaced
     * @param arrays arrays of float, int, long or byte by name
     * @param metadata texts by name
     * @throws IllegalArgumentException if an array is of another type
     * @throws IOException if the file cannot be written
     */
    public static void write(Path path, Map<String, Object> arrays, Map<String, String> metadata)
            throws IOException {
        Map<String, Object> tensors = new LinkedHashMap<>();
        arrays.forEach(
                (name, array) ->
                        SparseArray.of(array)
                                .ifPresentOrElse(
                                        sparse -> {
                                            tensors.put(name + SparseArray.INDEX, sparse.index());
                                            tensors.put(name + SparseArray.VALUE, sparse.values());
                                        },
                                        () -> tensors.put(name, array)));
        tensors.put(Checksum.NAME, new byte[Checksum.BYTES]);
        byte[] header =
                SafeTensorsHeader.of(metadata, tensors).text().getBytes(StandardCharsets.UTF_8);
        tensors.remove(Checksum.NAME);
        try (FileChannel file =
                FileChannel.open(
                        path,
                        StandardOpenOption.CREATE,
                        StandardOpenOption.WRITE,
                        StandardOpenOption.TRUNCATE_EXISTING)) {
            SafeTensorsWriter writer = new SafeTensorsWriter(file);
            ByteBuffer length = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
            writer.write(length.putLong(0, header.length));
            writer.write(ByteBuffer.wrap(header));
            for (Object array : tensors.values()) {
                writer.writeArray(array);
            }
            writer.write(ByteBuffer.wrap(writer.checksum.bytes()));
            file.force(true);
        }
    }

    private void writeArray(Object array) throws IOException {
        TensorType type = TensorType.of(array);
        int length = Array.getLength(array);
        int step = BUFFER / type.bytes;
        ByteBuffer buffer = ByteBuffer.allocate(BUFFER).order(ByteOrder.LITTLE_ENDIAN);
        for (int from = 0; from < length; from += step) {
            type.put(buffer.clear(), array, from, Math.min(step, length - from));
            write(buffer.flip());
        }
    }

    private void write(ByteBuffer bytes) throws IOException {
        checksum.add(bytes);
        while (bytes.hasRemaining()) {
            file.write(bytes);
        }
    }
}
