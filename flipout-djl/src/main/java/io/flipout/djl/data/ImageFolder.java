package io.flipout.djl.data;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.text.Normalizer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * A folder of images: {@code train/CLASS/*} and {@code val/CLASS/*}, JPEG or PNG.
 *
 * <p>Classes are the folders of {@code train} in alphabetical order, also for {@code val}, which
 * may lack some; where there is only {@code val}, its own. Every image is scaled to one size,
 * whatever its aspect; grey ones get three channels. What is hidden, of another kind or deeper down
 * is passed over and told; what cannot be meant, such as a class without images or a link to
 * nothing, is refused.
 */
final class ImageFolder {

    /** Mixes the classes, the same way every time, so that the first N images are of all. */
    private static final long MIX = 10;

    /** What a name has where its bytes are no text in the encoding of the system. */
    private static final String UNREADABLE = "\ufffd";

    private final Path folder;
    private final PassedOver passedOver;

    private ImageFolder(Path folder) {
        this.folder = folder;
        passedOver = new PassedOver(folder);
    }

    /**
     * Reads the images of {@code root/split}.
     *
     * @param log is told what is passed over
     */
    static ImageSet read(Path root, String split, int side, Consumer<String> log)
            throws IOException {
        Path train = root.resolve("train");
        Path folder = root.resolve(split);
        if (!Files.isDirectory(folder)) {
            throw new DataException(
                    "There is no folder "
                            + folder
                            + ": images are expected as train/CLASS/*.jpg and"
                            + " val/CLASS/*.jpg (or .jpeg, .png) in "
                            + root
                            + ".");
        }
        Path naming = Files.isDirectory(train) ? train : folder;
        List<String> classes = List.copyOf(new ImageFolder(naming).classes().keySet());
        ImageFolder images = new ImageFolder(folder);
        List<Path> files = new ArrayList<>();
        List<Integer> labels = new ArrayList<>();
        for (Map.Entry<String, Path> entry : images.classes().entrySet()) {
            List<Path> found = images.images(entry.getValue(), folder.equals(train));
            int label = classes.indexOf(entry.getKey());
            if (label < 0 && !found.isEmpty()) {
                throw new DataException(
                        entry.getValue()
                                + " is a class that the training images do not have; they have "
                                + classes
                                + ".");
            }
            files.addAll(found);
            labels.addAll(Collections.nCopies(found.size(), label));
        }
        if (files.isEmpty()) {
            throw new DataException(
                    folder + " holds no images (.jpg, .jpeg, .png) in folders of classes.");
        }
        images.passedOver.tell(log);
        Collections.shuffle(files, new Random(MIX));
        Collections.shuffle(labels, new Random(MIX));
        return decode(files, labels, classes, side);
    }

    /** Returns the folders of the classes by name, in alphabetical order. */
    private Map<String, Path> classes() throws IOException {
        Map<String, Path> classes = new TreeMap<>();
        for (Path entry : entries(folder)) {
            if (isHidden(entry)) {
                passedOver.add(PassedOver.HIDDEN, entry);
            } else if (Files.isDirectory(entry)) {
                Path same = classes.put(className(entry), entry);
                if (same != null) {
                    throw new DataException(
                            same
                                    + " and "
                                    + entry.getFileName()
                                    + " are one name in two spellings of Unicode: put their images"
                                    + " into one folder.");
                }
            } else {
                refuseBroken(entry);
                passedOver.add(PassedOver.NO_CLASS, entry);
            }
        }
        return classes;
    }

    /** Names go into lists of a name a line, and are compared by what they look like. */
    private static String className(Path entry) throws DataException {
        String name = entry.getFileName().toString();
        if (name.contains(UNREADABLE)) {
            throw new DataException(
                    "The name of the class "
                            + entry
                            + " is no text in the encoding of this system: rename it, or set"
                            + " LC_ALL=C.UTF-8.");
        }
        if (name.chars().anyMatch(Character::isISOControl)) {
            throw new DataException(
                    "The name of the class '"
                            + entry.toString().replaceAll("\\p{Cntrl}", "?")
                            + "' has a line break or another control character: rename it.");
        }
        return Normalizer.normalize(name, Normalizer.Form.NFC);
    }

    /** Returns the images of a class. */
    private List<Path> images(Path classFolder, boolean isNeeded) throws IOException {
        List<Path> images = new ArrayList<>();
        for (Path entry : entries(classFolder)) {
            if (isHidden(entry)) {
                passedOver.add(PassedOver.HIDDEN, entry);
            } else if (Files.isDirectory(entry)) {
                passedOver.add(PassedOver.NESTED, entry);
            } else if (ImageFile.isNamed(entry)) {
                refuseBroken(entry);
                images.add(entry);
            } else {
                passedOver.add(PassedOver.OTHER, entry);
            }
        }
        if (images.isEmpty() && isNeeded) {
            throw new DataException(
                    "The class "
                            + classFolder
                            + " has no images (.jpg, .jpeg, .png)"
                            + passedOver.in(classFolder)
                            + ": add some or remove the folder.");
        }
        if (images.isEmpty()) {
            passedOver.add(PassedOver.EMPTY, classFolder);
        }
        return images;
    }

    private static List<Path> entries(Path folder) throws IOException {
        try (Stream<Path> entries = Files.list(folder)) {
            return entries.sorted().toList();
        }
    }

    private static boolean isHidden(Path entry) {
        return entry.getFileName().toString().startsWith(".");
    }

    private static void refuseBroken(Path entry) throws DataException {
        if (!Files.exists(entry) && Files.exists(entry, LinkOption.NOFOLLOW_LINKS)) {
            throw new DataException(entry + " is a link that leads to nothing: mend or remove it.");
        }
        if (!Files.isRegularFile(entry)) {
            throw new DataException(
                    entry + " is no file, but a device or a pipe: mend or remove it.");
        }
    }

    private static ImageSet decode(
            List<Path> files, List<Integer> labels, List<String> classes, int side)
            throws IOException {
        byte[][] images = new byte[files.size()][];
        try {
            IntStream.range(0, images.length)
                    .parallel()
                    .forEach(
                            i -> {
                                try {
                                    images[i] = Pixels.of(Pixels.read(files.get(i)), 3, side, side);
                                } catch (IOException e) {
                                    throw new UncheckedIOException(e);
                                }
                            });
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
        int[] label = labels.stream().mapToInt(Integer::intValue).toArray();
        return new ImageSet(images, label, 3, side, side, classes);
    }
}
