package io.flipout.signal;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.DataType;
import io.flipout.mask.ParameterInfo;
import io.flipout.tensor.TrainedTensor;
import io.flipout.tensor.Transfers;
import java.util.List;
import java.util.function.Function;

/**
 * The aim test: does training aim at a given value of a weight, and keep shooting past it?
 * (FlipOut, section 2.1.)
 *
 * <p>With x = θ − φ, a step is an <em>over-shoot</em> if sgn(x) changes, and an
 * <em>under-shoot</em> if sgn(x) stays and |x| shrinks. A weight's outcome is positive if its
 * events exceed κ: it probably has φ for its optimum. sgn is three-valued, so landing on φ counts
 * once and leaving it counts again. {@link SignFlips} is the test of φ = 0 by crossing, in an
 * eighth of the memory.
 *
 * <p>This test takes 13 bytes a weight and some ten passes over the weights a step, in the engine's
 * operations on every device.
 */
public final class AimTest implements Signal {

    /** What counts as an event. */
    public enum Event {
        /** An over-shoot: the step crosses φ. */
        CROSSING,
        /**
         * The step lands within ε of φ: what a perturbation of ±ε could turn into a crossing.
         * Under-shoots further away do not count.
         */
        VICINITY
    }

    private final Function<ParameterInfo, float[]> targets;
    private final Event event;
    private final float epsilon;
    private final int threshold;

    private AimTest(Builder builder) {
        targets = builder.targets;
        event = builder.event;
        epsilon = builder.epsilon;
        threshold = builder.threshold;
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
    public Outcome watch(TrainedTensor tensor) {
        return new Outcome(tensor);
    }

    /** The test of one tensor. */
    public final class Outcome implements Watch {

        private final TrainedTensor tensor;
        private final NDArray target;
        private final NDArray overshoots;
        private final NDArray undershoots;
        private final NDArray events;
        private NDArray distance;

        private Outcome(TrainedTensor tensor) {
            this.tensor = tensor;
            float[] phi = targets.apply(tensor.info());
            if (phi.length != 1 && phi.length != tensor.info().size()) {
                throw new IllegalArgumentException(
                        "The aim test of "
                                + tensor.info().path()
                                + " needs 1 target or one for each of its "
                                + tensor.info().size()
                                + " weights, got "
                                + phi.length);
            }
            target =
                    phi.length == 1
                            ? tensor.manager().create(phi[0])
                            : tensor.manager().create(phi, tensor.values().getShape());
            overshoots = counter();
            undershoots = counter();
            events = counter();
            distance = tensor.values().sub(target);
        }

        private NDArray counter() {
            return tensor.manager().zeros(tensor.values().getShape(), DataType.INT32);
        }

        /** {@inheritDoc} */
        @Override
        public void afterStep() {
            NDArray now = tensor.values().sub(target);
            try (NDArray before = distance;
                    NDArray signNow = now.sign();
                    NDArray signBefore = before.sign();
                    NDArray crossed = signNow.neq(signBefore);
                    NDArray near = now.abs();
                    NDArray far = before.abs();
                    NDArray closer = near.lt(far);
                    NDArray same = crossed.logicalNot();
                    NDArray under = same.logicalAnd(closer)) {
                overshoots.addi(crossed);
                undershoots.addi(under);
                if (event == Event.CROSSING) {
                    events.addi(crossed);
                } else {
                    try (NDArray landed = near.lte(epsilon)) {
                        if (tensor.mask().isPresent()) {
                            landed.muli(tensor.deviceMask()); // Pruned weights lie still at 0.
                        }
                        events.addi(landed);
                    }
                }
            }
            distance = now;
        }

        /** {@inheritDoc} */
        @Override
        public void afterPruning() {
            if (tensor.mask().isPresent()) {
                NDArray alive = tensor.deviceMask();
                overshoots.muli(alive);
                undershoots.muli(alive);
                events.muli(alive);
            }
            distance.close();
            distance = tensor.values().sub(target);
        }

        /** {@inheritDoc} */
        @Override
        public Object snapshot() {
            return List.of(overshoots(), undershoots(), events());
        }

        /** {@inheritDoc} */
        @Override
        public void restore(Object snapshot) {
            List<?> counts = (List<?>) snapshot;
            set(overshoots, (int[]) counts.get(0));
            set(undershoots, (int[]) counts.get(1));
            set(events, (int[]) counts.get(2));
        }

        private void set(NDArray counter, int[] values) {
            try (NDArray copy = tensor.manager().create(values, counter.getShape())) {
                counter.set(new NDIndex("..."), copy);
            }
        }

        /**
         * Returns how often each weight crossed its target.
         *
         * @return the over-shoots in row-major order
         */
        public int[] overshoots() {
            return Transfers.ints(overshoots);
        }

        /**
         * Returns how often each weight came closer to its target without crossing it.
         *
         * @return the under-shoots in row-major order
         */
        public int[] undershoots() {
            return Transfers.ints(undershoots);
        }

        /**
         * Returns the number of events of each weight, as the test was told to count them.
         *
         * @return the events in row-major order
         */
        public int[] events() {
            return Transfers.ints(events);
        }

        /**
         * Returns the outcome of the test for each weight.
         *
         * @return true where the events exceed κ, in row-major order
         */
        public boolean[] positives() {
            int[] counts = events();
            boolean[] positive = new boolean[counts.length];
            for (int i = 0; i < counts.length; i++) {
                positive[i] = counts[i] > threshold;
            }
            return positive;
        }
    }

    /** Builds an {@link AimTest}. */
    public static final class Builder {

        private Function<ParameterInfo, float[]> targets = info -> new float[] {0f};
        private Event event = Event.CROSSING;
        private float epsilon;
        private int threshold = -1;

        private Builder() {}

        /**
         * Sets κ: a weight's outcome is positive if its events exceed it. No default is published.
         *
         * @param threshold κ, at least 0
         * @return this builder
         */
        public Builder setThreshold(int threshold) {
            this.threshold = threshold;
            return this;
        }

        /**
         * Sets one target φ for all weights.
         *
         * @param target the target, default 0
         * @return this builder
         */
        public Builder optTarget(float target) {
            return optTargets(info -> new float[] {target});
        }

        /**
         * Sets a target φ for every weight.
         *
         * @param targets gives, for a parameter, one target or one for each weight in row-major
         *     order
         * @return this builder
         */
        public Builder optTargets(Function<ParameterInfo, float[]> targets) {
            this.targets = targets;
            return this;
        }

        /**
         * Counts steps that land within ε of the target, instead of those that cross it.
         *
         * @param epsilon ε, at least 0
         * @return this builder
         */
        public Builder optVicinity(float epsilon) {
            this.event = Event.VICINITY;
            this.epsilon = epsilon;
            return this;
        }

        /**
         * Builds the test.
         *
         * @return the test
         * @throws IllegalArgumentException if κ is missing or negative, or ε is negative
         */
        public AimTest build() {
            if (threshold < 0) {
                throw new IllegalArgumentException(
                        "The aim test needs a threshold of at least 0: setThreshold(κ).");
            }
            if (!(epsilon >= 0)) {
                throw new IllegalArgumentException(
                        "The perturbation ε must be at least 0, got " + epsilon);
            }
            return new AimTest(this);
        }
    }
}
