package io.flipout.djl.checkpoint;

import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import com.google.gson.stream.JsonWriter;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.StringReader;
import java.io.StringWriter;
import java.lang.reflect.Array;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.BiConsumer;

/**
 * A file in the safetensors format, which Python reads too: {@code safetensors.torch.load_file}.
 *
 * <pre>
 * 8 bytes      length of the header, little-endian
 * header       JSON: {"__metadata__": {text: text}, name: {"dtype", "shape", "data_offsets"}}
 * data         the tensors one after the other, little-endian, row-major
 * </pre>
 *
 * The last tensor, {@value #CHECKSUM}, is the SHA-256 of all bytes before it, so that a file which
 * was cut off or changed is known. Arrays that are 0 for the most part, as those of a pruned
 * network, are kept as positions and values: {@code NAME.index} and {@code NAME.value}. Nothing in
 * a file is executed, and no length in it is believed before the file proves to be as long.
 *
 * @see <a href="https://github.com/huggingface/safetensors">the format</a>
 */
public final class SafeTensors {

    /** The name of the tensor that holds the checksum. */
    static final String CHECKSUM = "sha256";

    private static final String METADATA = "__metadata__";
    private static final String INDEX = ".index";
    private static final String VALUE = ".value";

    /** What the format's own library allows. */
    private static final long LARGEST_HEADER = 100_000_000;

    private static final int CHECKSUM_BYTES = 32;
    private static final int BUFFER = 1 << 16;

    /** The types of numbers that are written. */
    private enum DType {
        F32(Float.BYTES),
        I32(Integer.BYTES),
        I64(Long.BYTES),
        U8(1);

        final int bytes;

        DType(int bytes) {
            this.bytes = bytes;
        }
    }

    private record Entry(DType type, long length, long begin) {

        long bytes() {
            return length * type.bytes;
        }
    }

    private final Path path;
    private final Map<String, String> metadata;
    private final Map<String, Entry> entries;
    private final long dataBegin;

    private SafeTensors(
            Path path, Map<String, String> metadata, Map<String, Entry> entries, long dataBegin) {
        this.path = path;
        this.metadata = metadata;
        this.entries = entries;
        this.dataBegin = dataBegin;
    }

    /**
     * Writes a file and waits until it is on the disk.
     *
     * @param path the file, which is replaced
     * @param arrays arrays of float, int, long or byte by name
     * @param metadata texts by name
     * @throws IOException if the file cannot be written
     */
    public static void write(Path path, Map<String, Object> arrays, Map<String, String> metadata)
            throws IOException {
        Map<String, Object> tensors = new LinkedHashMap<>();
        arrays.forEach((name, array) -> put(name, array, tensors::put));
        tensors.put(CHECKSUM, new byte[CHECKSUM_BYTES]);
        byte[] header = header(tensors, metadata);
        MessageDigest digest = sha256();
        try (FileChannel file =
                FileChannel.open(
                        path,
                        StandardOpenOption.CREATE,
                        StandardOpenOption.WRITE,
                        StandardOpenOption.TRUNCATE_EXISTING)) {
            ByteBuffer length = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
            write(file, digest, length.putLong(0, header.length));
            write(file, digest, ByteBuffer.wrap(header));
            tensors.remove(CHECKSUM);
            for (Object array : tensors.values()) {
                writeArray(file, digest, array);
            }
            write(file, null, ByteBuffer.wrap(digest.digest()));
            file.force(true);
        }
    }

    /** Hands over an array, or where that is smaller the positions and values that are not 0. */
    private static void put(String name, Object array, BiConsumer<String, Object> to) {
        int length = Array.getLength(array);
        // Half of the length is the most that pays.
        int[] index = new int[length / 2 + 1];
        int count = 0;
        if (array instanceof float[] values) {
            for (int i = 0; i < length && count < index.length; i++) {
                index[count] = i;
                count += Float.floatToRawIntBits(values[i]) == 0 ? 0 : 1;
            }
        } else if (array instanceof int[] values) {
            for (int i = 0; i < length && count < index.length; i++) {
                index[count] = i;
                count += values[i] == 0 ? 0 : 1;
            }
        } else {
            count = length;
        }
        if (2L * count + 1 >= length) {
            to.accept(name, array);
            return;
        }
        Object values = Array.newInstance(array.getClass().getComponentType(), count);
        for (int i = 0; i < count; i++) {
            System.arraycopy(array, index[i], values, i, 1);
        }
        int[] indexAndLength = Arrays.copyOf(index, count + 1);
        indexAndLength[count] = length;
        to.accept(name + INDEX, indexAndLength);
        to.accept(name + VALUE, values);
    }

