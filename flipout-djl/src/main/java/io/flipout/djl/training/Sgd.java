package io.flipout.djl.training;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.Shape;
import io.flipout.tensor.Chunks;
import io.flipout.tensor.DirectMemory;
import io.flipout.tensor.Scalars;
import java.util.Arrays;
import java.util.List;

/**
 * Stochastic gradient descent as PyTorch does it: {@code v ← μv + g + wd·θ; θ ← θ − η·v}.
 *
 * <p>DJL's own keeps η inside the velocity, so that after a drop of the learning rate the old rate
 * lives on in it; and its clipping cuts off one side only. Here clipping is to [−c, c], applied to
 * the gradient before weight decay. The velocity can be read and restored.
 *
 * <p>On a CPU an update is one pass over weight, gradient and velocity.
 */
public final class Sgd extends ElementwiseOptimizer {

    private final float momentum;
    private final boolean nesterov;

    private Sgd(Builder builder) {
        super(builder);
        momentum = builder.momentum;
        nesterov = builder.nesterov;
    }

    /**
     * Creates a builder.
     *
     * @return a new builder
     */
    public static Builder builder() {
        return new Builder();
    }

    /** There is no velocity without momentum. */
    @Override
    int states() {
        return momentum == 0 ? 0 : 1;
    }

    @Override
    void update(float[] w, float[] g, float[][] state, Step at, int size) {
        float rate = at.rate();
        if (momentum == 0) {
            for (int i = 0; i < size; i++) {
                w[i] -= rate * g[i];
            }
            return;
        }
        float[] velocity = state[0];
        for (int i = 0; i < size; i++) {
            velocity[i] = momentum * velocity[i] + g[i];
        }
        if (nesterov) {
            for (int i = 0; i < size; i++) {
                w[i] -= rate * (g[i] + momentum * velocity[i]);
            }
        } else {
            for (int i = 0; i < size; i++) {
                w[i] -= rate * velocity[i];
            }
        }
    }

    @Override
    void update(NDArray w, NDArray g, List<NDArray> state, Step at, NDManager scratch) {
        NDArray move = g;
        if (momentum != 0) {
            move = state.get(0).muli(Scalars.of(momentum, scratch)).addi(g);
        }
        if (nesterov) {
            NDArray ahead = move.mul(Scalars.of(momentum, scratch));
            ahead.attach(scratch);
            move = g.addi(ahead);
        }
        NDArray step = move.mul(Scalars.of(at.rate(), scratch));
        step.attach(scratch);
        w.subi(step);
    }

    /** DJL leaves it to the optimizer: the next backward pass adds to what it finds. */
    public static void zeroGradient(NDArray weight) {
        if (!weight.hasGradient()) {
            return;
        }
        try (NDArray gradient = weight.getGradient()) {
            zero(gradient);
        }
    }

    /** Fills an array with 0. */
    public static void zero(NDArray array) {
        DirectMemory.of(array)
                .ifPresentOrElse(
                        memory ->
                                Chunks.forEach(
                                        memory,
                                        (chunk, from, to, values) -> {
                                            Arrays.fill(values, 0f);
                                            return true;
                                        }),
                        () -> zeroOnDevice(array));
    }

    private static void zeroOnDevice(NDArray array) {
        // Given the number 0, DJL would make an array of it and never close that.
        try (NDArray zero = array.getManager().zeros(new Shape())) {
            array.set(new NDIndex("..."), zero);
        }
    }

    /** Builds an {@link Sgd}. */
    public static final class Builder extends ElementwiseOptimizer.Builder<Builder> {

        private float momentum;
        private boolean nesterov;

        private Builder() {}

        /** {@inheritDoc} */
        @Override
        protected Builder self() {
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
         * Turns on Nesterov's momentum: the weight moves by {@code g + wd·θ + μv}.
         *
         * @param nesterov true to turn it on, default false
         * @return this builder
         */
        public Builder optNesterov(boolean nesterov) {
            this.nesterov = nesterov;
            return this;
        }

        /**
         * Builds the optimizer.
         *
         * @return the optimizer
         * @throws NullPointerException if the learning rate is missing
         * @throws IllegalArgumentException if the momentum is out of range, or Nesterov lacks one
         */
        public Sgd build() {
            check("Sgd");
            checkShare("momentum", momentum);
            if (nesterov && momentum == 0) {
                throw new IllegalArgumentException("Nesterov needs a momentum above 0.");
            }
            return new Sgd(this);
        }
    }
}
