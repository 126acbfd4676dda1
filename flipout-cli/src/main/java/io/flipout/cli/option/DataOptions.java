package io.flipout.cli.option;

import ai.djl.training.dataset.Dataset.Usage;
import io.flipout.cli.terminal.Failure;
import io.flipout.djl.data.DataSets;
import io.flipout.djl.data.ImageDataset;
import io.flipout.djl.data.ImageSet;
import io.flipout.djl.data.Normalization;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParseResult;

/** Options that say what to train on. */
public final class DataOptions {

    private static final int EVALUATION_BATCH = 256;

    @Option(
            names = "--dataset",
            paramLabel = "NAME",
            defaultValue = "fashion-mnist",
            description =
                    "fashion-mnist, mnist, cifar10, imagenette, or folder for train/CLASS/* and"
                            + " val/CLASS/* (default: ${DEFAULT-VALUE}).")
    private String dataset;

    @Option(
            names = "--data",
            paramLabel = "DIR",
            description = "Folder of the data set (default: DJL's cache, or a download).")
    private Path data;

    @Option(
            names = "--val-size",
            paramLabel = "N",
            defaultValue = "0",
            description =
                    "Training images to hold out and score after every epoch (default:"
                            + " ${DEFAULT-VALUE}).")
    private int valSize;

    @Option(
            names = "--limit",
            paramLabel = "N",
            description = "Take only the first N training and test images.")
    private Integer limit;

    @Option(
            names = "--augment",
            negatable = true,
            description =
                    "Crop and flip training images at random (default: cifar10 and imagenette"
                            + " only).")
    private Boolean augment;

    @Option(
            names = "--image-size",
            paramLabel = "N",
            defaultValue = "0",
            description = "Side to scale images of a folder to (default: 224).")
    private int imageSize;

    /** Whether the network is given pixels of 0 to 255, as it normalises them itself. */
    private boolean asPixels;

    /** The images of a run. */
    public record Images(ImageSet train, Optional<ImageSet> validation, ImageSet test) {

        /**
         * Labels the images as a network does that knows some classes already.
         *
         * @throws IllegalArgumentException if an image is of a class that it does not know
         */
        public Images inClasses(List<String> names) {
            return new Images(
                    train.inClasses(names),
                    validation.map(set -> set.inClasses(names)),
                    test.inClasses(names));
        }
    }

    public DataSets dataSet() {
        return DataSets.named(dataset);
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

    /** Checks the values and fills in what the data set decides. */
    public void resolve() {
        if (augment == null) {
            augment = dataSet().isAugmented();
        }
        if (valSize < 0) {
            throw Failure.misuse("--val-size must be at least 0, got " + valSize + ".");
        }
        if (limit != null && limit < 1) {
            throw Failure.misuse("--limit must be at least 1, got " + limit + ".");
        }
        if (imageSize < 0) {
            throw Failure.misuse("--image-size must be at least 1, got " + imageSize + ".");
        }
    }

    public Images load(long seed, Consumer<String> log) throws IOException {
        ImageSet train = limited(dataSet().load(data, Usage.TRAIN, imageSize, log));
        ImageSet test = loadTest(log);
        if (!size(train).equals(size(test))) {
            throw Failure.of(
                    "The training images are of "
                            + size(train)
                            + " pixels, the test images of "
                            + size(test)
                            + ": get the data set anew or point --data elsewhere.",
                    null);
        }
        if (train.classes().size() < 2) {
            throw Failure.misuse(
                    "The images in "
                            + data
                            + " are all of one class, '"
                            + train.classes().get(0)
                            + "': there is nothing to tell apart; add a folder for each other"
                            + " class.");
        }
        if (valSize == 0) {
            return new Images(train, Optional.empty(), test);
        }
        ImageSet.Split split =
                dataSet().isValidationLast()
                        ? train.splitLast(valSize)
                        : train.splitRandom(valSize, seed);
        return new Images(split.rest(), Optional.of(split.part()), test);
    }

    public static String size(ImageSet images) {
        return images.height() + "×" + images.width();
    }

    public ImageSet loadTest(Consumer<String> log) throws IOException {
        return limited(dataSet().load(data, Usage.TEST, imageSize, log));
    }

    public ImageSet loadTrain(Consumer<String> log) throws IOException {
        return limited(dataSet().load(data, Usage.TRAIN, imageSize, log));
    }

    private ImageSet limited(ImageSet set) {
        return limit == null ? set : set.first(limit);
    }

    public ImageDataset forTraining(ImageSet set, int batchSize, long seed) {
        return training(set, batchSize, seed).build();
    }

    /** Images that come in the same order again in every round of so many epochs. */
    public ImageDataset forRounds(
            ImageSet set, int batchSize, long seed, int roundEpochs, long rewindStep) {
        return training(set, batchSize, seed).optRounds(roundEpochs, rewindStep).build();
    }

    private ImageDataset.Builder training(ImageSet set, int batchSize, long seed) {
        ImageDataset.Builder builder =
                ImageDataset.builder()
                        .setImages(set)
                        .setNormalization(normalization())
                        .setBatchSize(batchSize)
                        .optShuffle(true)
                        .optSeed(seed);
        return augment ? builder.optAugmentation(dataSet().padding(set.height())) : builder;
    }

    public ImageDataset forEvaluation(ImageSet set) {
        return ImageDataset.builder()
                .setImages(set)
                .setNormalization(normalization())
                .setBatchSize(EVALUATION_BATCH)
                .build();
    }
}
