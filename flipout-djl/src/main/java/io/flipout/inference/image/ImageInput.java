package io.flipout.inference.image;

import io.flipout.djl.data.Normalization;
import io.flipout.djl.data.Pixels;
import io.flipout.djl.torchscript.ScriptMetadata;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/**
 * What a network takes images as: their size, and the numbers that their bytes become. Images of
 * other sizes are scaled as they are for training, see {@link Pixels#of}.
 */
public final class ImageInput {

    /** More pixels than any network takes. */
    private static final long MOST_PIXELS = 1 << 26;

    private final int channels;
    private final int height;
    private final int width;
    private final float[][] values; // [channel][byte]

    /**
     * Creates the input.
     *
     * @param channels C: 1 for grey, 3 for red, green and blue
     * @param height H, in pixels
     * @param width W, in pixels
     * @param normalization mean and deviation of each channel; null for a network that takes pixels
     *     of 0 to 255
     * @throws IllegalArgumentException if there are no such images, or the channels disagree
     */
    public ImageInput(int channels, int height, int width, Normalization normalization) {
        if ((channels != 1 && channels != 3)
                || height < 1
                || width < 1
                || (long) height * width > MOST_PIXELS) {
            throw new IllegalArgumentException(
                    String.format(
                            Locale.ROOT,
                            "There are no images of shape %d×%d×%d.",
                            channels,
                            height,
                            width));
        }
        if (normalization != null && normalization.mean().length != channels) {
            throw new IllegalArgumentException(
                    String.format(
                            Locale.ROOT,
                            "The network takes images of %d channels, but the mean and deviation"
                                    + " are of %d.",
                            channels,
                            normalization.mean().length));
        }
        this.channels = channels;
        this.height = height;
        this.width = width;
        values = normalization == null ? raw(channels) : normalization.table();
    }

    /**
     * Takes what a file says of itself.
     *
     * @param metadata of the file
     * @return the input
     * @throws IllegalArgumentException if it does not say enough, or what cannot be
     */
    public static ImageInput of(ScriptMetadata metadata) {
        int[] shape = shape(metadata);
        return new ImageInput(shape[0], shape[1], shape[2], normalization(metadata));
    }

    /**
     * The shape that a file says its images have.
     *
     * @param metadata of the file
     * @return channels, height, width; whether there are such images is not checked
     * @throws IllegalArgumentException if it says none
     */
    public static int[] shape(ScriptMetadata metadata) {
        List<Long> shape = metadata.inputShape();
        if (shape == null || shape.size() != 3 || shape.contains(null)) {
            throw new IllegalArgumentException(
                    "The file's metadata name no shape (channels, height, width) of images.");
        }
        // Sizes that are too large stay so.
        return shape.stream().mapToInt(s -> (int) Math.max(-1, Math.min(s, 1 << 27))).toArray();
    }

    /**
     * The normalisation that a file says its images have.
     *
     * @param metadata of the file
     * @return mean and deviation; null where the network takes pixels of 0 to 255
     * @throws IllegalArgumentException if it says none, or what cannot be
     */
    public static Normalization normalization(ScriptMetadata metadata) {
        if (metadata.preprocessed()) {
            return null;
        }
        if (metadata.mean() == null || metadata.std() == null) {
            throw new IllegalArgumentException(
                    "The file's metadata do not tell by which mean and deviation its images are"
                            + " normalised.");
        }
        return new Normalization(floats(metadata.mean()), floats(metadata.std()));
    }

    private static float[] floats(List<Float> list) {
        float[] floats = new float[list.size()];
        for (int i = 0; i < floats.length; i++) {
            Float value = list.get(i);
            if (value == null || !Float.isFinite(value)) {
                throw new IllegalArgumentException(
                        "The file's metadata have a mean or deviation that is no number.");
            }
            floats[i] = value;
        }
        return floats;
    }

    private static float[][] raw(int channels) {
        float[][] values = new float[channels][256];
        for (float[] row : values) {
            for (int b = 0; b < row.length; b++) {
                row[b] = b;
            }
        }
        return values;
    }

    /**
     * Returns the sizes of an image.
     *
     * @return channels, height, width
     */
    public int[] shape() {
        return new int[] {channels, height, width};
    }

    /**
     * Returns how many numbers an image is.
     *
     * @return channels times height times width
     */
    public int size() {
        return channels * height * width;
    }

    /**
     * Reads an image, JPEG or PNG.
     *
     * @param file the file
     * @param to where the numbers go, (C, H, W) in row-major order
     * @param offset where they begin
     * @return whether the image had another size and was scaled
     * @throws io.flipout.djl.data.DataException if it is no image that can be decoded
     * @throws IOException if it cannot be read
     */
    public boolean read(Path file, float[] to, int offset) throws IOException {
        BufferedImage image = Pixels.read(file);
        put(Pixels.of(image, channels, height, width), to, offset);
        return image.getWidth() != width || image.getHeight() != height;
    }

    /**
     * Converts an image.
     *
     * @param image the image
     * @return its numbers, (C, H, W) in row-major order
     */
    public float[] of(BufferedImage image) {
        float[] numbers = new float[size()];
        put(Pixels.of(image, channels, height, width), numbers, 0);
        return numbers;
    }

    /**
     * Converts the bytes of an image of the network's size.
     *
     * @param bytes (C, H, W) in row-major order, 0 to 255 unsigned
     * @param to where the numbers go, in the same order
     * @param offset where they begin
     */
    public void put(byte[] bytes, float[] to, int offset) {
        int area = height * width;
        for (int c = 0; c < channels; c++) {
            for (int i = c * area; i < (c + 1) * area; i++) {
                to[offset + i] = values[c][bytes[i] & 0xff];
            }
        }
    }
}
