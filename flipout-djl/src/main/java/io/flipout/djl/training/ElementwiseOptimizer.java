package io.flipout.djl.training;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.training.optimizer.Optimizer;
import ai.djl.training.tracker.ParameterTracker;
import io.flipout.djl.kernel.JoinedTensors;
import io.flipout.tensor.DeviceStep;
import io.flipout.tensor.DirectMemory;
import io.flipout.tensor.Piece;
import io.flipout.tensor.Scalars;
import io.flipout.tensor.StepPass;
import io.flipout.tensor.Transfers;
import io.flipout.tensor.Update;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
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
public abstract class ElementwiseOptimizer extends Optimizer
        implements OptimizerState, StepOptimizer {

    private final ParameterTracker learningRate;

    /** By parameter id, then by the array of a device. */
    private final Map<String, Map<String, Slot>> slots = new HashMap<>();

    /** What {@link #restore} gave, by parameter id. */
    private final Map<String, Restored> restored = new HashMap<>();

    private final JoinedTensors joined = new JoinedTensors();

    /** Whether the step that is taken decays weights. */
    private boolean decays = true;

    private record Restored(List<float[]> state, int updates, int clearedAt) {}

    /**
     * A step of the optimizer.
     *
     * @param rate η, its learning rate
     * @param count its number, from 1, since the state was 0
     * @param decay the weight decay
     */
    record Step(float rate, int count, float decay) {}

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

    /**
     * Moves the first weights of an array, in the host's memory.
     *
     * @param g the gradients, after clipping and weight decay
     */
    abstract void update(float[] w, float[] g, float[][] state, Step step, int size);

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
        move(List.of(update(new ParameterGradient(parameterId, weight, grad))), List.of());
        Sgd.zeroGradient(weight);
    }

    /** {@inheritDoc} */
    @Override
    public final void step(List<ParameterGradient> step) {
        Map<Device, List<Update>> byDevice = new LinkedHashMap<>();
        for (ParameterGradient gradient : step) {
            if (gradient.weight().size() == 0) {
                continue;
            }
            byDevice.computeIfAbsent(gradient.weight().getDevice(), d -> new ArrayList<>())
                    .add(update(gradient));
        }
        byDevice.values().forEach(updates -> move(updates, List.of(Piece::clearGradients)));
    }

    /**
     * Takes a step of what weight decay has no business with, such as gates that are learned beside
     * weights.
     *
     * @param step what takes part, each on all its devices
     */
    public final void stepWithoutDecay(List<ParameterGradient> step) {
        decays = false;
        try {
            step(step);
        } finally {
            decays = true;
        }
    }

    private Update update(ParameterGradient gradient) {
        return new Update(
                gradient.id(),
                gradient.weight(),
                gradient.gradient(),
                Optional.empty(),
                DirectMemory.of(gradient.weight()),
                DirectMemory.of(gradient.gradient()));
    }

    private void move(List<Update> step, List<StepPass.Work> afterwards) {
        Optional<StepPass.Work> work = inPieces(step);
        if (work.isPresent()) {
            List<StepPass.Work> works = new ArrayList<>(List.of(work.get()));
            works.addAll(afterwards);
            StepPass.over(step, works);
        } else if (step.size() > 1
                && step.stream().noneMatch(Update::isOnHost)
                && step.stream().allMatch(Update::isFloat)) {
            try (DeviceStep all = joined.begin(step)) {
                step(all);
                all.putWeights();
                all.clearGradients();
            }
        } else {
            for (Update update : step) {
                Slot slot = slot(update.id(), update.weight());
                try (NDManager scratch = update.weight().getManager().newSubManager();
                        NDArray values = update.weight().stopGradient()) {
                    NDArray gradient = update.gradient().duplicate();
                    gradient.attach(scratch);
                    move(values, gradient, slot.state, next(update, slot), scratch);
                }
                if (!afterwards.isEmpty()) {
                    Sgd.zero(update.gradient());
                }
            }
        }
    }

    /**
     * Begins a step of parameters in the host's memory.
     *
     * @param step the step
     * @return what moves the weights of a piece by its gradients; empty if some of the memory
     *     cannot be reached, and nothing has begun
     */
    public final Optional<StepPass.Work> inPieces(List<Update> step) {
        List<Slot> moved = step.stream().map(u -> slot(u.id(), u.weight())).toList();
        List<List<FloatBuffer>> states = new ArrayList<>();
        for (int i = 0; i < moved.size(); i++) {
            states.add(
                    moved.get(i).state.stream()
                            .map(DirectMemory::of)
                            .flatMap(Optional::stream)
                            .toList());
            if (!step.get(i).isOnHost() || states.get(i).size() < moved.get(i).state.size()) {
                return Optional.empty();
            }
        }
        List<Step> steps = new ArrayList<>();
        for (int i = 0; i < moved.size(); i++) {
            steps.add(next(step.get(i), moved.get(i)));
        }
        return Optional.of(
                piece -> move(piece, states.get(piece.tensor()), steps.get(piece.tensor())));
    }

    private void move(Piece piece, List<FloatBuffer> memory, Step step) {
        float[][] state = new float[memory.size()][];
        for (int i = 0; i < state.length; i++) {
            state[i] = piece.buffer(i);
            piece.read(memory.get(i), state[i]);
        }
        prepare(piece.gradients(), piece.weights(), step, piece.size());
        update(piece.weights(), piece.gradients(), state, step, piece.size());
        piece.changeWeights();
        for (int i = 0; i < state.length; i++) {
            piece.write(memory.get(i), state[i]);
        }
    }

    /**
     * Takes a step on a device, on flat arrays.
     *
     * @param step the step, whose weights are moved and whose gradients are written to at will
     */
    public final void step(DeviceStep step) {
        List<Update> updates = step.updates();
        List<Slot> moved = updates.stream().map(u -> slot(u.id(), u.weight())).toList();
        List<Step> steps = new ArrayList<>();
        for (int i = 0; i < moved.size(); i++) {
            steps.add(next(updates.get(i), moved.get(i)));
        }
        if (steps.stream().distinct().count() == 1) {
            List<NDArray> state = new ArrayList<>();
            for (int i = 0; i < states(); i++) {
                state.add(joinState(step, moved, i));
            }
            move(step.weights(), step.gradients(), state, steps.get(0), step.manager());
        } else {
            NDList weights = step.parts(step.weights());
            NDList gradients = step.parts(step.gradients());
            for (int i = 0; i < moved.size(); i++) {
                List<NDArray> state = moved.get(i).state;
                move(weights.get(i), gradients.get(i), state, steps.get(i), step.manager());
            }
        }
    }

    private NDArray joinState(DeviceStep step, List<Slot> moved, int number) {
        return step.join(
                List.of(this, number),
                DataType.FLOAT32,
                moved.stream().map(slot -> slot.state.get(number)).toList(),
                (i, view) -> {
                    view.attach(step.updates().get(i).weight().getManager());
                    moved.get(i).state.set(number, view);
                });
    }

    private Step next(Update update, Slot slot) {
        float rate = learningRate.getNewValue(update.id(), ++slot.updates);
        float decay = decays ? getWeightDecay() : 0;
        return new Step(rate, slot.updates - slot.clearedAt, decay);
    }

    private Slot slot(String parameterId, NDArray weight) {
        return slots.computeIfAbsent(parameterId, k -> new HashMap<>())
                .computeIfAbsent(weight.getUid(), k -> newSlot(parameterId, weight));
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
                            : Transfers.move(
                                    manager.create(before.state.get(i), weight.getShape()),
                                    weight.getDevice(),
                                    manager));
        }
        return slot;
    }

    /** Clips gradients and adds weight decay. */
    private void prepare(float[] gradients, float[] weights, Step step, int size) {
        if (rescaleGrad != 1 || clipGrad >= 0) {
            float clip = clipGrad >= 0 ? clipGrad : Float.POSITIVE_INFINITY;
            for (int i = 0; i < size; i++) {
                float scaled = gradients[i] * rescaleGrad;
                // Not Math.min and max: they are slow on NaN's account, which passes here.
                gradients[i] = scaled > clip ? clip : scaled < -clip ? -clip : scaled;
            }
        }
        float decay = step.decay();
        if (addsDecay() && decay != 0) {
            for (int i = 0; i < size; i++) {
                gradients[i] += decay * weights[i];
            }
        }
    }

    /** Moves weights by the engine's operations; the gradient is written to at will. */
    private void move(NDArray w, NDArray g, List<NDArray> state, Step step, NDManager scratch) {
        NDArray gradient = rescaleGrad == 1 ? g : g.muli(Scalars.of(rescaleGrad, scratch));
        if (clipGrad >= 0) {
            gradient = gradient.clip(-clipGrad, clipGrad);
            gradient.attach(scratch);
        }
        if (addsDecay() && step.decay() != 0) {
            NDArray decay = w.mul(Scalars.of(step.decay(), scratch));
            decay.attach(scratch);
            gradient.addi(decay);
        }
        update(w, gradient, state, step, scratch);
    }

    private Optional<Slot> known(String parameterId, NDArray weight) {
        return Optional.ofNullable(slots.getOrDefault(parameterId, Map.of()).get(weight.getUid()));
    }

    /** {@inheritDoc} */
    @Override
    public final List<NDArray> state(String parameterId, NDArray weight) {
        return known(parameterId, weight).map(slot -> List.copyOf(slot.state)).orElse(List.of());
    }

    /** {@inheritDoc} */
    @Override
    public final int updates(String parameterId, NDArray weight) {
        return known(parameterId, weight).map(slot -> slot.updates).orElse(0);
    }

    /** {@inheritDoc} */
    @Override
    public final void clear(String parameterId, NDArray weight) {
        known(parameterId, weight)
                .ifPresent(
                        slot -> {
                            slot.state.forEach(Sgd::zero);
                            slot.clearedAt = slot.updates;
                        });
    }

    /** {@inheritDoc} */
    @Override
    public final int clearedAt(String parameterId, NDArray weight) {
        return known(parameterId, weight).map(slot -> slot.clearedAt).orElse(0);
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
