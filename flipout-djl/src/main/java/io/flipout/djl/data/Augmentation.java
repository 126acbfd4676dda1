package io.flipout.djl.data;

import java.util.SplittableRandom;

/**
 * Fills the place of an image in a batch: a random crop of the image padded by black, flipped
 * horizontally half of the time, and normalised, in one pass.
 */
final class Augmentation {

    private final float[][] table;
    private final int padding;
    private final boolean random;

    /**
     * Creates the augmentation.
     *
     * @param normalization the normalisation
     * @param padding pixels of black around the image before it is cropped
     * @param random false to take images as they are
     */
    Augmentation(Normalization normalization, int padding, boolean random) {
        table = normalization.table();
        this.padding = padding;
        this.random = random;
    }

    /** Writes one image to {@code target}, from {@code offset} on. */
    void fill(ImageSet set, int index, SplittableRandom draw, float[] target, int offset) {
        byte[] image = set.image(index);
        int width = set.width();
        int dy = random ? draw.nextInt(2 * padding + 1) - padding : 0;
        int dx = random ? draw.nextInt(2 * padding + 1) - padding : 0;
        boolean flip = random && draw.nextBoolean();
        int to = offset;
        for (int c = 0; c < set.channels(); c++) {
            for (int y = 0; y < set.height(); y++, to += width) {
                int sourceY = y + dy;
                if (sourceY < 0 || sourceY >= set.height()) {
                    fillBlack(target, to, width, table[c]);
                } else {
                    int row = (c * set.height() + sourceY) * width;
                    fillRow(image, row, dx, flip, target, to, width, table[c]);
                }
            }
        }
    }

    private static void fillBlack(float[] target, int to, int width, float[] values) {
        for (int x = 0; x < width; x++) {
            target[to + x] = values[0];
        }
    }

    private static void fillRow(
            byte[] image,
            int row,
            int dx,
            boolean flip,
            float[] target,
            int to,
            int width,
            float[] values) {
        for (int x = 0; x < width; x++) {
            int sourceX = (flip ? width - 1 - x : x) + dx;
            boolean inside = sourceX >= 0 && sourceX < width;
            target[to + x] = values[inside ? image[row + sourceX] & 0xff : 0];
        }
    }
}
