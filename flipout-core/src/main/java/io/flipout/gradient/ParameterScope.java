package io.flipout.gradient;

/** Which parameters a gradient term is for. */
public enum ParameterScope {
    /** Every trainable parameter, biases and normalisation layers included. */
    ALL,
    /** Prunable parameters only. */
    PRUNABLE
}
