package io.flipout.djl.data;

import io.flipout.tensor.Randoms;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * Images of one size with their classes, kept as bytes: a quarter of what DJL's own data sets take.
 */
public final class ImageSet {

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
