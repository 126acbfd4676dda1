package io.flipout.djl.checkpoint;

import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import com.google.gson.stream.JsonWriter;
import java.io.IOException;
import java.io.StringReader;
import java.io.StringWriter;
import java.lang.reflect.Array;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What a file of tensors says of itself, as JSON.
 *
 * @param metadata texts by name
 * @param entries where each tensor lies, by name, in the order of the file
 */
record SafeTensorsHeader(Map<String, String> metadata, Map<String, Entry> entries) {

    private static final String METADATA = "__metadata__";

    /**
     * Where a tensor lies.
     *
     * @param type of what numbers it is
     * @param length how many there are
     * @param begin its first byte, counted from the end of the header
     */
    record Entry(TensorType type, long length, long begin) {

        long bytes() {
            return length * type.bytes;
        }
    }

    /** Describes arrays that lie one after the other. */
    static SafeTensorsHeader of(Map<String, String> metadata, Map<String, Object> arrays) {
        Map<String, Entry> entries = new LinkedHashMap<>();
        long offset = 0;
        for (Map.Entry<String, Object> array : arrays.entrySet()) {
            long length = Array.getLength(array.getValue());
            Entry entry = new Entry(TensorType.of(array.getValue()), length, offset);
            entries.put(array.getKey(), entry);
            offset += entry.bytes();
        }
        return new SafeTensorsHeader(metadata, entries);
    }

    /** Returns the header as it stands in a file. */
    String text() throws IOException {
        StringWriter text = new StringWriter();
        try (JsonWriter json = new JsonWriter(text)) {
            json.beginObject().name(METADATA).beginObject();
            for (Map.Entry<String, String> entry : metadata.entrySet()) {
                json.name(entry.getKey()).value(entry.getValue());
            }
            json.endObject();
            for (Map.Entry<String, Entry> tensor : entries.entrySet()) {
                Entry entry = tensor.getValue();
                json.name(tensor.getKey()).beginObject();
                json.name("dtype").value(entry.type.name());
                json.name("shape").beginArray().value(entry.length).endArray();
                json.name("data_offsets").beginArray();
                json.value(entry.begin).value(entry.begin + entry.bytes()).endArray();
                json.endObject();
            }
            json.endObject();
        }
        return text.toString();
    }

    /**
     * Reads a header.
     *
     * @throws CheckpointException if it says something impossible; the message tells what
     * @throws IOException if it is no JSON
     * @throws RuntimeException if it is other JSON
     */
    static SafeTensorsHeader parse(String text) throws IOException {
        Map<String, String> metadata = new LinkedHashMap<>();
        Map<String, Entry> entries = new LinkedHashMap<>();
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
        return new SafeTensorsHeader(metadata, entries);
    }

    private static Entry entry(JsonReader json, String name) throws IOException {
        TensorType type = null;
        long length = -1;
        long begin = -1;
        long end = -1;
        json.beginObject();
        while (json.hasNext()) {
            switch (json.nextName()) {
                case "dtype" -> type = TensorType.valueOf(json.nextString());
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

    /** Returns the number of bytes behind the header, if the tensors lie there without gaps. */
    long dataBytes() throws CheckpointException {
        long offset = 0;
        for (Map.Entry<String, Entry> tensor : entries.entrySet()) {
            if (tensor.getValue().begin != offset) {
                throw new CheckpointException(
                        "its tensor " + tensor.getKey() + " is not where it should be");
            }
            offset += tensor.getValue().bytes();
        }
        return offset;
    }
}
