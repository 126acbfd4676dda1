package io.flipout.djl.training;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.flipout.tensor.Scalars;
import java.util.List;

/**
 * Adagrad as PyTorch does it: {@code s ← s + g²; θ ← θ − η·g / (√s + ε)}, where weight decay is
 * added to g first, {@code g ← g + wd·θ}.
 *
 * <p>Duchi, Hazan and Singer, <a href="https://jmlr.org/papers/v12/duchi11a.html">Adaptive
 * Subgradient Methods for Online Learning and Stochastic Optimization</a>, 2011. The sum can be
 * read and restored, 4 bytes a weight.
 */
public final class Adagrad extends ElementwiseOptimizer {

    private final double epsilon;

    private Adagrad(Builder builder) {
        super(builder);
        epsilon = builder.epsilon;
    }

    /**
     * Creates a builder.
     *
     * @return a new builder
     */
    public static Builder builder() {
        return new Builder();
    }

    @Override
    int states() {
        return 1;
    }

    @Override
    void update(float[] w, float[] g, float[][] state, Step step, int size) {
        float eps = (float) epsilon;
        for (int i = 0; i < size; i++) {
            float gradient = g[i];
            float sum = state[0][i] + gradient * gradient;
            state[0][i] = sum;
            w[i] -= step.rate() * (gradient / ((float) Math.sqrt(sum) + eps));
        }
    }

    @Override
    void update(NDArray w, NDArray g, List<NDArray> state, Step step, NDManager scratch) {
        NDArray square = g.square();
        square.attach(scratch);
        state.get(0).addi(square);
        NDArray divisor = state.get(0).sqrt();
        divisor.attach(scratch);
        w.subi(
                g.divi(divisor.addi(Scalars.of(epsilon, scratch)))
                        .muli(Scalars.of(step.rate(), scratch)));
    }

    /** Builds an {@link Adagrad}. */
    public static final class Builder extends ElementwiseOptimizer.Builder<Builder> {

        private double epsilon = 1e-10;

        private Builder() {}

        /** {@inheritDoc} */
        @Override
        protected Builder self() {
            return this;
        }

        /**
         * Sets ε, which keeps the divisor from 0.
         *
         * @param epsilon ε, greater than 0, default 1e-10
         * @return this builder
         */
        public Builder optEpsilon(double epsilon) {
            this.epsilon = epsilon;
            return this;
        }

        /**
         * Builds the optimizer.
         *
         * @return the optimizer
         * @throws NullPointerException if the learning rate is missing
         * @throws IllegalArgumentException if ε is out of its range
         */
        public Adagrad build() {
            check("Adagrad");
            checkEpsilon(epsilon);
            return new Adagrad(this);
        }
    }
}
