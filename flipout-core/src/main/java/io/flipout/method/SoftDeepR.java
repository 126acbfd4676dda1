package io.flipout.method;

import io.flipout.criterion.Criterion;
import io.flipout.criterion.RandomOrder;
import io.flipout.gradient.GaussianNoise;
import io.flipout.gradient.GradientTerm;
import io.flipout.gradient.L1Penalty;
import io.flipout.gradient.NoiseScale;
import io.flipout.gradient.ParameterScope;
import io.flipout.rewiring.Rewiring;
import io.flipout.rewiring.SoftRewiring;
import java.util.List;
import java.util.Optional;

/**
 * Soft Deep-R: weights go dormant and come back by a random walk of their own, so that about a
 * share p of them is alive, but no number is kept.
 *
 * <p>Bellec, Kappel, Maass and Legenstein, <a href="https://arxiv.org/abs/1711.05136">Deep
 * Rewiring: Training very sparse deep networks</a>, 2018. A weight is w = s·θ while θ &gt; 0 and
 * dormant otherwise; {@code θ ← θ − η·(s·∂E/∂w + α)·[θ > 0] + η·σ·z}, z ~ N(0, I), and θ is at
 * least {@code θ_min = −(1 − p)/(p·β)}, β = α/T, T = η·σ²/2. Under L1 and noise alone a share p
 * would be alive in the long run. What is learned keeps more than that, often many times as many.
 * Defaults are the released code's, η = .05, p = .005, α = σ = 1e-5, for plain SGD; with momentum,
 * that of weights which go dormant is cleared where it can be reached, and the walk is faster.
 *
 * <p>The schedule is {@code Schedule.beforeTraining(1 − p, 1)}, done by {@code
 * Pruner.pruneBeforeTraining()}: it draws which weights are alive at first. Later prunings are
 * refused.
 *
 * <p>It takes 5 bytes a weight beside the mask. A training step draws noise for every weight, as
 * FlipOut's does before its first pruning, and takes four more passes over the weights: at a batch
 * of 128, LeNet-300-100 takes 39 % longer for a step than with FlipOut. Elsewhere than on a CPU the
 * host waits in every step for the positions of the weights that changed, tensor by tensor, and
 * sends the device the masks.
 */
public final class SoftDeepR implements PruningMethod {

    private final List<GradientTerm> terms;
    private final SoftRewiring rewiring;

    private SoftDeepR(Builder builder) {
        double p = builder.density;
        if (!(p > 0 && p < 1)) {
            throw new IllegalArgumentException(
                    "The density p of soft Deep-R must lie in (0, 1), where 0.005 is 5 of 1,000"
                            + " weights; got "
                            + p);
        }
        if (!(builder.learningRate > 0 && Double.isFinite(builder.learningRate))) {
            throw new IllegalArgumentException(
                    "The learning rate of soft Deep-R must be a number greater than 0, got "
                            + builder.learningRate);
        }
        terms =
                List.of(
                        new L1Penalty(builder.l1, ParameterScope.PRUNABLE),
                        new GaussianNoise(
                                builder.noise, NoiseScale.FIXED, ParameterScope.PRUNABLE, true));
        double temperature = builder.learningRate * builder.noise * builder.noise / 2;
        double beta = builder.l1 / temperature;
        rewiring = new SoftRewiring((float) (-(1 - p) / (p * beta)));
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
        return "soft-deep-r";
    }

    /** {@inheritDoc} */
    @Override
    public Criterion criterion() {
        return new RandomOrder();
    }

    /** {@inheritDoc} */
    @Override
    public List<GradientTerm> gradientTerms() {
        return terms;
    }

    /** {@inheritDoc} */
    @Override
    public Optional<Rewiring> rewiring() {
        return Optional.of(rewiring);
    }

    /** Builds {@link SoftDeepR}. */
    public static final class Builder extends DeepRBuilder<Builder> {

        private double density = .005;
        private double learningRate = .05;

        private Builder() {}

        @Override
        Builder self() {
            return this;
        }

        /**
         * Sets p, the share of weights that would be alive in the long run if none were learned.
         *
         * @param density p, in (0, 1), default .005
         * @return this builder
         */
        public Builder optDensity(double density) {
            this.density = density;
            return this;
        }

        /**
         * Sets η, which θ_min is reckoned of; the optimizer has its own.
         *
         * @param learningRate the optimizer's learning rate at first, greater than 0, default .05
         * @return this builder
         */
        public Builder optLearningRate(double learningRate) {
            this.learningRate = learningRate;
            return this;
        }

        /**
         * Builds the method.
         *
         * @return the method
         * @throws IllegalArgumentException if a value is out of its range
         */
        public SoftDeepR build() {
            return new SoftDeepR(this);
        }
    }
}
