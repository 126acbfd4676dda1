package io.flipout.graph;

import java.util.List;

/**
 * Each channel times a number plus a number: batch norm as it computes outside of training, and
 * arithmetic with a number for each channel.
 */
public final class Affine extends Node {

    private final float[] scale;
    private final float[] shift;

    /**
     * Creates the node.
     *
     * @param input what it reads
     * @param scale a factor for each channel; not copied
     * @param shift a summand for each channel; not copied
     */
    public Affine(Node input, float[] scale, float[] shift) {
        super(List.of(input), input.dims());
        if (scale.length != dims().channels() || shift.length != scale.length) {
            throw new IllegalArgumentException("a batch norm of another size than its input");
        }
        this.scale = scale;
        this.shift = shift;
    }

    /**
     * Batch norm outside of training: (x - mean) / √(variance + epsilon) · gamma + beta.
     *
     * @param input what it reads
     * @param gamma a factor for each channel; null for 1
     * @param beta a summand for each channel; null for 0
     * @param mean the mean of each channel
     * @param variance the variance of each channel
     * @param epsilon what keeps the root from 0
     * @return the node
     */
    public static Affine batchNorm(
            Node input,
            float[] gamma,
            float[] beta,
            float[] mean,
            float[] variance,
            double epsilon) {
        int channels = input.dims().channels();
        if (mean.length != channels
                || variance.length != channels
                || (gamma != null && gamma.length != channels)
                || (beta != null && beta.length != channels)) {
            throw new IllegalArgumentException("a batch norm of another size than its input");
        }
        float[] scale = new float[channels];
        float[] shift = new float[channels];
        for (int i = 0; i < channels; i++) {
            double factor = (gamma == null ? 1 : gamma[i]) / Math.sqrt(variance[i] + epsilon);
            scale[i] = (float) factor;
            shift[i] = (float) ((beta == null ? 0 : beta[i]) - mean[i] * factor);
        }
        return new Affine(input, scale, shift);
    }

    /**
     * The factors.
     *
     * @return a number for each channel; not to be changed
     */
    public float[] scale() {
        return scale;
    }

    /**
     * The summands.
     *
     * @return a number for each channel; not to be changed
     */
    public float[] shift() {
        return shift;
    }

    @Override
    public Affine on(List<Node> others) {
        return new Affine(others.get(0), scale, shift);
    }
}
