package io.flipout.djl.training;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.flipout.tensor.Scalars;
import java.util.List;

/**
 * Adam as PyTorch does it: {@code m ← β₁m + (1 − β₁)g; v ← β₂v + (1 − β₂)g²; θ ← θ − η/(1 − β₁ᵗ) ·
 * m / (√v/√(1 − β₂ᵗ) + ε)}, where weight decay is added to g first, {@code g ← g + wd·θ}.
 *
 * <p>Kingma and Ba, <a href="https://arxiv.org/abs/1412.6980">Adam: A Method for Stochastic
 * Optimization</a>, 2015. With decoupled weight decay it is AdamW, {@code θ ← (1 − η·wd)·θ} before
 * the step (Loshchilov and Hutter, <a href="https://arxiv.org/abs/1711.05101">Decoupled Weight
 * Decay Regularization</a>, 2019). t counts from where the state was last cleared. Both means can
 * be read and restored, 8 bytes a weight.
 */
public final class Adam extends ElementwiseOptimizer {

    private final double beta1;
    private final double beta2;
    private final double epsilon;
    private final boolean decoupled;

    private Adam(Builder builder) {
        super(builder);
        beta1 = builder.beta1;
        beta2 = builder.beta2;
        epsilon = builder.epsilon;
        decoupled = builder.decoupled;
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
        return 2;
    }

    @Override
    boolean addsDecay() {
        return !decoupled;
    }

    /** Returns what decoupled weight decay leaves of a weight. */
    private double kept(Step step) {
        return decoupled ? 1 - (double) step.rate() * step.decay() : 1;
    }

    private double length(Step step) {
        return step.rate() / (1 - Math.pow(beta1, step.count()));
    }

    private double root(Step step) {
        return Math.sqrt(1 - Math.pow(beta2, step.count()));
    }

    @Override
    void update(float[] w, float[] g, float[][] state, Step step, int size) {
        float b1 = (float) beta1;
        float b2 = (float) beta2;
        float rest1 = (float) (1 - beta1);
        float rest2 = (float) (1 - beta2);
        float length = (float) length(step);
        float root = (float) root(step);
        float eps = (float) epsilon;
        float kept = (float) kept(step);
        for (int i = 0; i < size; i++) {
            float gradient = g[i];
            float mean = b1 * state[0][i] + rest1 * gradient;
            float square = b2 * state[1][i] + rest2 * gradient * gradient;
            state[0][i] = mean;
            state[1][i] = square;
            float divisor = (float) Math.sqrt(square) / root + eps;
            w[i] = kept * w[i] - length * (mean / divisor);
        }
    }

    @Override
    void update(NDArray w, NDArray g, List<NDArray> state, Step step, NDManager scratch) {
        if (decoupled) {
            w.muli(Scalars.of(kept(step), scratch));
        }
        NDArray square = g.square();
        square.attach(scratch);
        state.get(1)
                .muli(Scalars.of(beta2, scratch))
                .addi(square.muli(Scalars.of(1 - beta2, scratch)));
        state.get(0).muli(Scalars.of(beta1, scratch)).addi(g.muli(Scalars.of(1 - beta1, scratch)));
        NDArray divisor = state.get(1).sqrt();
        divisor.attach(scratch);
        divisor.divi(Scalars.of(root(step), scratch)).addi(Scalars.of(epsilon, scratch));
        NDArray move = state.get(0).div(divisor);
        move.attach(scratch);
        w.subi(move.muli(Scalars.of(length(step), scratch)));
    }

    /** Builds an {@link Adam}. */
    public static final class Builder extends ElementwiseOptimizer.Builder<Builder> {

        private double beta1 = 0.9;
        private double beta2 = 0.999;
        private double epsilon = 1e-8;
        private boolean decoupled;

        private Builder() {}

        /** {@inheritDoc} */
        @Override
        protected Builder self() {
            return this;
        }

        /**
         * Sets β₁, what is kept of the mean gradient in a step.
         *
         * @param beta1 β₁, in [0, 1), default 0.9
         * @return this builder
         */
        public Builder optBeta1(double beta1) {
            this.beta1 = beta1;
            return this;
        }

        /**
         * Sets β₂, what is kept of the mean squared gradient in a step.
         *
         * @param beta2 β₂, in [0, 1), default 0.999
         * @return this builder
         */
        public Builder optBeta2(double beta2) {
            this.beta2 = beta2;
            return this;
        }

        /**
         * Sets ε, which keeps the divisor from 0.
         *
         * @param epsilon ε, greater than 0, default 1e-8
         * @return this builder
         */
        public Builder optEpsilon(double epsilon) {
            this.epsilon = epsilon;
            return this;
        }

        /**
         * Takes weight decay off the weights instead of adding it to the gradient: AdamW.
         *
         * @param decoupled true for AdamW, default false
         * @return this builder
         */
        public Builder optDecoupledWeightDecay(boolean decoupled) {
            this.decoupled = decoupled;
            return this;
        }

        /**
         * Builds the optimizer.
         *
         * @return the optimizer
         * @throws NullPointerException if the learning rate is missing
         * @throws IllegalArgumentException if a value is out of its range
         */
        public Adam build() {
            check("Adam");
            checkShare("beta 1", beta1);
            checkShare("beta 2", beta2);
            checkEpsilon(epsilon);
            return new Adam(this);
        }
    }
}
