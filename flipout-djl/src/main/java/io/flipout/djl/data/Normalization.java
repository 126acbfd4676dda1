package io.flipout.djl.data;

import java.util.Arrays;

/**
 * Brings bytes to mean 0 and variance 1: {@code (b / 255 − mean) / std} for each channel.
 *
 * @param mean the mean of each channel, on a scale of 0 to 1
 * @param std the standard deviation of each channel, on the same scale, above 0
 */
public record Normalization(float[] mean, float[] std) {

    /**
     * Creates the normalisation.
     *
     * @throws IllegalArgumentException if the channels disagree or a deviation is not positive
     */
    public Normalization {
        if (mean.length != std.length) {
            throw new IllegalArgumentException("As many means as standard deviations are needed.");
        }
        for (float s : std) {
            if (!(s > 0)) {
                throw new IllegalArgumentException(
                        "A standard deviation must be greater than 0, got " + s);
            }
        }
    }

    /**
     * Leaves bytes as they are, 0 to 255.
     *
     * @param channels the number of channels
     * @return the normalisation
     */
    public static Normalization none(int channels) {
        float[] std = new float[channels];
        Arrays.fill(std, 1 / 255f);
        return new Normalization(new float[channels], std);
    }

    /**
     * Returns the normalised value of every byte.
     *
     * @return a row of 256 values for each channel
     */
    public float[][] table() {
        float[][] table = new float[mean.length][256];
        for (int c = 0; c < mean.length; c++) {
            for (int b = 0; b < 256; b++) {
                table[c][b] = (float) ((b / 255.0 - mean[c]) / std[c]);
            }
        }
        return table;
    }
}
