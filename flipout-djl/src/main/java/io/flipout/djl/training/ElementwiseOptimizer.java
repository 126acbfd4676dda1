package io.flipout.djl.training;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.training.optimizer.Optimizer;
import ai.djl.training.tracker.ParameterTracker;
import io.flipout.tensor.Chunks;
import io.flipout.tensor.DirectMemory;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * An optimizer that moves every weight by its own gradient and state, and whose state can be read,
 * cleared and restored.
 *
 * <p>The update count advances once a step, also with several devices. Clipping is to [−c, c],
 * applied to the gradient before weight decay. On a CPU an update is one pass over weight, gradient
 * and state; elsewhere it is operations of the engine.
 */
public abstract class ElementwiseOptimizer extends Optimizer implements OptimizerState {

    private final ParameterTracker learningRate;

    /** By parameter id, then by the array of a device. */
    private final Map<String, Map<String, Slot>> slots = new HashMap<>();

    /** What {@link #restore} gave, by parameter id. */
    private final Map<String, Restored> restored = new HashMap<>();

    private record Restored(List<float[]> state, int updates, int clearedAt) {}

    /**
     * A step of the optimizer.
     *
     * @param rate η, its learning rate
     * @param count its number, from 1, since the state was 0
     */
    record Step(float rate, int count) {}

    /** What is kept for a parameter on a device. */
    private static final class Slot {
        final List<NDArray> state = new ArrayList<>();
        int updates;
        int clearedAt;
    }

    ElementwiseOptimizer(Builder<?> builder) {
        super(builder);
        learningRate = builder.learningRate;
    }

    /** Returns the number of arrays that are kept for each parameter. */
    abstract int states();

    /** Moves the weights from one position up to another, in the memory of the arrays. */
    abstract void update(
            FloatBuffer w, FloatBuffer g, FloatBuffer[] state, Step step, int from, int to);

    /**
     * Moves the weights by the engine's operations.
     *
     * @param g the gradient, after clipping and weight decay, to be written to at will
     * @param scratch owns what is made on the way
     */
    abstract void update(NDArray w, NDArray g, List<NDArray> state, Step step, NDManager scratch);

    /** Whether weight decay is added to the gradient, or the optimizer sees to it. */
    boolean addsDecay() {
        return true;
    }

    /** {@inheritDoc} */
    @Override
    public final void update(String parameterId, NDArray weight, NDArray grad) {
        Slot slot =
                slots.computeIfAbsent(parameterId, k -> new HashMap<>())
                        .computeIfAbsent(weight.getUid(), k -> newSlot(parameterId, weight));
        float rate = learningRate.getNewValue(parameterId, ++slot.updates);
        Step step = new Step(rate, slot.updates - slot.clearedAt);
        try (NDArray values = weight.stopGradient()) {
            Optional<FloatBuffer> w = DirectMemory.of(values);
            Optional<FloatBuffer> g = DirectMemory.of(grad);
            List<FloatBuffer> state =
                    slot.state.stream().map(DirectMemory::of).flatMap(Optional::stream).toList();
            if (w.isPresent() && g.isPresent() && state.size() == slot.state.size()) {
                FloatBuffer[] memory = state.toArray(FloatBuffer[]::new);
                Chunks.forEach(
                        w.get().limit(),
                        (chunk, from, to) -> update(w.get(), g.get(), memory, step, from, to));
            } else {
                updateOnDevice(values, grad, slot.state, step);
            }
        }
        Sgd.zeroGradient(weight);
    }

    private Slot newSlot(String parameterId, NDArray weight) {
        Slot slot = new Slot();
        Restored before = restored.getOrDefault(parameterId, new Restored(List.of(), 0, 0));
        slot.updates = before.updates;
        slot.clearedAt = before.clearedAt;
        NDManager manager = weight.getManager();
        for (int i = 0; i < states(); i++) {
            slot.state.add(
                    before.state.isEmpty()
                            ? manager.zeros(
                                    weight.getShape(), weight.getDataType(), weight.getDevice())
                            : manager.create(before.state.get(i), weight.getShape())
                                    .toDevice(weight.getDevice(), false));
        }
        return slot;
    }

