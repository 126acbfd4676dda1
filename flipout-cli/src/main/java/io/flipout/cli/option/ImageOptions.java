package io.flipout.cli.option;

import ai.djl.training.dataset.Dataset.Usage;
import io.flipout.cli.terminal.Failure;
import io.flipout.djl.data.DataSets;
import io.flipout.djl.data.ImageDataset;
import io.flipout.djl.data.ImageSet;
import io.flipout.djl.data.Normalization;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParseResult;

/** Options that say which images a network is shown. */
public final class ImageOptions {

    private static final int EVALUATION_BATCH = 256;

    @Option(
            names = "--dataset",
            paramLabel = "NAME",
            defaultValue = "fashion-mnist",
            description =
                    "fashion-mnist, mnist, cifar10, imagenette, or folder for train/CLASS/* and"
                            + " val/CLASS/* (default: ${DEFAULT-VALUE}, or that of a run).")
    private String dataset;

    @Option(
            names = "--data",
            paramLabel = "DIR",
            description =
                    "Folder of the data set (default: DJL's cache, or a download; that of a run).")
    private Path data;

    @Option(
            names = "--limit",
            paramLabel = "N",
            description = "Take only the first N training and test images.")
    private Integer limit;

    @Option(
            names = "--image-size",
            paramLabel = "N",
            defaultValue = "0",
            description = "Side to scale the images of folder and imagenette to (default: 224).")
    private int imageSize;

    /** Whether the network is given pixels of 0 to 255, as it normalises them itself. */
    private boolean asPixels;

    public DataSets dataSet() {
        return DataSets.named(dataset);
    }

    /**
     * Takes from a run what the command line leaves open.
     *
     * @param run returns an option of the run by its name, if there is one
     */
    public void fillFrom(ParseResult given, Function<String, Optional<String>> run) {
        if (!given.hasMatchedOption("--dataset")) {
            run.apply("dataset").ifPresent(name -> dataset = name);
            if (!given.hasMatchedOption("--data")) {
                run.apply("data").ifPresent(folder -> data = Path.of(folder));
            }
        }
        if (!given.hasMatchedOption("--image-size")) {
            run.apply("image-size").ifPresent(side -> imageSize = Integer.parseInt(side));
        }
    }

    /** Leaves images as they are for a network that normalises them itself. */
    public void takePixels(boolean pixels) {
        asPixels = pixels;
    }

    /** Returns what is done to the images' bytes. */
    public Normalization normalization() {
        Normalization usual = dataSet().normalization();
        return asPixels ? Normalization.none(usual.mean().length) : usual;
    }

    /** Checks the values. */
    public void resolve() {
        dataSet();
        if (limit != null && limit < 1) {
            throw Failure.misuse("--limit must be at least 1, got " + limit + ".");
        }
        if (imageSize < 0) {
            throw Failure.misuse("--image-size must be at least 1, got " + imageSize + ".");
        }
    }

    /** Returns where the data set's folder is on this machine; null if none was named. */
    private Path place() {
        return data == null ? null : Relocated.path(data.toString());
    }

    Path folder() {
        return data;
    }

    boolean isLimited() {
        return limit != null;
    }

    /** Whether an option means something to the data set. */
    public boolean applies(String option) {
        return !option.equals("--image-size")
                || dataSet() == DataSets.FOLDER
                || dataSet() == DataSets.IMAGENETTE;
    }

    public static String size(ImageSet images) {
        return images.height() + "×" + images.width();
    }

    public ImageSet loadTest(Consumer<String> log) throws IOException {
        return limited(dataSet().load(place(), Usage.TEST, imageSize, log));
    }

    public ImageSet loadTrain(Consumer<String> log) throws IOException {
        return limited(dataSet().load(place(), Usage.TRAIN, imageSize, log));
    }

    private ImageSet limited(ImageSet set) {
        return limit == null ? set : set.first(limit);
    }

    public ImageDataset forEvaluation(ImageSet set) {
        return ImageDataset.builder()
                .setImages(set)
                .setNormalization(normalization())
                .setBatchSize(EVALUATION_BATCH)
                .build();
    }
}
