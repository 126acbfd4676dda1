package io.flipout.method;

import io.flipout.criterion.Criterion;
import io.flipout.criterion.Magnitude;
import io.flipout.gradient.GradientTerm;
import io.flipout.gradient.HoyerSquarePenalty;
import io.flipout.gradient.ParameterScope;
import java.util.List;

/**
 * Hoyer-Square: regularises the network by α·(Σ|w|)²/Σw² of each tensor, which draws most weights
 * to 0, then prunes all that came below a threshold, and fine-tunes the rest without it.
 *
 * <p>Yang, Wen and Li, <a href="https://arxiv.org/abs/1908.09979">DeepHoyer: Learning Sparser
 * Neural Network with Differentiable Scale-Invariant Sparsity Measures</a>, 2020. The schedule is
 * {@code Schedule.belowThreshold(1e-4, unit, at)}: α decides how many weights go, and no sparsity
 * can be aimed at. The authors' code regularises all parameters, biases too; here it is the
 * prunable ones unless told otherwise.
 *
 * <p>Until the pruning a training step takes two more passes over the weights on a CPU, and ten
 * operations a tensor elsewhere.
 */
public final class HoyerSquare implements PruningMethod {

    private final HoyerSquarePenalty penalty;

    private HoyerSquare(Builder builder) {
        penalty = new HoyerSquarePenalty(builder.strength, builder.scope);
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
        return "hoyer-square";
    }

    /** {@inheritDoc} */
    @Override
    public Criterion criterion() {
        return new Magnitude();
    }

    /** {@inheritDoc} */
    @Override
    public List<GradientTerm> gradientTerms() {
        return List.of(penalty);
    }

    /** Builds {@link HoyerSquare}. */
    public static final class Builder {

        private float strength = Float.NaN;
        private ParameterScope scope = ParameterScope.PRUNABLE;

        private Builder() {}

        /**
         * Sets α, the strength of the regulariser.
         *
         * @param strength α, greater than 0; the paper's comparison goes from 1e-7 to 6e-3
         * @return this builder
         */
        public Builder setStrength(float strength) {
            this.strength = strength;
            return this;
        }

        /**
         * Sets which parameters are regularised.
         *
         * @param scope the scope, default {@link ParameterScope#PRUNABLE}
         * @return this builder
         */
        public Builder optScope(ParameterScope scope) {
            this.scope = scope;
            return this;
        }

        /**
         * Builds the method.
         *
         * @return the method
         * @throws IllegalArgumentException if α is missing or not a positive number
         */
        public HoyerSquare build() {
            return new HoyerSquare(this);
        }
    }
}
