package io.flipout.djl.data;

import ai.djl.training.dataset.Dataset.Usage;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * The data sets by name, and where to find them: in the folder given, else in DJL's cache or
 * repository, else, for Fashion-MNIST, in Debian's package.
 */
public enum DataSets {
    /** Fashion-MNIST (Xiao et al., 2017): 60,000 + 10,000 grey images of 28×28. */
    FASHION_MNIST(28, 2, false, new float[] {.2860f}, new float[] {.3530f}) {
        @Override
        ImageSet find(Path folder, Usage usage, int side, Consumer<String> log) throws IOException {
            List<String> classes =
                    List.of(
                            "T-shirt/top",
                            "Trouser",
                            "Pullover",
                            "Dress",
                            "Coat",
                            "Sandal",
                            "Shirt",
                            "Sneaker",
                            "Bag",
                            "Ankle boot");
            if (folder != null) {
                return idx(folder, usage, classes);
            }
            Optional<DjlRepository> djl = DjlRepository.find("fashmnist", log);
            if (djl.isPresent()) {
                return idx(djl.get(), usage, classes);
            }
            Optional<Path> debian = DebianPackage.find(log);
            if (debian.isPresent()) {
                return idx(debian.get(), usage, classes);
            }
            throw missing(IDX_FILES + ", or install Debian's package dataset-fashion-mnist");
        }
    },
    /** MNIST (LeCun et al., 1998): 60,000 + 10,000 grey images of 28×28. */
    MNIST(28, 2, false, new float[] {.1307f}, new float[] {.3081f}) {
        @Override
        ImageSet find(Path folder, Usage usage, int side, Consumer<String> log) throws IOException {
            List<String> classes = List.of("0", "1", "2", "3", "4", "5", "6", "7", "8", "9");
            if (folder != null) {
                return idx(folder, usage, classes);
            }
            Optional<DjlRepository> djl = DjlRepository.find("mnist", log);
            if (djl.isPresent()) {
                return idx(djl.get(), usage, classes);
            }
            throw missing(IDX_FILES);
        }
    },
    /** CIFAR-10 (Krizhevsky, 2009): 50,000 + 10,000 colour images of 32×32. */
    CIFAR10(
            CifarFile.SIDE,
            4,
            true,
            new float[] {.4914f, .4822f, .4465f},
            new float[] {.2023f, .1994f, .2010f}) {
        @Override
        ImageSet find(Path folder, Usage usage, int side, Consumer<String> log) throws IOException {
            List<String> classes =
                    List.of(
                            "airplane",
                            "automobile",
                            "bird",
                            "cat",
                            "deer",
                            "dog",
                            "frog",
                            "horse",
                            "ship",
                            "truck");
            boolean test = usage == Usage.TEST;
            if (folder != null) {
                return CifarFile.read(cifarFiles(folder, test), classes);
            }
            Optional<DjlRepository> djl = DjlRepository.find("cifar10", log);
            if (djl.isPresent()) {
                String item = test ? "test_batch.bin" : "data_batch.bin";
                try (InputStream in = djl.get().open(item)) {
                    return CifarFile.read(
                            List.of(new CifarFile.Content(item, in.readAllBytes())), classes);
                }
            }
            throw missing(CIFAR_FILES);
        }
    },
    /** Imagenette (Howard, 2019): ten classes of ImageNet, scaled to 224×224. */
    IMAGENETTE(
            224,
            28,
            true,
            new float[] {.4625f, .4580f, .4295f},
            new float[] {.3901f, .3880f, .4042f}) {
        @Override
        ImageSet find(Path folder, Usage usage, int side, Consumer<String> log) throws IOException {
            return images(folder, usage, side, log);
        }
    },
    /** Any folder of images, scaled to one size; normalised by ImageNet's mean and deviation. */
    FOLDER(224, 28, false, new float[] {.485f, .456f, .406f}, new float[] {.229f, .224f, .225f}) {
        @Override
        ImageSet find(Path folder, Usage usage, int side, Consumer<String> log) throws IOException {
            return images(folder, usage, side, log);
        }
    };

    private static final String IDX_FILES =
            "train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and"
                    + " t10k-labels-idx1-ubyte (or with .gz)";
    private static final String CIFAR_FILES =
            "data_batch_1.bin to data_batch_5.bin and test_batch.bin (CIFAR-10's binary version)";
    private static final String IMAGE_FILES = "train/CLASS/*.jpg and val/CLASS/*.jpg";

    private final int side;
    private final int padding;
    private final boolean augmented;
    private final float[] mean;
    private final float[] std;

    DataSets(int side, int padding, boolean augmented, float[] mean, float[] std) {
        this.side = side;
        this.padding = padding;
        this.augmented = augmented;
        this.mean = mean;
        this.std = std;
    }

    /**
     * Returns the data set of a name.
     *
     * @param name the name, such as {@code fashion-mnist}
     * @return the data set
     * @throws IllegalArgumentException if there is none; the message lists what exists
     */
    public static DataSets named(String name) {
        return Arrays.stream(values())
                .filter(set -> set.dataName().equals(name))
                .findFirst()
                .orElseThrow(
                        () ->
                                new IllegalArgumentException(
                                        "Unknown data set '"
                                                + name
                                                + "'; there are "
                                                + String.join(", ", names())
                                                + "."));
    }

