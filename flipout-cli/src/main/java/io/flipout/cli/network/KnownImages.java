package io.flipout.cli.network;

import ai.djl.ndarray.types.Shape;
import io.flipout.cli.terminal.Failure;
import io.flipout.djl.data.DataSets;
import io.flipout.djl.data.Normalization;
import io.flipout.djl.torchscript.ScriptMetadata;
import io.flipout.djl.torchscript.TorchScriptFile;
import io.flipout.inference.image.ClassNames;
import io.flipout.inference.image.ImageInput;
import java.io.IOException;
import java.util.List;
import java.util.Optional;

/**
 * What is known of the images that a saved network takes: from options, else from its file, else
 * from its run.
 *
 * @param input what it takes images as
 * @param classes what it tells apart
 */
public record KnownImages(ImageInput input, ClassNames classes) {

    /**
     * Finds out what is known.
     *
     * @param dataset the data set whose mean and deviation apply; empty for the network's own
     * @param side the side that images are scaled to; empty for the network's own
     */
    public static KnownImages of(
            ModelOptions network,
            SavedModel saved,
            Optional<String> dataset,
            Optional<Integer> side)
            throws IOException {
        Optional<ScriptMetadata> metadata =
                saved.isScript() ? TorchScriptFile.open(saved.file()).metadata() : Optional.empty();
        Optional<DataSets> set = dataset.or(() -> saved.option("dataset")).map(DataSets::named);
        Optional<List<String>> names = saved.classes();
        try {
            Normalization normalization =
                    dataset.isPresent() || !saysNormalization(metadata)
                            ? set.orElseThrow(() -> unknown(saved)).normalization()
                            : ImageInput.normalization(metadata.get());
            if (metadata.isPresent() && metadata.get().preprocessed()) {
                normalization = null;
            }
            int[] shape =
                    saved.isScript()
                            ? shape(saved, metadata, set).orElseThrow(() -> unknown(saved))
                            : ints(network.imageShape(saved));
            int height = side.orElse(shape[1]);
            int width = side.orElse(shape[2]);
            return new KnownImages(
                    new ImageInput(shape[0], height, width, normalization),
                    new ClassNames(names.orElse(null)));
        } catch (IllegalArgumentException e) {
            throw Failure.misuse(saved.file() + ": " + e.getMessage());
        }
    }

    /** The shape (channels, height, width) of the images that a module is for, if that is known. */
    public static Optional<Shape> shape(SavedModel script) throws IOException {
        Optional<DataSets> set = script.option("dataset").map(DataSets::named);
        try {
            return shape(script, TorchScriptFile.open(script.file()).metadata(), set)
                    .map(sizes -> new Shape(sizes[0], sizes[1], sizes[2]));
        } catch (IllegalArgumentException e) {
            return Optional.empty(); // Not of images.
        }
    }

    private static Optional<int[]> shape(
            SavedModel script, Optional<ScriptMetadata> metadata, Optional<DataSets> set) {
        if (metadata.isPresent() && metadata.get().inputShape() != null) {
            return Optional.of(ImageInput.shape(metadata.get()));
        }
        Optional<Integer> side =
                script.option("image-size").map(Integer::parseInt).filter(pixels -> pixels > 0);
        return set.map(
                own -> {
                    int usual = side.orElse(own.side());
                    return new int[] {own.normalization().mean().length, usual, usual};
                });
    }

    private static boolean saysNormalization(Optional<ScriptMetadata> metadata) {
        return metadata.map(m -> m.preprocessed() || (m.mean() != null && m.std() != null))
                .orElse(false);
    }

    private static int[] ints(Shape image) {
        return new int[] {(int) image.get(0), (int) image.get(1), (int) image.get(2)};
    }

    private static Failure unknown(SavedModel saved) {
        return Failure.misuse(
                saved.file()
                        + " does not tell what images it takes: give the --dataset that it was"
                        + " trained on.");
    }
}
