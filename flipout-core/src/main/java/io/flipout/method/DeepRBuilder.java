package io.flipout.method;

/**
 * Settings of both forms of Deep-R: what moves its weights beside the gradient of the loss.
 *
 * @param <B> the builder of the method
 */
public abstract class DeepRBuilder<B extends DeepRBuilder<B>> {

    float l1 = 1e-5f;
    float noise = 1e-5f;

    DeepRBuilder() {}

    abstract B self();

    /**
     * Sets α, the strength of the L1 regulariser.
     *
     * @param l1 α, at least 0, and greater than 0 for soft Deep-R; default 1e-5
     * @return this builder
     */
    public B optL1(float l1) {
        this.l1 = l1;
        return self();
    }

    /**
     * Sets σ, the standard deviation of the noise on the gradient: of weights alive, or of all for
     * soft Deep-R.
     *
     * @param noise σ, at least 0, and greater than 0 for soft Deep-R; default 1e-5
     * @return this builder
     */
    public B optNoise(float noise) {
        this.noise = noise;
        return self();
    }
}
