package io.flipout.method;

import io.flipout.adjustment.Adjustment;
import io.flipout.criterion.Criterion;
import io.flipout.gradient.GradientTerm;
import io.flipout.latent.Reparameterization;
import io.flipout.rewind.Rewind;
import io.flipout.rewiring.Rewiring;
import io.flipout.signal.GradientProbe;
import io.flipout.signal.Signal;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;

/** Any method, with noise added to the gradients after what else the method adds to them. */
public final class NoisyMethod implements PruningMethod {

    private final PruningMethod method;
    private final List<GradientTerm> noise;

    private NoisyMethod(Builder builder) {
        method = builder.method;
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
        return method.name();
    }

    /** {@inheritDoc} */
    @Override
    public Criterion criterion() {
        return method.criterion();
    }

    /** {@inheritDoc} */
    @Override
    public List<Signal> signals() {
        return method.signals();
    }

    /** {@inheritDoc} */
    @Override
    public List<GradientTerm> gradientTerms() {
        return Stream.concat(method.gradientTerms().stream(), noise.stream()).toList();
    }

    /** {@inheritDoc} */
    @Override
    public Optional<Rewiring> rewiring() {
        return method.rewiring();
    }

    /** {@inheritDoc} */
    @Override
    public Optional<Reparameterization> reparameterization() {
        return method.reparameterization();
    }

    /** {@inheritDoc} */
    @Override
    public boolean bringsBack() {
        return method.bringsBack();
    }

    /** {@inheritDoc} */
    @Override
    public Optional<Adjustment> adjustment() {
        return method.adjustment();
    }

    /** {@inheritDoc} */
    @Override
    public Optional<Rewind> rewind() {
        return method.rewind();
    }

    /** {@inheritDoc} */
    @Override
    public Optional<GradientProbe> probe() {
        return method.probe();
    }

    /** {@inheritDoc} */
    @Override
    public boolean prunesDisconnectedFirst() {
        return method.prunesDisconnectedFirst();
    }

    /** Builds a {@link NoisyMethod}. */
    public static final class Builder extends NoisyBuilder<Builder> {

        private PruningMethod method;

        private Builder() {
            super(0);
        }

        @Override
        Builder self() {
            return this;
        }

        /**
         * Sets the method.
         *
         * @param method the method that gets noise
         * @return this builder
         */
        public Builder setMethod(PruningMethod method) {
            this.method = method;
            return this;
        }

        /**
         * Builds the method.
         *
         * @return the method
         * @throws NullPointerException if the method is missing
         * @throws IllegalArgumentException if λ is negative
         */
        public NoisyMethod build() {
            Objects.requireNonNull(method, "The noise needs a method: setMethod(...)");
            return new NoisyMethod(this);
        }
    }
}
