package io.flipout.method;

import io.flipout.criterion.Criterion;
import io.flipout.criterion.FlipSaliency;
import io.flipout.gradient.GradientTerm;
import io.flipout.signal.SignFlips;
import io.flipout.signal.Signal;
import java.util.List;

/**
 * FlipOut: prunes the weights with the lowest |θ|^p / (flips + 1), while noise on the gradients
 * makes weights flip that hover around 0.
 *
 * <p>Apostol, Stol and Forré, <a href="https://arxiv.org/abs/2009.02594">FlipOut: Uncovering
 * Redundant Weights via Sign Flipping</a>, 2020. Defaults are the paper's: p = 2, λ = 1, noise on
 * all parameters. Where paper and released code differ (noise measured by the gradient, flips + 1),
 * the defaults follow the code, which made the published results.
 */
public final class FlipOut implements PruningMethod {

    private final FlipSaliency criterion;
    private final List<GradientTerm> noise;

    private FlipOut(Builder builder) {
        criterion = new FlipSaliency(builder.p, builder.flipOffset);
        noise = builder.noise();
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
        return "flipout";
    }

    /** {@inheritDoc} */
    @Override
    public Criterion criterion() {
        return criterion;
    }

    /** {@inheritDoc} */
    @Override
    public List<Signal> signals() {
        return List.of(new SignFlips());
    }

    /** {@inheritDoc} */
    @Override
    public List<GradientTerm> gradientTerms() {
        return noise;
    }

    /** Builds {@link FlipOut}. */
    public static final class Builder extends NoisyBuilder<Builder> {

        private double p = 2;
        private int flipOffset = 1;

        private Builder() {
            super(1);
        }

        @Override
        Builder self() {
            return this;
        }

        /**
         * Sets the power of the magnitude.
         *
         * @param p the power, 0 to 6, default 2; at 0 the flips alone decide
         * @return this builder
         */
        public Builder optP(double p) {
            this.p = p;
            return this;
        }

        /**
         * Sets what is added to the flips before dividing by them.
         *
         * @param flipOffset 1, the default, or 0 for the paper's printed formula
         * @return this builder
         */
        public Builder optFlipOffset(int flipOffset) {
            this.flipOffset = flipOffset;
            return this;
        }

        /**
         * Builds the method.
         *
         * @return the method
         * @throws IllegalArgumentException if a value is out of its range
         */
        public FlipOut build() {
            return new FlipOut(this);
        }
    }
}
