package io.flipout.djl.training;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.optimizer.Optimizer;
import ai.djl.training.tracker.ParameterTracker;
import io.flipout.tensor.Chunks;
import io.flipout.tensor.DirectMemory;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * Stochastic gradient descent as PyTorch does it: {@code v ← μv + g + wd·θ; θ ← θ − η·v}.
 *
 * <p>DJL's own keeps η inside the velocity, so that after a drop of the learning rate the old rate
 * lives on in it; and its clipping cuts off one side only. Here clipping is to [−c, c], applied to
 * the gradient before weight decay. The update count advances once a step, also with several
 * devices. The velocity can be read and restored.
 *
 * <p>On a CPU an update is one pass over weight, gradient and velocity.
 */
public final class Sgd extends Optimizer implements OptimizerState {

    private final ParameterTracker learningRate;
    private final float momentum;
    private final boolean nesterov;

    /** By parameter id, then by the array of a device. */
    private final Map<String, Map<String, Slot>> slots = new HashMap<>();

    /** What {@link #restore} gave, by parameter id. */
    private final Map<String, Restored> restored = new HashMap<>();

    private record Restored(List<float[]> state, int updates) {}

    /** What is kept for a parameter on a device; there is no velocity without momentum. */
    private static final class Slot {
        NDArray velocity;
        int updates;
    }

    private Sgd(Builder builder) {
        super(builder);
        learningRate = builder.learningRate;
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

    /** {@inheritDoc} */
    @Override
    public void update(String parameterId, NDArray weight, NDArray grad) {
        Slot slot =
                slots.computeIfAbsent(parameterId, k -> new HashMap<>())
                        .computeIfAbsent(weight.getUid(), k -> newSlot(parameterId, weight));
        float rate = learningRate.getNewValue(parameterId, ++slot.updates);
        try (NDArray values = weight.stopGradient()) {
            Optional<FloatBuffer> w = DirectMemory.of(values);
            Optional<FloatBuffer> g = DirectMemory.of(grad);
            Optional<FloatBuffer> v =
                    slot.velocity == null ? w : DirectMemory.of(slot.velocity); // w: not read
            if (w.isPresent() && g.isPresent() && v.isPresent()) {
                updateInPlace(w.get(), g.get(), v.get(), rate);
            } else {
                updateOnDevice(values, grad, slot.velocity, rate);
            }
        }
        zeroGradient(weight);
    }

    private Slot newSlot(String parameterId, NDArray weight) {
        Slot slot = new Slot();
        Restored before = restored.getOrDefault(parameterId, new Restored(List.of(), 0));
        slot.updates = before.updates;
        if (momentum != 0) {
            NDManager manager = weight.getManager();
            slot.velocity =
                    before.state.isEmpty()
                            ? manager.zeros(
                                    weight.getShape(), weight.getDataType(), weight.getDevice())
                            : manager.create(before.state.get(0), weight.getShape())
                                    .toDevice(weight.getDevice(), false);
        }
        return slot;
    }

    private void updateInPlace(FloatBuffer w, FloatBuffer g, FloatBuffer v, float rate) {
        float decay = getWeightDecay();
        float clip = clipGrad >= 0 ? clipGrad : Float.POSITIVE_INFINITY;
        Chunks.forEach(
                w.limit(),
                (chunk, from, to) -> {
                    for (int i = from; i < to; i++) {
                        float weight = w.get(i);
                        float scaled = g.get(i) * rescaleGrad;
                        // Not Math.min and max: they are slow on NaN's account, which passes here.
                        scaled = scaled > clip ? clip : scaled < -clip ? -clip : scaled;
                        float step = scaled + decay * weight;
                        if (momentum != 0) {
                            float velocity = momentum * v.get(i) + step;
                            v.put(i, velocity);
                            step = nesterov ? step + momentum * velocity : velocity;
                        }
                        w.put(i, weight - rate * step);
                    }
                });
    }

    private void updateOnDevice(NDArray w, NDArray g, NDArray v, float rate) {
        try (NDManager scratch = w.getManager().newSubManager(w.getDevice())) {
            NDArray step = g.mul(rescaleGrad);
            step.attach(scratch);
            if (clipGrad >= 0) {
                step = step.clip(-clipGrad, clipGrad);
                step.attach(scratch);
            }
            if (getWeightDecay() != 0) {
                NDArray decay = w.mul(getWeightDecay());
                decay.attach(scratch);
                step.addi(decay);
            }
            if (momentum != 0) {
                v.muli(momentum).addi(step);
                NDArray velocity = v.mul(nesterov ? momentum * rate : rate);
                velocity.attach(scratch);
                w.subi(velocity);
            }
            if (momentum == 0 || nesterov) {
                w.subi(step.muli(rate));
            }
        }
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

    /** {@inheritDoc} */
    @Override
    public List<NDArray> state(String parameterId, NDArray weight) {
        Slot slot = slots.getOrDefault(parameterId, Map.of()).get(weight.getUid());
        return slot == null || slot.velocity == null ? List.of() : List.of(slot.velocity);
    }

    /** {@inheritDoc} */
    @Override
    public int updates(String parameterId, NDArray weight) {
        Slot slot = slots.getOrDefault(parameterId, Map.of()).get(weight.getUid());
        return slot == null ? 0 : slot.updates;
    }

    /** {@inheritDoc} */
    @Override
    public void restore(String parameterId, List<float[]> state, int updates) {
        slots.remove(parameterId);
        restored.put(parameterId, new Restored(state, updates));
    }

    /** Builds an {@link Sgd}. */
    public static final class Builder extends OptimizerBuilder<Builder> {

        private ParameterTracker learningRate;
        private float momentum;
        private boolean nesterov;

        private Builder() {}

        /** {@inheritDoc} */
        @Override
        protected Builder self() {
            return this;
        }

        /**
         * Sets the learning rate η by the number of the step, from 1.
         *
         * @param tracker the tracker
         * @return this builder
         */
        public Builder setLearningRateTracker(ParameterTracker tracker) {
            learningRate = tracker;
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
            Objects.requireNonNull(
                    learningRate, "Sgd needs a learning rate: setLearningRateTracker(...)");
            if (!(momentum >= 0 && momentum < 1)) {
                throw new IllegalArgumentException(
                        "The momentum must lie in [0, 1), got " + momentum);
            }
            if (nesterov && momentum == 0) {
                throw new IllegalArgumentException("Nesterov needs a momentum above 0.");
            }
            return new Sgd(this);
        }
    }
}
