package io.flipout.djl.checkpoint;

import com.google.gson.stream.MalformedJsonException;
import io.flipout.djl.checkpoint.SafeTensorsHeader.Entry;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.Map;

/**
 * A file in the safetensors format, which Python reads too: {@code safetensors.torch.load_file}.
 *
 * <pre>
 * 8 bytes      length of the header, little-endian
 * header       JSON: {"__metadata__": {text: text}, name: {"dtype", "shape", "data_offsets"}}
 * data         the tensors one after the other, little-endian, row-major
 * </pre>
 *
 * The last tensor, {@code sha256}, is the SHA-256 of all bytes before it, so that a file which was
 * cut off or changed is known. Arrays that are 0 for the most part, as those of a pruned network,
 * are kept as positions and values: {@code NAME.index} and {@code NAME.value}. Nothing in a file is
 * executed, and no length in it is believed before the file proves to be as long.
 *
 * @see <a href="https://github.com/huggingface/safetensors">the format</a>
 */
public final class SafeTensors {

    /** What the format's own library allows. */
    private static final long LARGEST_HEADER = 100_000_000;

    private final Path path;
    private final SafeTensorsHeader header;
    private final long dataBegin;

    private SafeTensors(Path path, SafeTensorsHeader header, long dataBegin) {
        this.path = path;
        this.header = header;
        this.dataBegin = dataBegin;
    }

    /**
     * Opens a file and checks that it is whole.
     *
     * @param path the file
     * @return its contents, whose arrays are read when they are asked for
     * @throws CheckpointException if the file is damaged
     * @throws IOException if it cannot be read
     */
    public static SafeTensors open(Path path) throws IOException {
        long size = Files.size(path);
        if (size < Long.BYTES) {
            throw damaged(path, "it ends within its first bytes");
        }
        try (FileChannel file = FileChannel.open(path)) {
            long length = read(file, path, 0, Long.BYTES).getLong();
            if (length < 2 || length > LARGEST_HEADER || length > size - Long.BYTES) {
                throw damaged(path, "its header is said to have " + length + " bytes");
            }
            ByteBuffer bytes = read(file, path, Long.BYTES, (int) length);
            try {
                String text = StandardCharsets.UTF_8.newDecoder().decode(bytes).toString();
                SafeTensorsHeader header = SafeTensorsHeader.parse(text);
                check(path, header, size, Long.BYTES + length);
                return new SafeTensors(path, header, Long.BYTES + length);
            } catch (CharacterCodingException | RuntimeException e) {
                throw damaged(path, "its header is not as it should be");
            } catch (CheckpointException e) {
                throw damaged(path, e.getMessage());
            } catch (MalformedJsonException | EOFException e) {
                throw damaged(path, "its header is no JSON");
            }
        }
    }

    /**
     * Checks that the tensors fill the file without gaps, and that the last one is its checksum.
     */
    private static void check(Path path, SafeTensorsHeader header, long size, long dataBegin)
            throws IOException {
        long data = header.dataBytes();
        if (dataBegin + data != size) {
            throw new CheckpointException(
                    "it has " + size + " bytes and not " + (dataBegin + data));
        }
        Entry checksum = header.entries().get(Checksum.NAME);
        if (checksum == null
                || checksum.bytes() != Checksum.BYTES
                || checksum.begin() != data - Checksum.BYTES) {
            throw new CheckpointException("it has no checksum");
        }
        if (!Checksum.isRight(path, size)) {
            throw new CheckpointException("its bytes do not add up to its checksum");
        }
    }

    private static ByteBuffer read(FileChannel file, Path path, long position, int length)
            throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
        while (buffer.hasRemaining()) {
            if (file.read(buffer, position + buffer.position()) < 0) {
                throw damaged(path, "it ends too early");
            }
        }
        return buffer.flip();
    }

    private static CheckpointException damaged(Path path, String why) {
        return new CheckpointException(path + " is damaged: " + why + ".");
    }

    /**
     * Returns the texts.
     *
     * @return texts by name
     */
    public Map<String, String> metadata() {
        return Collections.unmodifiableMap(header.metadata());
    }

    /**
     * Tells whether there is an array.
     *
     * @param name the name
     * @return true if there is one of that name
     */
    public boolean contains(String name) {
        return has(name) || has(name + SparseArray.INDEX);
    }

    /**
     * Reads an array of floats.
     *
     * @param name its name
     * @param longest how many it may have at most
     * @return the floats
     * @throws CheckpointException if there is none of that name, type and size
     * @throws IOException if the file cannot be read
     */
    public float[] floats(String name, int longest) throws IOException {
        return typed(name, float[].class, longest);
    }

    /**
     * Reads an array of ints.
     *
     * @param name its name
     * @param longest how many it may have at most
     * @return the ints
     * @throws CheckpointException if there is none of that name, type and size
     * @throws IOException if the file cannot be read
     */
    public int[] ints(String name, int longest) throws IOException {
        return typed(name, int[].class, longest);
    }

    /**
     * Reads an array of longs.
     *
     * @param name its name
     * @param longest how many it may have at most
     * @return the longs
     * @throws CheckpointException if there is none of that name, type and size
     * @throws IOException if the file cannot be read
     */
    public long[] longs(String name, int longest) throws IOException {
        return typed(name, long[].class, longest);
    }

    /**
     * Reads an array of bytes.
     *
     * @param name its name
     * @param longest how many it may have at most
     * @return the bytes
     * @throws CheckpointException if there is none of that name, type and size
     * @throws IOException if the file cannot be read
     */
    public byte[] bytes(String name, int longest) throws IOException {
        return typed(name, byte[].class, longest);
    }

    private <T> T typed(String name, Class<T> type, int longest) throws IOException {
        Object array = array(name, longest);
        if (!type.isInstance(array)) {
            throw misfit(name);
        }
        return type.cast(array);
    }

    /**
     * Reads an array of whatever type it has.
     *
     * @param name its name
     * @param longest how many numbers it may have at most
     * @return an array of float, int, long or byte
     * @throws CheckpointException if there is none of that name and size
     * @throws IOException if the file cannot be read
     */
    public Object array(String name, int longest) throws IOException {
        if (has(name)) {
            return dense(name, longest);
        }
        if (!has(name + SparseArray.INDEX) || !has(name + SparseArray.VALUE)) {
            throw new CheckpointException(path + " lacks the array " + name + ".");
        }
        Object values = dense(name + SparseArray.VALUE, longest);
        if (!(dense(name + SparseArray.INDEX, longest) instanceof int[] index)) {
            throw misfit(name);
        }
        return new SparseArray(index, values).dense(longest).orElseThrow(() -> misfit(name));
    }

    private boolean has(String name) {
        return header.entries().containsKey(name);
    }

    private Object dense(String name, int longest) throws IOException {
        Entry entry = header.entries().get(name);
        if (entry.length() > longest) {
            throw misfit(name);
        }
        try (FileChannel file = FileChannel.open(path)) {
            ByteBuffer bytes =
                    read(file, path, dataBegin + entry.begin(), Math.toIntExact(entry.bytes()));
            return entry.type().get(bytes, (int) entry.length());
        }
    }

    private CheckpointException misfit(String name) {
        return new CheckpointException(
                "The array " + name + " of " + path + " has another type or size than it should.");
    }
}
