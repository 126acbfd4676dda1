package io.flipout.method;

import io.flipout.criterion.Criterion;
import io.flipout.criterion.RandomOrder;
import io.flipout.gradient.GaussianNoise;
import io.flipout.gradient.GradientTerm;
import io.flipout.gradient.L1Penalty;
import io.flipout.gradient.NoiseScale;
import io.flipout.gradient.ParameterScope;
import io.flipout.rewiring.DeepRewiring;
import io.flipout.rewiring.Rewiring;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Deep-R: trains with K weights from the first step to the last and rewires them on the way. Those
 * that a step would take over 0 go dormant, and as many dormant ones, drawn at random, come back.
 *
 * <p>Bellec, Kappel, Maass and Legenstein, <a href="https://arxiv.org/abs/1711.05136">Deep
 * Rewiring: Training very sparse deep networks</a>, 2018. A weight is w = s·θ, its sign s constant,
 * and of those alive {@code θ ← θ − η·s·∂E/∂w − η·α + η·σ·z}, z ~ N(0, I). That is what SGD does to
 * w with α·sgn(w) and σ·z added to its gradient, and so it is done here; the paper's temperature is
 * T = η·σ²/2. Defaults are the released code's, α = σ = 1e-5. It trains with plain SGD; with
 * momentum, that of weights which go dormant is cleared where it can be reached.
 *
 * <p>The schedule is {@code Schedule.beforeTraining(sparsity, 1)}, done by {@code
 * Pruner.pruneBeforeTraining()}: it draws which weights are alive at first, over all tensors
 * together or for each, as the allocation says. From then on each tensor keeps its number, as in
 * the released code's main form.
 *
 * <p>On a CPU a training step passes over the weights three times more than FlipOut's, and draws
 * noise for weights alive only. Measured at a batch of 128, it takes as long as FlipOut's for
 * ResNet-18; for LeNet-300-100, which does little else, 3 % longer at a sparsity of 99 %, 12 % at
 * 90 % and 39 % with all weights alive. Elsewhere the host waits in every step for the positions of
 * the weights that went dormant, tensor by tensor, and sends the device the masks: small networks
 * train there markedly slower.
 */
public final class DeepR implements PruningMethod {

    private final List<GradientTerm> terms;

    private DeepR(Builder builder) {
        terms = terms(builder.l1, builder.noise);
    }

    private static List<GradientTerm> terms(float l1, float noise) {
        if (!(l1 >= 0 && noise >= 0)) {
            throw new IllegalArgumentException(
                    "The L1 strength and the noise of Deep-R must be numbers of at least 0, got "
                            + l1
                            + " and "
                            + noise);
        }
        List<GradientTerm> terms = new ArrayList<>();
        if (l1 > 0) {
            terms.add(new L1Penalty(l1, ParameterScope.PRUNABLE));
        }
        if (noise > 0) {
            terms.add(new GaussianNoise(noise, NoiseScale.FIXED, ParameterScope.PRUNABLE));
        }
        return List.copyOf(terms);
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
        return "deep-r";
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
        return Optional.of(new DeepRewiring());
    }

    /** Builds {@link DeepR}. */
    public static final class Builder extends DeepRBuilder<Builder> {

        private Builder() {}

        @Override
        Builder self() {
            return this;
        }

        /**
         * Builds the method.
         *
         * @return the method
         * @throws IllegalArgumentException if a value is out of its range
         */
        public DeepR build() {
            return new DeepR(this);
        }
    }
}
