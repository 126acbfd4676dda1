package io.flipout.method;

import io.flipout.criterion.Criterion;
import io.flipout.criterion.Magnitude;
import io.flipout.latent.NoiseVariances;
import io.flipout.latent.Reparameterization;
import java.util.Optional;

/**
 * Sparse variational dropout: adds noise to every weight, whose variance is learned for each, and
 * prunes those that the noise outweighs, ln α = ln σ² − ln θ² ≥ 3.
 *
 * <p>Molchanov, Ashukha and Vetrov, <a href="https://arxiv.org/abs/1701.05369">Variational Dropout
 * Sparsifies Deep Neural Networks</a>, 2017; {@link NoiseVariances} has the formulas. The loss is
 * {@code CE + λ/N·Σ KL(ln α)} over all prunable weights, N the number of training images, where λ =
 * 1 is the paper's. It rises over the first steps, and weighs less or more than in the paper to
 * have fewer weights or more go. The schedule is {@code Schedule.none()}: no sparsity can be aimed
 * at.
 *
 * <p>The weights themselves are drawn, w = θ + σ·ε, once a step. The paper draws the outputs of a
 * layer instead, for each image by itself (local reparametrisation). The mean of the gradient is
 * the same, its variance is not: what is drawn is shared by all M images of a batch, so that this
 * part of the variance does not fall as 1/M, and is up to M times that of the paper. Smaller
 * learning rates make up for it.
 *
 * <p>The latent θ is moved by the optimizer, with its weight decay, and so is ln σ², without. The
 * paper trains with Adam, and so should you: by SGD the variances hardly move. It takes 12 bytes a
 * weight, and what the optimizer keeps of ln σ². A training step takes four passes more over them,
 * with a normal number, three exponentials and two logarithms of every weight: a step of ResNet-18
 * in batches of 128 is 7 % longer than with FlipOut.
 */
public final class VariationalDropout implements PruningMethod {

    private final NoiseVariances variances;

    private VariationalDropout(Builder builder) {
        if (builder.examples < 1) {
            throw new IllegalArgumentException(
                    "The examples of variational dropout, by whose number its regulariser is"
                            + " divided, must be at least 1, got "
                            + builder.examples);
        }
        variances =
                new NoiseVariances(
                        builder.strength / builder.examples,
                        builder.from,
                        builder.until,
                        builder.threshold,
                        builder.logVariance);
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
        return "variational-dropout";
    }

    /** Ranks nothing: the variances decide. */
    @Override
    public Criterion criterion() {
        return new Magnitude();
    }

    /** {@inheritDoc} */
    @Override
    public Optional<Reparameterization> reparameterization() {
        return Optional.of(variances);
    }

    /** Builds {@link VariationalDropout}. */
    public static final class Builder {

        private double strength = 1;
        private long examples;
        private long from;
        private long until;
        private double threshold = 3;
        private double logVariance = -10;

        private Builder() {}

        /**
         * Sets N, the number of training images.
         *
         * @param examples N, at least 1
         * @return this builder
         */
        public Builder setExamples(long examples) {
            this.examples = examples;
            return this;
        }

        /**
         * Sets λ, what the regulariser counts beside the loss.
         *
         * @param strength λ, at least 0, default 1, the paper's
         * @return this builder
         */
        public Builder optStrength(double strength) {
            this.strength = strength;
            return this;
        }

        /**
         * Lets the regulariser begin later, and come to its full strength by and by. The authors'
         * code takes the epochs from 5 to 20 of 200.
         *
         * @param from the steps without it, default 0
         * @param until the steps after which it counts in full, default 0
         * @return this builder
         */
        public Builder optWarmUp(long from, long until) {
            this.from = from;
            this.until = until;
            return this;
        }

        /**
         * Sets from which ln α on a weight is 0 at test time.
         *
         * @param threshold ln α, in (−8, 8], default 3
         * @return this builder
         */
        public Builder optThreshold(double threshold) {
            this.threshold = threshold;
            return this;
        }

        /**
         * Sets ln σ² at first.
         *
         * @param logVariance ln σ², default −10
         * @return this builder
         */
        public Builder optLogVariance(double logVariance) {
            this.logVariance = logVariance;
            return this;
        }

        /**
         * Builds the method.
         *
         * @return the method
         * @throws IllegalArgumentException if N is missing, or a value is out of its range
         */
        public VariationalDropout build() {
            return new VariationalDropout(this);
        }
    }
}
