package io.flipout.method;

import ai.djl.training.tracker.Tracker;
import io.flipout.gradient.GaussianNoise.Langevin;
import io.flipout.gradient.GradientTerm;
import io.flipout.gradient.NoiseScale;
import io.flipout.gradient.ParameterScope;
import java.util.List;
import java.util.Optional;

/**
 * Settings of the methods that add noise to the gradients.
 *
 * @param <B> the builder of the method
 */
public abstract class NoisyBuilder<B extends NoisyBuilder<B>> {

    private float lambda;
    private NoiseScale scale = NoiseScale.GRADIENT;
    private ParameterScope scope = ParameterScope.ALL;
    private Langevin langevin;

    NoisyBuilder(float lambda) {
        this.lambda = lambda;
    }

    abstract B self();

    /**
     * Sets λ, the strength of the noise.
     *
     * @param lambda λ, at least 0; 0 turns noise off. By default 1 for FlipOut, 0 for others
     * @return this builder
     */
    public B optNoise(float lambda) {
        this.lambda = lambda;
        return self();
    }

    /**
     * Sets what the noise is measured by.
     *
     * @param scale the scale, default {@link NoiseScale#GRADIENT}
     * @return this builder
     */
    public B optNoiseScale(NoiseScale scale) {
        this.scale = scale;
        return self();
    }

    /**
     * Sets which parameters get noise.
     *
     * @param scope the scope, default {@link ParameterScope#ALL}
     * @return this builder
     */
    public B optNoiseScope(ParameterScope scope) {
        this.scope = scope;
        return self();
    }

    /**
     * Sets what {@link NoiseScale#LANGEVIN} is measured by; other noise takes no notice.
     *
     * @param examples the number of examples whose mean loss is trained, at least 1
     * @param learningRate the learning rate by the number of the step, from 1, as the optimizer has
     *     it
     * @return this builder
     * @throws IllegalArgumentException if the examples are fewer than 1
     */
    public B optLangevin(long examples, Tracker learningRate) {
        langevin = new Langevin(examples, learningRate);
        return self();
    }

    /** Returns the noise as a term of the gradient, or none. */
    final List<GradientTerm> noise() {
        return Noise.of(lambda, scale, scope, Optional.ofNullable(langevin));
    }
}
