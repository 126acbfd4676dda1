package io.flipout.method;

import io.flipout.criterion.Criterion;
import io.flipout.criterion.Magnitude;
import io.flipout.latent.HardConcreteGates;
import io.flipout.latent.Reparameterization;
import java.util.Optional;

/**
 * L0 regularisation: multiplies every weight by a gate of its own that is learned with it and that
 * is exactly 0 with some probability, and adds the expected share of open gates to the loss, {@code
 * CE + λ/N·Σ P(z > 0)} over all prunable weights, N the number of training images.
 *
 * <p>Louizos, Welling and Kingma, <a href="https://arxiv.org/abs/1712.01312">Learning Sparse Neural
 * Networks through L0 Regularization</a>, 2018; {@link HardConcreteGates} has the formulas. The
 * schedule is {@code Schedule.none()}: λ decides how many weights go, and no sparsity can be aimed
 * at. Gates are drawn once a step, for all images of the batch; the paper draws some of them for
 * each image. Weights are not averaged over steps for test time, as the authors' code does. A gate
 * for each weight can be had, the default, or as in that code one for the weights of an input
 * neuron or of a convolution's filter.
 *
 * <p>The latent θ is moved by the optimizer, with its weight decay, and so is ln α, without. The
 * paper trains with Adam and a learning rate of 1e-3, and so should you: by SGD, gates hardly move.
 * A gate cannot leave [ln .01, ln 100], so that the network needs to train until its gates have
 * closed, which takes the longer the weaker λ is.
 *
 * <p>It takes 12 bytes a weight, and what the optimizer keeps of a gate. A training step takes four
 * passes more over them, with three exponentials and a logarithm of every weight: a step of
 * ResNet-18 in batches of 128 is 9 % longer than with FlipOut.
 */
public final class L0Regularization implements PruningMethod {

    private final HardConcreteGates gates;

    private L0Regularization(Builder builder) {
        if (builder.examples < 1) {
            throw new IllegalArgumentException(
                    "The examples of L0, by whose number λ is divided, must be at least 1, got "
                            + builder.examples);
        }
        gates =
                new HardConcreteGates(
                        builder.strength / builder.examples,
                        builder.temperature,
                        builder.gamma,
                        builder.zeta,
                        builder.dropped,
                        builder.ofNeurons);
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
        return "l0";
    }

    /** Ranks nothing: the gates decide. */
    @Override
    public Criterion criterion() {
        return new Magnitude();
    }

    /** {@inheritDoc} */
    @Override
    public Optional<Reparameterization> reparameterization() {
        return Optional.of(gates);
    }

    /** Builds {@link L0Regularization}. */
    public static final class Builder {

        private double strength = Double.NaN;
        private long examples;
        private double temperature = 2 / 3d;
        private double gamma = -.1;
        private double zeta = 1.1;
        private double dropped = .5;
        private boolean ofNeurons;

        private Builder() {}

        /**
         * Sets λ, the strength of the regulariser.
         *
         * @param strength λ, at least 0
         * @return this builder
         */
        public Builder setStrength(double strength) {
            this.strength = strength;
            return this;
        }

        /**
         * Sets N, the number of training images, by which λ is divided.
         *
         * @param examples N, at least 1
         * @return this builder
         */
        public Builder setExamples(long examples) {
            this.examples = examples;
            return this;
        }

        /**
         * Sets β, the temperature of the gates: the lower, the more of them are 0 or 1.
         *
         * @param temperature β, greater than 0, default 2/3
         * @return this builder
         */
        public Builder optTemperature(double temperature) {
            this.temperature = temperature;
            return this;
        }

        /**
         * Sets what gates are stretched to, before they are cut off at 0 and 1.
         *
         * @param gamma γ, less than 0, default −0.1
         * @param zeta ζ, greater than 1, default 1.1
         * @return this builder
         */
        public Builder optStretch(double gamma, double zeta) {
            this.gamma = gamma;
            this.zeta = zeta;
            return this;
        }

        /**
         * Sets the share of weights that the gates drop at first.
         *
         * @param dropped the share, in (0, 1), default 0.5
         * @return this builder
         */
        public Builder optDropped(double dropped) {
            this.dropped = dropped;
            return this;
        }

        /**
         * Shares a gate among the weights of a linear layer's input neuron, and of a convolution's
         * filter.
         *
         * @param ofNeurons true to share them, default false: a gate for every weight
         * @return this builder
         */
        public Builder optGatesOfNeurons(boolean ofNeurons) {
            this.ofNeurons = ofNeurons;
            return this;
        }

        /**
         * Builds the method.
         *
         * @return the method
         * @throws IllegalArgumentException if λ or N is missing, or a value is out of its range
         */
        public L0Regularization build() {
            return new L0Regularization(this);
        }
    }
}
