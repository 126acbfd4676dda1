package io.flipout.djl.torchscript;

import ai.djl.util.JsonUtils;
import com.google.gson.JsonParseException;
import com.google.gson.annotations.SerializedName;
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
        @SerializedName("input_shape") List<Long> inputShape,
        @SerializedName("mean") List<Float> mean,
        @SerializedName("std") List<Float> std,
        @SerializedName("classes") List<String> classes,
        @SerializedName("method") String method,
        @SerializedName("sparsity") Double sparsity,
        @SerializedName("preprocessed") boolean preprocessed,
        @SerializedName("versions") Map<String, String> versions,
        @SerializedName("compacted") Boolean compacted) {

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
     * Writes the metadata as JSON.
     *
     * @return the text
     */
    public String toJson() {
        return JsonUtils.GSON_PRETTY.toJson(this);
    }

    /**
     * Reads metadata.
     *
     * @param json what {@link #toJson} wrote
     * @return the metadata
     * @throws TorchScriptException if it is no such JSON
     */
    public static ScriptMetadata fromJson(String json) {
        try {
            return JsonUtils.GSON.fromJson(json, ScriptMetadata.class);
        } catch (JsonParseException | NumberFormatException e) {
            throw new TorchScriptException("The file's extra/" + NAME + " is damaged.", e);
        }
    }
}