    private static byte[] header(Map<String, Object> tensors, Map<String, String> metadata)
            throws IOException {
        StringWriter text = new StringWriter();
        try (JsonWriter json = new JsonWriter(text)) {
            json.beginObject().name(METADATA).beginObject();
            for (Map.Entry<String, String> entry : metadata.entrySet()) {
                json.name(entry.getKey()).value(entry.getValue());
            }
            json.endObject();
            long offset = 0;
            for (Map.Entry<String, Object> tensor : tensors.entrySet()) {
                DType type = type(tensor.getValue());
                long length = Array.getLength(tensor.getValue());
                json.name(tensor.getKey()).beginObject();
                json.name("dtype").value(type.name());
                json.name("shape").beginArray().value(length).endArray();
                json.name("data_offsets").beginArray().value(offset);
                offset += length * type.bytes;
                json.value(offset).endArray().endObject();
            }
            json.endObject();
        }
        return text.toString().getBytes(StandardCharsets.UTF_8);
    }

    private static DType type(Object array) {
        if (array instanceof float[]) {
            return DType.F32;
        } else if (array instanceof int[]) {
            return DType.I32;
        } else if (array instanceof long[]) {
            return DType.I64;
        } else if (array instanceof byte[]) {
            return DType.U8;
        }
        throw new IllegalArgumentException(
                "Arrays of float, int, long or byte can be kept, not "
                        + array.getClass().getSimpleName());
    }

    private static void writeArray(FileChannel file, MessageDigest digest, Object array)
            throws IOException {
        DType type = type(array);
        int length = Array.getLength(array);
        int step = BUFFER / type.bytes;
        ByteBuffer buffer = ByteBuffer.allocate(BUFFER).order(ByteOrder.LITTLE_ENDIAN);
        for (int from = 0; from < length; from += step) {
            int count = Math.min(step, length - from);
            buffer.clear();
            switch (type) {
                case F32 -> buffer.asFloatBuffer().put((float[]) array, from, count);
                case I32 -> buffer.asIntBuffer().put((int[]) array, from, count);
                case I64 -> buffer.asLongBuffer().put((long[]) array, from, count);
                case U8 -> buffer.duplicate().put((byte[]) array, from, count);
            }
            write(file, digest, buffer.limit(count * type.bytes));
        }
    }