    /** Returns a gradient of the memory, after clipping and weight decay. */
    final float gradient(float gradient, float weight) {
        float clip = clipGrad >= 0 ? clipGrad : Float.POSITIVE_INFINITY;
        float scaled = gradient * rescaleGrad;
        // Not Math.min and max: they are slow on NaN's account, which passes here.
        scaled = scaled > clip ? clip : scaled < -clip ? -clip : scaled;
        return addsDecay() ? scaled + getWeightDecay() * weight : scaled;
    }

    private void updateOnDevice(NDArray w, NDArray g, List<NDArray> state, Step step) {
        try (NDManager scratch = w.getManager().newSubManager(w.getDevice())) {
            NDArray gradient = g.mul(rescaleGrad);
            gradient.attach(scratch);
            if (clipGrad >= 0) {
                gradient = gradient.clip(-clipGrad, clipGrad);
                gradient.attach(scratch);
            }
            if (addsDecay() && getWeightDecay() != 0) {
                NDArray decay = w.mul(getWeightDecay());
                decay.attach(scratch);
                gradient.addi(decay);
            }
            update(w, gradient, state, step, scratch);
        }
    }

    private Optional<Slot> slot(String parameterId, NDArray weight) {
        return Optional.ofNullable(slots.getOrDefault(parameterId, Map.of()).get(weight.getUid()));
    }

    /** {@inheritDoc} */
    @Override
    public final List<NDArray> state(String parameterId, NDArray weight) {
        return slot(parameterId, weight).map(slot -> List.copyOf(slot.state)).orElse(List.of());
    }

    /** {@inheritDoc} */
    @Override
    public final int updates(String parameterId, NDArray weight) {
        return slot(parameterId, weight).map(slot -> slot.updates).orElse(0);
    }

    /** {@inheritDoc} */
    @Override
    public final void clear(String parameterId, NDArray weight) {
        slot(parameterId, weight)
                .ifPresent(
                        slot -> {
                            slot.state.forEach(Sgd::zero);
                            slot.clearedAt = slot.updates;
                        });
    }

    /** {@inheritDoc} */
    @Override
    public final int clearedAt(String parameterId, NDArray weight) {
        return slot(parameterId, weight).map(slot -> slot.clearedAt).orElse(0);
    }

    /** {@inheritDoc} */
    @Override
    public final void restore(String parameterId, List<float[]> state, int updates) {
        restore(parameterId, state, updates, 0);
    }

    /** {@inheritDoc} */
    @Override
    public final void restore(String parameterId, List<float[]> state, int updates, int clearedAt) {
        if (!state.isEmpty() && state.size() != states()) {
            throw new IllegalArgumentException(
                    "The state saved is of another optimizer: it has "
                            + state.size()
                            + " numbers a weight, where this one keeps "
                            + states()
                            + ".");
        }
        slots.remove(parameterId);
        restored.put(parameterId, new Restored(state, updates, clearedAt));
    }

    /**
     * Builds an optimizer.
     *
     * @param <B> the builder of the optimizer
     */
    public abstract static class Builder<B extends Builder<B>> extends OptimizerBuilder<B> {

        private ParameterTracker learningRate;

        Builder() {}

        /**
         * Sets the learning rate η by the number of the step, from 1.
         *
         * @param tracker the tracker
         * @return this builder
         */
        public B setLearningRateTracker(ParameterTracker tracker) {
            learningRate = tracker;
            return self();
        }

        /** Refuses to build without a learning rate. */
        final void check(String name) {
            Objects.requireNonNull(
                    learningRate, name + " needs a learning rate: setLearningRateTracker(...)");
        }

        /** Refuses a share that is none. */
        static void checkShare(String what, double value) {
            if (!(value >= 0 && value < 1)) {
                throw new IllegalArgumentException(
                        "The " + what + " must lie in [0, 1), got " + value);
            }
        }

        /** Refuses an ε that does not keep a divisor from 0. */
        static void checkEpsilon(double epsilon) {
            if (!(epsilon > 0 && Double.isFinite(epsilon))) {
                throw new IllegalArgumentException(
                        "Epsilon must be a number greater than 0, got " + epsilon);
            }
        }
    }
}
