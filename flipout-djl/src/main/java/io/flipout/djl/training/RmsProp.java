package io.flipout.djl.training;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.flipout.tensor.Scalars;
import java.util.List;

/**
 * RMSprop as PyTorch does it: {@code v ← αv + (1 − α)g²; θ ← θ − η·g / (√v + ε)}, or with momentum
 * {@code b ← μb + g / (√v + ε); θ ← θ − η·b}, where weight decay is added to g first, {@code g ← g
 * + wd·θ}.
 *
 * <p>Tieleman and Hinton, <a
 * href="https://www.cs.toronto.edu/~tijmen/csc321/slides/lecture_slides_lec6.pdf">Lecture 6.5:
 * RMSprop</a>, 2012. The state can be read and restored, 4 bytes a weight, 8 with momentum.
 */
public final class RmsProp extends ElementwiseOptimizer {

    private final double alpha;
    private final double epsilon;
    private final float momentum;

    private RmsProp(Builder builder) {
        super(builder);
        alpha = builder.alpha;
        epsilon = builder.epsilon;
        momentum = builder.momentum;
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
        return momentum == 0 ? 1 : 2;
    }

    @Override
    void update(float[] w, float[] g, float[][] state, Step at, int size) {
        float keeps = (float) alpha;
        float rest = (float) (1 - alpha);
        float eps = (float) epsilon;
        for (int i = 0; i < size; i++) {
            float gradient = g[i];
            float square = keeps * state[0][i] + rest * gradient * gradient;
            state[0][i] = square;
            float step = gradient / ((float) Math.sqrt(square) + eps);
            if (momentum != 0) {
                step += momentum * state[1][i];
                state[1][i] = step;
            }
            w[i] -= at.rate() * step;
        }
    }

    @Override
    void update(NDArray w, NDArray g, List<NDArray> state, Step at, NDManager scratch) {
        NDArray square = g.square();
        square.attach(scratch);
        state.get(0)
                .muli(Scalars.of(alpha, scratch))
                .addi(square.muli(Scalars.of(1 - alpha, scratch)));
        NDArray divisor = state.get(0).sqrt();
        divisor.attach(scratch);
        g.divi(divisor.addi(Scalars.of(epsilon, scratch)));
        if (momentum != 0) {
            state.get(1).muli(Scalars.of(momentum, scratch)).addi(g);
            NDArray velocity = state.get(1).mul(Scalars.of(at.rate(), scratch));
            velocity.attach(scratch);
            w.subi(velocity);
        } else {
            w.subi(g.muli(Scalars.of(at.rate(), scratch)));
        }
    }

    /** Builds an {@link RmsProp}. */
    public static final class Builder extends ElementwiseOptimizer.Builder<Builder> {

        private double alpha = 0.99;
        private double epsilon = 1e-8;
        private float momentum;

        private Builder() {}

        /** {@inheritDoc} */
        @Override
        protected Builder self() {
            return this;
        }

        /**
         * Sets α, what is kept of the mean squared gradient in a step.
         *
         * @param alpha α, in [0, 1), default 0.99
         * @return this builder
         */
        public Builder optAlpha(double alpha) {
            this.alpha = alpha;
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
         * Sets the momentum.
         *
         * @param momentum μ, in [0, 1), default 0
         * @return this builder
         */
        public Builder optMomentum(float momentum) {
            this.momentum = momentum;
            return this;
        }

        /**
         * Builds the optimizer.
         *
         * @return the optimizer
         * @throws NullPointerException if the learning rate is missing
         * @throws IllegalArgumentException if a value is out of its range
         */
        public RmsProp build() {
            check("RmsProp");
            checkShare("alpha", alpha);
            checkShare("momentum", momentum);
            checkEpsilon(epsilon);
            return new RmsProp(this);
        }
    }
}
