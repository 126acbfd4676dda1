package io.flipout.method;

import io.flipout.criterion.Criterion;
import io.flipout.criterion.MagnitudeOverDeviation;
import io.flipout.signal.LastValues;
import io.flipout.signal.Signal;
import java.util.List;

/**
 * Magnitude and uncertainty (M&amp;U): prunes the weights with the lowest |θ| / (λ + sd), where sd
 * is the standard deviation of the last n values of the weight, a pseudo-bootstrap.
 *
 * <p>Ko, Oehmcke and Gieseke, <a href="https://arxiv.org/abs/1912.04845">Magnitude and Uncertainty
 * Pruning Criterion for Neural Networks</a>, 2019. With λ = 0 the score is the Wald statistic.
 * Values for n and λ are not published; 10, and a thousandth of the median |θ|, are reasonable.
 *
 * <p>It takes 4·n bytes a weight and, in each step that records, one pass over the weights.
 */
public final class MagnitudeUncertainty implements PruningMethod {

    private final LastValues signal;
    private final MagnitudeOverDeviation criterion;

    private MagnitudeUncertainty(Builder builder) {
        signal = new LastValues(builder.values, builder.every);
        criterion = new MagnitudeOverDeviation(builder.lambda);
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
        return "magnitude-uncertainty";
    }

    /** {@inheritDoc} */
    @Override
    public Criterion criterion() {
        return criterion;
    }

    /** {@inheritDoc} */
    @Override
    public List<Signal> signals() {
        return List.of(signal);
    }

    /** Builds {@link MagnitudeUncertainty}. */
    public static final class Builder {

        private int values;
        private double lambda = Double.NaN;
        private int every = 1;

        private Builder() {}

        /**
         * Sets n, the number of values of a weight that its deviation is taken of.
         *
         * @param values n, at least 2
         * @return this builder
         */
        public Builder setValues(int values) {
            this.values = values;
            return this;
        }

        /**
         * Sets λ, which is added to the deviation.
         *
         * @param lambda λ, at least 0
         * @return this builder
         */
        public Builder setLambda(double lambda) {
            this.lambda = lambda;
            return this;
        }

        /**
         * Sets how often the weights are recorded.
         *
         * @param steps the steps from one record to the next, at least 1, the default; the steps of
         *     an epoch record once an epoch
         * @return this builder
         */
        public Builder optEvery(int steps) {
            this.every = steps;
            return this;
        }

        /**
         * Builds the method.
         *
         * @return the method
         * @throws IllegalArgumentException if n or λ is missing, or a value is out of its range
         */
        public MagnitudeUncertainty build() {
            return new MagnitudeUncertainty(this);
        }
    }
}
