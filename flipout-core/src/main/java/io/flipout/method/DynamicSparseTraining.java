package io.flipout.method;

import io.flipout.criterion.Criterion;
import io.flipout.criterion.Magnitude;
import io.flipout.latent.MagnitudeThresholds;
import io.flipout.latent.Reparameterization;
import java.util.Optional;

/**
 * Dynamic sparse training: learns a threshold for each neuron or filter, below whose magnitude
 * weights are 0 in the forward pass. They learn on all the same, and may come back. The regulariser
 * {@code α·Σ e^−t} raises the thresholds.
 *
 * <p>Liu, Xu, Shi, Cheung and So, <a href="https://arxiv.org/abs/2005.06870">Dynamic Sparse
 * Training: Find Efficient Sparse Network From Scratch With Trainable Masked Layers</a>, 2020;
 * {@link MagnitudeThresholds} has the formulas. The schedule is {@code Schedule.none()}: α decides
 * how many weights go, and no sparsity can be aimed at. The authors' code sets the thresholds of a
 * layer back to 0 when no more than a hundredth of its weights is left, so that it cannot go beyond
 * 99 %; here that is when none is left, unless told otherwise.
 *
 * <p>The latent weights are moved by the optimizer, with its weight decay, and so are the
 * thresholds, without. The paper trains with SGD. It takes 4 bytes a weight beside the mask, and a
 * training step two passes more over the weights: one of ResNet-18 in batches of 128 is 2 % longer
 * than with FlipOut.
 */
public final class DynamicSparseTraining implements PruningMethod {

    private final MagnitudeThresholds thresholds;

    private DynamicSparseTraining(Builder builder) {
        thresholds = new MagnitudeThresholds(builder.strength, builder.leastKept);
    }

    /**
     * Creates a builder.
     *
     * @return a new builder
     */
    public static Builder builder() {
        return new Builder();
    }

    /** {@inheritDoc} */
    @Override
    public String name() {
        return "dynamic-sparse";
    }

    /** Ranks nothing: the thresholds decide. */
    @Override
    public Criterion criterion() {
        return new Magnitude();
    }

    /** {@inheritDoc} */
    @Override
    public Optional<Reparameterization> reparameterization() {
        return Optional.of(thresholds);
    }

    /** Builds {@link DynamicSparseTraining}. */
    public static final class Builder {

        private double strength = Double.NaN;
        private double leastKept;

        private Builder() {}

        /**
         * Sets α, the strength of the regulariser.
         *
         * @param strength α, at least 0; the authors take 5e-6 for CIFAR-10 and 5e-4 for MNIST
         * @return this builder
         */
        public Builder setStrength(double strength) {
            this.strength = strength;
            return this;
        }

        /**
         * Sets the share of a layer's weights at which its thresholds begin anew.
         *
         * @param share the share, in [0, 1), default 0, where none is left; the authors' code .01
         * @return this builder
         */
        public Builder optLeastKept(double share) {
            this.leastKept = share;
            return this;
        }

        /**
         * Builds the method.
         *
         * @return the method
         * @throws IllegalArgumentException if α is missing, or a value is out of its range
         */
        public DynamicSparseTraining build() {
            return new DynamicSparseTraining(this);
        }
    }
}
