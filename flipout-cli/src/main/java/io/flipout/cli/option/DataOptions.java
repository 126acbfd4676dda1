package io.flipout.cli.option;

import io.flipout.cli.terminal.Failure;
import io.flipout.djl.data.DataSets;
import io.flipout.djl.data.ImageDataset;
import io.flipout.djl.data.ImageSet;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Consumer;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Options that say what to train on. */
public final class DataOptions {

    @Mixin private ImageOptions images;

    @Option(
            names = "--val-size",
            paramLabel = "N",
            defaultValue = "0",
            description =
                    "Training images to hold out and score after every epoch (default:"
                            + " ${DEFAULT-VALUE}).")
    private int valSize;

    @Option(
            names = "--augment",
            negatable = true,
            description =
                    "Crop and flip training images at random (default: cifar10 and imagenette"
                            + " only).")
    private Boolean augment;

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

    /** Leaves images as they are for a network that normalises them itself. */
    public void takePixels(boolean pixels) {
        images.takePixels(pixels);
    }

    /** Checks the values and fills in what the data set decides. */
    public void resolve() {
        images.resolve();
        if (augment == null) {
            augment = dataSet().isAugmented();
        }
        if (valSize < 0) {
            throw Failure.misuse("--val-size must be at least 0, got " + valSize + ".");
        }
    }

    public Images load(long seed, Consumer<String> log) throws IOException {
        ImageSet train = images.loadTrain(log);
        ImageSet test = images.loadTest(log);
        if (!ImageOptions.size(train).equals(ImageOptions.size(test))) {
            throw Failure.of(
                    "The training images are of "
                            + ImageOptions.size(train)
                            + " pixels, the test images of "
                            + ImageOptions.size(test)
                            + ": get the data set anew or point --data elsewhere.",
                    null);
        }
        if (train.classes().size() < 2) {
            throw Failure.misuse(
                    "The images in "
                            + images.folder()
                            + " are all of one class, '"
                            + train.classes().get(0)
                            + "': there is nothing to tell apart; add a folder for each other"
                            + " class.");
        }
        if (valSize == 0) {
            return new Images(train, Optional.empty(), test);
        }
        if (valSize >= train.size()) {
            throw Failure.misuse(
                    String.format(
                            Locale.ROOT,
                            "--val-size %d holds out all of the %d training images for validation:"
                                    + " give a smaller one%s.",
                            valSize,
                            train.size(),
                            images.isLimited() ? ", or a larger --limit" : ""));
        }
        ImageSet.Split split =
                dataSet().isValidationLast()
                        ? train.splitLast(valSize)
                        : train.splitRandom(valSize, seed);
        return new Images(split.rest(), Optional.of(split.part()), test);
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
                        .setNormalization(images.normalization())
                        .setBatchSize(batchSize)
                        .optShuffle(true)
                        .optSeed(seed);
        return augment ? builder.optAugmentation(dataSet().padding(set.height())) : builder;
    }

    public ImageSet loadTrain(Consumer<String> log) throws IOException {
        return images.loadTrain(log);
    }

    public ImageDataset forEvaluation(ImageSet set) {
        return images.forEvaluation(set);
    }

    public DataSets dataSet() {
        return images.dataSet();
    }

    /** Whether an option means something to the data set. */
    public boolean applies(String option) {
        return images.applies(option);
    }
}