    /**
     * Lists the names.
     *
     * @return the names
     */
    public static List<String> names() {
        return Arrays.stream(values()).map(DataSets::dataName).toList();
    }

    /**
     * Returns the data set's name.
     *
     * @return the name, such as {@code fashion-mnist}
     */
    public String dataName() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /**
     * Returns the normalisation of its images.
     *
     * @return mean and deviation of each channel
     */
    public Normalization normalization() {
        return new Normalization(mean.clone(), std.clone());
    }

    /**
     * Returns the side of its images.
     *
     * @return the side in pixels; of a folder's images, what they are scaled to unless told
     *     otherwise
     */
    public int side() {
        return side;
    }

    /**
     * Returns the padding before a random crop.
     *
     * @param imageSide the side of the images in pixels
     * @return the padding in pixels: the paper's, in proportion
     */
    public int padding(int imageSide) {
        return Math.round((float) padding * imageSide / side);
    }

    /**
     * Tells whether the paper crops and flips the images in training.
     *
     * @return true for CIFAR-10 and Imagenette
     */
    public boolean isAugmented() {
        return augmented;
    }

    /**
     * Tells whether validation images are the last of the training set, as in the paper on
     * CIFAR-10, or drawn at random.
     *
     * @return true where they are the last
     */
    public boolean isValidationLast() {
        return this != IMAGENETTE && this != FOLDER;
    }

    /**
     * Loads images.
     *
     * @param folder where they lie; null to look in DJL's cache, DJL's repository and, for
     *     Fashion-MNIST, Debian's package
     * @param usage training or test; a folder's test images are those of {@code val}
     * @param imageSide the side to scale images of a folder to, in pixels; 0 for 224
     * @param log is told what happens before something large is downloaded, and what of a folder is
     *     passed over
     * @return the images
     * @throws DataException if files are missing or damaged; the message names them
     * @throws IOException if a file cannot be read
     */
    public ImageSet load(Path folder, Usage usage, int imageSide, Consumer<String> log)
            throws IOException {
        if (folder != null && !Files.isDirectory(folder)) {
            throw new DataException("There is no folder " + folder + " for " + dataName() + ".");
        }
        return find(folder, usage, imageSide > 0 ? imageSide : side, log);
    }

    abstract ImageSet find(Path folder, Usage usage, int imageSide, Consumer<String> log)
            throws IOException;

    DataException missing(String files) {
        return new DataException(
                "The data set "
                        + dataName()
                        + " is not here and cannot be downloaded: give --data a folder with "
                        + files
                        + ".");
    }

    ImageSet images(Path folder, Usage usage, int imageSide, Consumer<String> log)
            throws IOException {
        if (folder == null) {
            throw missing(IMAGE_FILES);
        }
        return ImageFolder.read(folder, usage == Usage.TEST ? "val" : "train", imageSide, log);
    }

    private static ImageSet idx(DjlRepository djl, Usage usage, List<String> classes)
            throws IOException {
        String split = usage == Usage.TEST ? "test" : "train";
        return IdxFile.read(djl.source(split + "_data"), djl.source(split + "_labels"), classes);
    }

    private static ImageSet idx(Path folder, Usage usage, List<String> classes) throws IOException {
        String split = usage == Usage.TEST ? "t10k" : "train";
        return IdxFile.read(
                file(folder, split + "-images", "idx3-ubyte"),
                file(folder, split + "-labels", "idx1-ubyte"),
                classes);
    }

    private static IdxFile.Source file(Path folder, String stem, String type) throws IOException {
        List<String> names = new ArrayList<>();
        for (String joint : List.of("-", ".")) {
            names.add(stem + joint + type);
            names.add(stem + joint + type + ".gz");
        }
        for (String name : names) {
            Path path = folder.resolve(name);
            if (Files.isRegularFile(path)) {
                return new IdxFile.Source() {
                    @Override
                    public InputStream open() throws IOException {
                        InputStream in = Files.newInputStream(path);
                        return IdxFile.unpacked(new BufferedInputStream(in, 1 << 16));
                    }

                    @Override
                    public String name() {
                        return path.toString();
                    }
                };
            }
        }
        throw new DataException(
                "There is no "
                        + names.get(0)
                        + " in "
                        + folder
                        + ", which should hold "
                        + IDX_FILES
                        + ".");
    }

    private static List<CifarFile.Content> cifarFiles(Path folder, boolean test)
            throws IOException {
        Path nested = folder.resolve("cifar-10-batches-bin");
        Path root = Files.isDirectory(nested) ? nested : folder;
        List<String> names =
                test
                        ? List.of("test_batch.bin")
                        : List.of(
                                "data_batch_1.bin",
                                "data_batch_2.bin",
                                "data_batch_3.bin",
                                "data_batch_4.bin",
                                "data_batch_5.bin");
        List<CifarFile.Content> files = new ArrayList<>();
        for (String name : names) {
            Path path = root.resolve(name);
            if (!Files.isRegularFile(path)) {
                throw new DataException(
                        "There is no "
                                + name
                                + " in "
                                + root
                                + ", which should hold "
                                + CIFAR_FILES
                                + ".");
            }
            files.add(new CifarFile.Content(path.toString(), Files.readAllBytes(path)));
        }
        return files;
    }
}
