package io.flipout.gradient;

/** What the standard deviation σ of gradient noise is measured by. d is the size of the tensor. */
public enum NoiseScale {
    /**
     * σ = λ‖g‖₂/√d: the root mean square of the gradient after masking. This is what the paper's
     * results were made with.
     */
    GRADIENT,
    /**
     * σ = λ‖θ‖₂/√d, as the paper prints it (Eq. 3c). The noise then grows with the weights and the
     * weights with the noise: at a learning rate of 0.1 with momentum it diverges.
     */
    WEIGHT,
    /** σ = λ, whatever the gradient and the weights are. */
    FIXED
}
