package io.flipout.method;

import io.flipout.criterion.Criterion;
import io.flipout.criterion.Magnitude;
import io.flipout.gradient.GradientTerm;
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
    public static final class Builder extends NoisyBuilder<Builder> {

        private Builder() {
            super(0);
        }

        @Override
        Builder self() {
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
