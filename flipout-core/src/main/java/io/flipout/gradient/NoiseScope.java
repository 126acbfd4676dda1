package io.flipout.gradient;

/** Which parameters get noise. */
public enum NoiseScope {
    /** Every trainable parameter, biases and normalisation layers included. */
    ALL,
    /** Prunable parameters only. */
    PRUNABLE
}
