package io.flipout.method;

import io.flipout.criterion.Criterion;
import io.flipout.criterion.Magnitude;
import io.flipout.gradient.GradientTerm;
import io.flipout.gradient.NoiseScale;
import io.flipout.gradient.ParameterScope;
import java.util.List;

/**
 * Magnitude pruning: the weights with the lowest |θ| go, ranked over all tensors together unless
 * the allocation says otherwise.
 *
 * <p>With noise added to the gradients it is the ablation of FlipOut's section 4.4: FlipOut without
 * the flips.
 */
public final class GlobalMagnitude implements PruningMethod {

    private final List<GradientTerm> noise;

    private GlobalMagnitude(Builder builder) {
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
        return noise.isEmpty() ? "global-magnitude" : "noisy-global-magnitude";
    }

    /** {@inheritDoc} */
    @Override
    public Criterion criterion() {
        return new Magnitude();
    }

    /** {@inheritDoc} */
    @Override
    public List<GradientTerm> gradientTerms() {
        return noise;
    }

    /** Builds {@link GlobalMagnitude}. */
    public static final class Builder {

        private float lambda;
        private NoiseScale scale = NoiseScale.GRADIENT;
        private ParameterScope scope = ParameterScope.ALL;

        private Builder() {}

        /**
         * Sets λ, the strength of the noise.
         *
         * @param lambda λ, at least 0, default 0: no noise
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
         * Builds the method.
         *
         * @return the method
         * @throws IllegalArgumentException if λ is negative
         */
        public GlobalMagnitude build() {
            return new GlobalMagnitude(this);
        }
    }
}
