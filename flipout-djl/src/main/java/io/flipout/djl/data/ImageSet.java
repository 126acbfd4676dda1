package io.flipout.djl.data;

import io.flipout.tensor.Randoms;
import java.text.Normalizer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.zip.CRC32C;

/**
 * Images of one size with their classes, kept as bytes: a quarter of what DJL's own data sets take.
 */
public final class ImageSet {

    /** Names of classes that are listed. */
    private static final int SHOWN = 10;

    private final byte[][] images;
    private final int[] labels;
    private final int channels;
    private final int height;
    private final int width;
    private final List<String> classes;

    /**
     * Creates a set.
     *
     * @param images the images, each (C, H, W) in row-major order, 0 to 255 unsigned; not copied
     * @param labels the class of each image, from 0
     * @param channels C
     * @param height H, in pixels
     * @param width W, in pixels
     * @param classes the names of the classes
     * @throws IllegalArgumentException if sizes disagree or a label has no class
     */
    public ImageSet(
            byte[][] images,
            int[] labels,
            int channels,
            int height,
            int width,
            List<String> classes) {
        if (images.length != labels.length) {
            throw new IllegalArgumentException(
                    "There are " + images.length + " images but " + labels.length + " labels.");
        }
        for (int i = 0; i < images.length; i++) {
            if (images[i].length != channels * height * width) {
                throw new IllegalArgumentException(
                        "Image "
                                + i
                                + " has "
                                + images[i].length
                                + " bytes, not "
                                + channels
                                + "×"
                                + height
                                + "×"
                                + width
                                + ".");
            }
            if (labels[i] < 0 || labels[i] >= classes.size()) {
                throw new IllegalArgumentException(
                        "Image "
                                + i
                                + " has the label "
                                + labels[i]
                                + ", but there are only the"
                                + " classes 0 to "
                                + (classes.size() - 1)
                                + ".");
            }
        }
        this.images = images;
        this.labels = labels;
        this.channels = channels;
        this.height = height;
        this.width = width;
        this.classes = List.copyOf(classes);
    }

    /** A set without one part of its images, and that part. */
    public record Split(ImageSet rest, ImageSet part) {}

    /**
     * Returns the number of images.
     *
     * @return the number of images
     */
    public int size() {
        return images.length;
    }

    /**
     * Returns an image.
     *
     * @param index its position
     * @return its bytes, (C, H, W) in row-major order; not a copy
     */
    public byte[] image(int index) {
        return images[index];
    }

    /**
     * Returns the class of an image.
     *
     * @param index its position
     * @return its class, from 0
     */
    public int label(int index) {
        return labels[index];
    }

    /**
     * Returns the number of channels.
     *
     * @return C
     */
    public int channels() {
        return channels;
    }

    /**
     * Returns the height.
     *
     * @return H, in pixels
     */
    public int height() {
        return height;
    }

    /**
     * Returns the width.
     *
     * @return W, in pixels
     */
    public int width() {
        return width;
    }

    /**
     * Returns the names of the classes.
     *
     * @return the names, by class
     */
    public List<String> classes() {
        return classes;
    }

    /**
     * Returns the first images.
     *
     * @param count how many, at least 1; all, if there are fewer
     * @return the set of these
     */
    public ImageSet first(int count) {
        return subset(IntStream.range(0, Math.min(count, size())).toArray());
    }

    /**
     * Takes the last images away, as the paper does on CIFAR-10.
     *
     * @param count how many, at least 1 and fewer than there are
     * @return the others, and the last
     * @throws IllegalArgumentException if the count is out of its range
     */
    public Split splitLast(int count) {
        check(count);
        return split(IntStream.range(0, size()).toArray(), count);
    }

    /**
     * Takes images away at random.
     *
     * @param count how many, at least 1 and fewer than there are
     * @param seed the seed
     * @return the others, and those taken away
     * @throws IllegalArgumentException if the count is out of its range
     */
    public Split splitRandom(int count, long seed) {
        check(count);
        return split(permutation(size(), Randoms.stream(seed)), count);
    }

    private Split split(int[] order, int count) {
        int[] rest = Arrays.copyOf(order, order.length - count);
        int[] part = Arrays.copyOfRange(order, order.length - count, order.length);
        return new Split(subset(rest), subset(part));
    }

    private void check(int count) {
        if (count < 1 || count >= size()) {
            throw new IllegalArgumentException(
                    "Cannot take "
                            + count
                            + " of "
                            + size()
                            + " images for validation: take 1 to "
                            + (size() - 1)
                            + ".");
        }
    }

    private ImageSet subset(int[] indices) {
        return new ImageSet(
                Arrays.stream(indices).mapToObj(i -> images[i]).toArray(byte[][]::new),
                Arrays.stream(indices).map(i -> labels[i]).toArray(),
                channels,
                height,
                width,
                classes);
    }

    /**
     * Labels these images as a network does that was trained on others: classes are matched by
     * their names, wherever they stand.
     *
     * @param names the classes that the network tells apart, in the order of its outputs; the
     *     images may lack some
     * @return the same images, whose classes are these
     * @throws IllegalArgumentException if an image is of a class that is not among them, or one is
     *     among them twice
     */
    public ImageSet inClasses(List<String> names) {
        if (names.equals(classes)) {
            return this;
        }
        Map<String, Integer> positions = new HashMap<>();
        for (int i = 0; i < names.size(); i++) {
            if (positions.put(spelled(names.get(i)), i) != null) {
                throw new IllegalArgumentException(
                        "The network names the class '"
                                + names.get(i)
                                + "' twice: give each of its classes a name of its own.");
            }
        }
        int[] known =
                classes.stream()
                        .mapToInt(name -> positions.getOrDefault(spelled(name), -1))
                        .toArray();
        List<String> unknown =
                Arrays.stream(labels)
                        .filter(label -> known[label] < 0)
                        .distinct()
                        .sorted()
                        .mapToObj(classes::get)
                        .toList();
        if (!unknown.isEmpty()) {
            throw new IllegalArgumentException(
                    "The network does not know the "
                            + (unknown.size() == 1 ? "class " : "classes ")
                            + listed(unknown)
                            + " of the images, only "
                            + listed(names)
                            + ": classes are matched by their names.");
        }
        int[] positioned = Arrays.stream(labels).map(label -> known[label]).toArray();
        return new ImageSet(images, positioned, channels, height, width, names);
    }

    /** Letters with accents are spelled in two ways. */
    private static String spelled(String name) {
        return Normalizer.normalize(name, Normalizer.Form.NFC);
    }

    private static String listed(List<String> names) {
        String first =
                names.stream()
                        .limit(SHOWN)
                        .map(name -> "'" + name + "'")
                        .collect(Collectors.joining(", "));
        return names.size() > SHOWN ? first + ", ... (" + names.size() + ")" : first;
    }

    /**
     * Returns a number that tells these images, in this order and with these labels, from others;
     * names of classes do not count.
     *
     * @return a CRC-32C
     */
    public long checksum() {
        CRC32C crc = new CRC32C();
        for (int i = 0; i < images.length; i++) {
            crc.update(images[i]);
            crc.update(labels[i] >>> 8);
            crc.update(labels[i]);
        }
        return crc.getValue();
    }

    /** Shuffles 0 to size - 1; every order is as likely as another. */
    static int[] permutation(int size, SplittableRandom random) {
        int[] order = IntStream.range(0, size).toArray();
        for (int i = size - 1; i > 0; i--) {
            int j = random.nextInt(i + 1);
            int swapped = order[i];
            order[i] = order[j];
            order[j] = swapped;
        }
        return order;
    }
}
