package io.flipout.djl.torchscript;

import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import com.google.gson.stream.JsonWriter;
import java.io.IOException;
import java.io.StringReader;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What a consumer of a TorchScript file needs to know beside the module. It travels in the file as
 * {@code extra/flipout.json}; Python reads it by {@code torch.jit.load(path, _extra_files={
 * "flipout.json": ""})}.
 *
 * @param inputShape (channels, height, width) of an image; null if unknown
 * @param mean what is subtracted from each channel, on a scale of 0 to 1; null if unknown
 * @param std what each channel is then divided by; null if unknown
 * @param classes the names of the classes in the order of the outputs; null if unknown
 * @param method how the network was pruned; null if it was not
 * @param sparsity the share of the prunable weights that is 0; null if unknown
 * @param preprocessed whether the module itself scales and normalises pixels of 0 to 255
 * @param versions of what made the file
 * @param compacted true if dead and constant channels are gone from the module, which then is for
 *     inference only; null if not
 */
public record ScriptMetadata(
        List<Long> inputShape,
        List<Float> mean,
        List<Float> std,
        List<String> classes,
        String method,
        Double sparsity,
        boolean preprocessed,
        Map<String, String> versions,
        Boolean compacted) {

    /** The name of the record in the archive's folder {@code extra}. */
    public static final String NAME = "flipout.json";

    /** Nothing is known. */
    static final ScriptMetadata NONE =
            new ScriptMetadata(null, null, null, null, null, null, false, null);

    /** Metadata of a module that is as it was trained. */
    public ScriptMetadata(
            List<Long> inputShape,
            List<Float> mean,
            List<Float> std,
            List<String> classes,
            String method,
            Double sparsity,
            boolean preprocessed,
            Map<String, String> versions) {
        this(inputShape, mean, std, classes, method, sparsity, preprocessed, versions, null);
    }

    /** The same for a module whose dead and constant channels are gone. */
    ScriptMetadata ofCompacted() {
        return new ScriptMetadata(
                inputShape, mean, std, classes, method, sparsity, preprocessed, versions, true);
    }

    /**
     * Writes the metadata as JSON. What is unknown is left out.
     *
     * @return the text
     */
    public String toJson() {
        StringWriter text = new StringWriter();
        try (JsonWriter json = new JsonWriter(text)) {
            json.setIndent("  ");
            json.beginObject();
            numbers(json, "input_shape", inputShape);
            numbers(json, "mean", mean);
            numbers(json, "std", std);
            if (classes != null) {
                json.name("classes").beginArray();
                for (String name : classes) {
                    json.value(name);
                }
                json.endArray();
            }
            if (method != null) {
                json.name("method").value(method);
            }
            if (sparsity != null) {
                json.name("sparsity").value(sparsity);
            }
            json.name("preprocessed").value(preprocessed);
            if (versions != null) {
                json.name("versions").beginObject();
                for (Map.Entry<String, String> version : versions.entrySet()) {
                    json.name(version.getKey()).value(version.getValue());
                }
                json.endObject();
            }
            if (compacted != null) {
                json.name("compacted").value(compacted);
            }
            json.endObject();
        } catch (IOException e) {
            throw new IllegalStateException(e); // Nothing is written but memory.
        }
        return text.toString();
    }

    private static void numbers(JsonWriter json, String name, List<? extends Number> numbers)
            throws IOException {
        if (numbers != null) {
            json.name(name).beginArray();
            for (Number number : numbers) {
                json.value(number);
            }
            json.endArray();
        }
    }

    /**
     * Reads metadata. Names that it does not know are passed over.
     *
     * @param json what {@link #toJson} wrote
     * @return the metadata
     * @throws TorchScriptException if it is no such JSON
     */
    public static ScriptMetadata fromJson(String json) {
        // Read item by item: binding it to this record takes Gson longer than all of a prediction.
        try (JsonReader reader = new JsonReader(new StringReader(json))) {
            ScriptMetadata metadata = read(reader);
            if (reader.peek() == JsonToken.END_DOCUMENT) {
                return metadata;
            }
        } catch (IOException | IllegalStateException | NumberFormatException e) {
            throw damaged(e);
        }
        throw damaged(null);
    }

    private static TorchScriptException damaged(Exception cause) {
        return new TorchScriptException("The file's extra/" + NAME + " is damaged.", cause);
    }

    private static ScriptMetadata read(JsonReader json) throws IOException {
        List<Long> inputShape = null;
        List<Float> mean = null;
        List<Float> std = null;
        List<String> classes = null;
        String method = null;
        Double sparsity = null;
        boolean preprocessed = false;
        Map<String, String> versions = null;
        Boolean compacted = null;
        json.beginObject();
        while (json.hasNext()) {
            String name = json.nextName();
            if (json.peek() == JsonToken.NULL) {
                json.nextNull();
                continue;
            }
            switch (name) {
                case "input_shape" -> inputShape = list(json, JsonReader::nextLong);
                case "mean" -> mean = list(json, ScriptMetadata::nextFloat);
                case "std" -> std = list(json, ScriptMetadata::nextFloat);
                case "classes" -> classes = list(json, JsonReader::nextString);
                case "method" -> method = json.nextString();
                case "sparsity" -> sparsity = json.nextDouble();
                case "preprocessed" -> preprocessed = json.nextBoolean();
                case "versions" -> versions = versions(json);
                case "compacted" -> compacted = json.nextBoolean();
                default -> json.skipValue();
            }
        }
        json.endObject();
        return new ScriptMetadata(
                inputShape,
                mean,
                std,
                classes,
                method,
                sparsity,
                preprocessed,
                versions,
                compacted);
    }

    private static float nextFloat(JsonReader json) throws IOException {
        return (float) json.nextDouble();
    }

    /** What the next item is. */
    @FunctionalInterface
    private interface Item<E> {
        E next(JsonReader json) throws IOException;
    }

    private static <E> List<E> list(JsonReader json, Item<E> item) throws IOException {
        List<E> list = new ArrayList<>();
        json.beginArray();
        while (json.hasNext()) {
            list.add(item.next(json));
        }
        json.endArray();
        return list;
    }

    private static Map<String, String> versions(JsonReader json) throws IOException {
        Map<String, String> versions = new LinkedHashMap<>();
        json.beginObject();
        while (json.hasNext()) {
            versions.put(json.nextName(), json.nextString());
        }
        json.endObject();
        return versions;
    }
}