    private static void write(FileChannel file, MessageDigest digest, ByteBuffer bytes)
            throws IOException {
        if (digest != null) {
            digest.update(bytes.duplicate());
        }
        while (bytes.hasRemaining()) {
            file.write(bytes);
        }
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e); // Every JDK has it.
        }
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
            ByteBuffer header = read(file, path, Long.BYTES, (int) length);
            long dataBegin = Long.BYTES + length;
            Map<String, String> metadata = new LinkedHashMap<>();
            Map<String, Entry> entries = new LinkedHashMap<>();
            try {
                String text = StandardCharsets.UTF_8.newDecoder().decode(header).toString();
                parse(text, metadata, entries);
            } catch (CharacterCodingException | RuntimeException e) {
                throw damaged(path, "its header is not as it should be");
            } catch (CheckpointException e) {
                throw damaged(path, e.getMessage());
            } catch (IOException e) { // Of the JSON.
                throw damaged(path, "its header is no JSON");
            }
            SafeTensors tensors = new SafeTensors(path, metadata, entries, dataBegin);
            tensors.check(size);
            return tensors;
        }
    }

    private static void parse(String text, Map<String, String> metadata, Map<String, Entry> entries)
            throws IOException {
        try (JsonReader json = new JsonReader(new StringReader(text))) {
            json.beginObject();
            while (json.hasNext()) {
                String name = json.nextName();
                if (name.equals(METADATA)) {
                    json.beginObject();
                    while (json.hasNext()) {
                        metadata.put(json.nextName(), json.nextString());
                    }
                    json.endObject();
                } else if (entries.put(name, entry(json, name)) != null) {
                    throw new CheckpointException("it has two tensors " + name);
                }
            }
            json.endObject();
            if (json.peek() != JsonToken.END_DOCUMENT) {
                throw new CheckpointException("its header goes on after its end");
            }
        }
    }

    private static Entry entry(JsonReader json, String name) throws IOException {
        DType type = null;
        long length = -1;
        long begin = -1;
        long end = -1;
        json.beginObject();
        while (json.hasNext()) {
            switch (json.nextName()) {
                case "dtype" -> type = DType.valueOf(json.nextString());
                case "shape" -> {
                    json.beginArray();
                    length = 1;
                    while (json.hasNext()) {
                        length = Math.multiplyExact(length, json.nextLong());
                    }
                    json.endArray();
                }
                case "data_offsets" -> {
                    json.beginArray();
                    begin = json.nextLong();
                    end = json.nextLong();
                    json.endArray();
                }
                default -> json.skipValue();
            }
        }
        json.endObject();
        if (type == null || length < 0 || begin < 0 || end < begin) {
            throw new CheckpointException("its tensor " + name + " is not described");
        }
        Entry entry = new Entry(type, length, begin);
        if (length > Integer.MAX_VALUE || entry.bytes() != end - begin) {
            throw new CheckpointException("its tensor " + name + " has another size than its data");
        }
        return entry;
    }

    /**
     * Checks that the tensors fill the file without gaps, and that the last one is its checksum.
     */
    private void check(long size) throws IOException {
        long offset = 0;
        for (Map.Entry<String, Entry> tensor : entries.entrySet()) {
            if (tensor.getValue().begin != offset) {
                throw damaged(path, "its tensor " + tensor.getKey() + " is not where it should be");
            }
            offset += tensor.getValue().bytes();
        }
        Entry checksum = entries.get(CHECKSUM);
        if (dataBegin + offset != size) {
            throw damaged(path, "it has " + size + " bytes and not " + (dataBegin + offset));
        }
        if (checksum == null
                || checksum.bytes() != CHECKSUM_BYTES
                || checksum.begin != offset - CHECKSUM_BYTES) {
            throw damaged(path, "it has no checksum");
        }
        MessageDigest digest = sha256();
        long left = size - CHECKSUM_BYTES;
        byte[] buffer = new byte[BUFFER];
        byte[] expected = new byte[CHECKSUM_BYTES];
        try (InputStream file = new BufferedInputStream(Files.newInputStream(path))) {
            while (left > 0) {
                int count = file.read(buffer, 0, (int) Math.min(buffer.length, left));
                if (count < 0) {
                    throw damaged(path, "it ends too early");
                }
                digest.update(buffer, 0, count);
                left -= count;
            }
            file.readNBytes(expected, 0, CHECKSUM_BYTES);
        }
        if (!MessageDigest.isEqual(digest.digest(), expected)) {
            throw damaged(path, "its bytes do not add up to its checksum");
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
        return Collections.unmodifiableMap(metadata);
    }

    /**
     * Tells whether there is an array.
     *
     * @param name the name
     * @return true if there is one of that name
     */
    public boolean contains(String name) {
        return entries.containsKey(name) || entries.containsKey(name + INDEX);
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
        if (entries.containsKey(name)) {
            return dense(name, longest);
        }
        if (!entries.containsKey(name + INDEX) || !entries.containsKey(name + VALUE)) {
            throw new CheckpointException(path + " lacks the array " + name + ".");
        }
        Object values = dense(name + VALUE, longest);
        if (!(dense(name + INDEX, longest) instanceof int[] index)
                || Array.getLength(values) != index.length - 1) {
            throw misfit(name);
        }
        int count = index.length - 1;
        int length = index[count];
        if (length < count || length > longest) {
            throw misfit(name);
        }
        Object array = Array.newInstance(values.getClass().getComponentType(), length);
        for (int i = 0; i < count; i++) {
            if (index[i] < 0 || index[i] >= length) {
                throw misfit(name);
            }
            System.arraycopy(values, i, array, index[i], 1);
        }
        return array;
    }

    private Object dense(String name, int longest) throws IOException {
        Entry entry = entries.get(name);
        if (entry.length > longest) {
            throw misfit(name);
        }
        int length = (int) entry.length;
        try (FileChannel file = FileChannel.open(path)) {
            ByteBuffer bytes =
                    read(file, path, dataBegin + entry.begin, Math.toIntExact(entry.bytes()));
            switch (entry.type) {
                case F32 -> {
                    float[] values = new float[length];
                    bytes.asFloatBuffer().get(values);
                    return values;
                }
                case I32 -> {
                    int[] values = new int[length];
                    bytes.asIntBuffer().get(values);
                    return values;
                }
                case I64 -> {
                    long[] values = new long[length];
                    bytes.asLongBuffer().get(values);
                    return values;
                }
                default -> {
                    byte[] values = new byte[length];
                    bytes.get(values);
                    return values;
                }
            }
        }
    }

    private CheckpointException misfit(String name) {
        return new CheckpointException(
                "The array " + name + " of " + path + " has another type or size than it should.");
    }
}
