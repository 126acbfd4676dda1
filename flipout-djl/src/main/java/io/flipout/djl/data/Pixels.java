package io.flipout.djl.data;

import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Path;

/**
 * An image as bytes of the size that a network takes: for training and for prediction the same
 * ones.
 */
public final class Pixels {

    private Pixels() {}

    /**
     * Tells whether a file's name is that of an image.
     *
     * @param file the file, which need not exist
     * @return true for .jpg, .jpeg and .png in any case
     */
    public static boolean isNamed(Path file) {
        return ImageFile.isNamed(file);
    }

    /**
     * Reads a file, JPEG or PNG whatever its name says.
     *
     * @param file the file
     * @return the image
     * @throws DataException if the file is damaged, cut off or no image
     * @throws IOException if it cannot be read
     */
    public static BufferedImage read(Path file) throws IOException {
        return ImageFile.read(file);
    }

    /**
     * Scales an image to a size, whatever its aspect, bilinearly. It is halved while it is more
     * than twice too large, so that no pixel is skipped. Of colours, grey takes 0.299 of red, 0.587
     * of green and 0.114 of blue.
     *
     * @param image the image
     * @param channels C: 1 for grey, 3 for red, green and blue
     * @param height H, in pixels
     * @param width W, in pixels
     * @return the bytes, (C, H, W) in row-major order, 0 to 255 unsigned
     * @throws IllegalArgumentException if there are other numbers of channels
     */
    public static byte[] of(BufferedImage image, int channels, int height, int width) {
        if (channels != 1 && channels != 3) {
            throw new IllegalArgumentException(
                    "Images have 1 channel or 3, which the network's " + channels + " are not.");
        }
        int[] rgb = resize(image, height, width).getRGB(0, 0, width, height, null, 0, width);
        byte[] bytes = new byte[channels * rgb.length];
        for (int i = 0; i < rgb.length; i++) {
            int red = rgb[i] >> 16 & 0xff;
            int green = rgb[i] >> 8 & 0xff;
            int blue = rgb[i] & 0xff;
            if (channels == 1) {
                bytes[i] = (byte) ((299 * red + 587 * green + 114 * blue + 500) / 1000);
            } else {
                bytes[i] = (byte) red;
                bytes[rgb.length + i] = (byte) green;
                bytes[2 * rgb.length + i] = (byte) blue;
            }
        }
        return bytes;
    }

    private static BufferedImage resize(BufferedImage image, int toHeight, int toWidth) {
        if (image.getWidth() == toWidth
                && image.getHeight() == toHeight
                && image.getType() == BufferedImage.TYPE_INT_RGB) {
            return image;
        }
        BufferedImage current = image;
        while (true) {
            int width = step(current.getWidth(), toWidth);
            int height = step(current.getHeight(), toHeight);
            BufferedImage next = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
            Graphics2D graphics = next.createGraphics();
            graphics.setRenderingHint(
                    RenderingHints.KEY_INTERPOLATION, RenderingHints.VALUE_INTERPOLATION_BILINEAR);
            graphics.drawImage(current, 0, 0, width, height, null);
            graphics.dispose();
            current = next;
            if (width == toWidth && height == toHeight) {
                return current;
            }
        }
    }

    private static int step(int length, int target) {
        return length > 2 * target ? (length + 1) / 2 : target;
    }
}
