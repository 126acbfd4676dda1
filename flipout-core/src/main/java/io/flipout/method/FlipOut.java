package io.flipout.method;

import io.flipout.criterion.Criterion;
import io.flipout.criterion.FlipSaliency;
import io.flipout.gradient.GradientTerm;
import io.flipout.gradient.NoiseScale;
import io.flipout.gradient.ParameterScope;
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
        noise = Noise.of(builder.lambda, builder.scale, builder.scope);
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
    public static final class Builder {

        private double p = 2;
        private float lambda = 1;
        private NoiseScale scale = NoiseScale.GRADIENT;
        private ParameterScope scope = ParameterScope.ALL;
        private int flipOffset = 1;

        private Builder() {}

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
         * Sets λ, the strength of the noise.
         *
         * @param lambda λ, at least 0, default 1; 0 turns noise off
         * @return this builder
         */
        public Builder optNoise(float lambda) {
            this.lambda = lambda;
            return this;
        }

        /**
         * Sets what the noise is measured by.
         *
         * @param scale the scale, default {@link NoiseScale#GRADIENT}
         * @return this builder
         */
        public Builder optNoiseScale(NoiseScale scale) {
            this.scale = scale;
            return this;
        }

        /**
         * Sets which parameters get noise.
         *
         * @param scope the scope, default {@link ParameterScope#ALL}
         * @return this builder
         */
        public Builder optNoiseScope(ParameterScope scope) {
            this.scope = scope;
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
