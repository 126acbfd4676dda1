package io.flipout.djl.torchscript;

/** What convolutions and linear layers of a {@link ScriptedTrainer} compute in. */
public enum Precision {
    /** Float32, as everything else. */
    FLOAT32,

    /**
     * Bfloat16: float32 with 8 bits of mantissa in place of 24. Inputs and weights of these layers
     * are rounded to it, and what comes out of them, forth and back, becomes float32 again, before
     * the bias is added. The weights that are trained, pruned and saved, the optimizer,
     * normalisations and the loss stay in float32.
     */
    BFLOAT16
}
