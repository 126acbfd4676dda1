package io.flipout.signal;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.DataType;
import io.flipout.mask.Mask;
import io.flipout.tensor.Chunks;
import io.flipout.tensor.DeviceStep;
import io.flipout.tensor.DirectMemory;
import io.flipout.tensor.Piece;
import io.flipout.tensor.Signs;
import io.flipout.tensor.TrainedTensor;
import io.flipout.tensor.Transfers;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.Function;

/**
 * Counts how often each weight changes its sign in an optimizer step: the aim test for the value 0
 * (FlipOut, section 2.1).
 *
 * <p>{@code f ← f + [sgn(θ_new) ≠ sgn(θ_old)]}, with sgn three-valued: a weight that lands on 0
 * counts once and leaving 0 counts again. The count runs over the whole training and is never reset
 * at a pruning; of pruned weights it is 0. It takes 5 bytes a weight: 4 for the count, 1 for the
 * sign before.
 */
public final class SignFlips implements Signal {

    /** Creates the signal. */
    public SignFlips() {}

    /** {@inheritDoc} */
    @Override
    public Counts watch(TrainedTensor tensor) {
        return DirectMemory.of(tensor.values()).isPresent()
                ? new HostCounts(tensor)
                : new DeviceCounts(tensor);
    }

    /** {@inheritDoc} */
    @Override
    public boolean afterStep(DeviceStep step, List<Watch> watches) {
        NDArray flips =
                join(
                        step,
                        watches,
                        "flips",
                        DataType.INT32,
                        c -> c.flips,
                        (c, a) -> c.flips = c.own(a));
        NDArray signs =
                join(
                        step,
                        watches,
                        "signs",
                        DataType.INT8,
                        c -> c.signs,
                        (c, a) -> c.signs = c.own(a));
        NDArray now = step.own(step.own(step.weights().sign()).toType(DataType.INT8, false));
        flips.addi(step.own(now.neq(signs)));
        signs.set(new NDIndex("..."), now);
        return true;
    }

    private NDArray join(
            DeviceStep step,
            List<Watch> watches,
            String state,
            DataType type,
            Function<DeviceCounts, NDArray> get,
            BiConsumer<DeviceCounts, NDArray> set) {
        List<NDArray> arrays = new ArrayList<>();
        watches.forEach(
                watch -> arrays.add(watch == null ? null : get.apply((DeviceCounts) watch)));
        return step.join(
                List.of(this, state),
                type,
                arrays,
                (i, view) -> set.accept((DeviceCounts) watches.get(i), view));
    }

    /** The flips counted in one tensor. */
    public abstract static class Counts implements Watch {

        final TrainedTensor tensor;

        Counts(TrainedTensor tensor) {
            this.tensor = tensor;
        }

        /**
         * Returns the number of sign flips of every weight.
         *
         * @return the flips in row-major order, 0 for pruned weights; not to be written to
         */
        public abstract int[] flips();

        abstract void set(int[] flips);

        /** {@inheritDoc} */
        @Override
        public Object snapshot() {
            return flips().clone();
        }

        /** {@inheritDoc} */
        @Override
        public void restore(Object snapshot) {
            set((int[]) snapshot);
        }
    }

    /** One pass over the memory of the weights; the state is plain arrays. */
    private static final class HostCounts extends Counts {

        private final int[] flips;
        private final byte[] signs;

        HostCounts(TrainedTensor tensor) {
            super(tensor);
            int size = tensor.info().size();
            flips = new int[size];
            signs = new byte[size];
            afterPruning();
        }

        @Override
        public void afterStep() {
            Chunks.forEach(
                    memory(),
                    (chunk, from, to, weights) -> {
                        Signs.countFlips(weights, to - from, signs, flips, from);
                        return false;
                    });
        }

        @Override
        public boolean takesPieces() {
            return true;
        }

        @Override
        public void afterStep(Piece piece) {
            piece.countFlips(signs, flips);
        }

        @Override
        public void afterPruning() {
            Chunks.forEach(
                    memory(),
                    (chunk, from, to, weights) -> {
                        Signs.look(weights, to - from, signs, from);
                        return false;
                    });
            tensor.mask()
                    .map(Mask::bytes)
                    .ifPresent(
                            alive ->
                                    Chunks.forEach(
                                            flips.length,
                                            (chunk, from, to) ->
                                                    Signs.forget(flips, alive, from, to)));
        }

        private FloatBuffer memory() {
            return DirectMemory.of(tensor.values()).orElseThrow();
        }

        @Override
        public int[] flips() {
            return flips;
        }

        @Override
        void set(int[] from) {
            System.arraycopy(from, 0, flips, 0, flips.length);
        }
    }

    /** The engine's operations; the state lies on the device. */
    private static final class DeviceCounts extends Counts {

        private NDArray flips;
        private NDArray signs;

        DeviceCounts(TrainedTensor tensor) {
            super(tensor);
            flips = tensor.manager().zeros(tensor.values().getShape(), DataType.INT32);
            signs = signsNow();
        }

        private NDArray own(NDArray array) {
            array.attach(tensor.manager());
            return array;
        }

        private NDArray signsNow() {
            try (NDArray sign = tensor.values().sign();
                    NDArray bytes = sign.toType(DataType.INT8, false)) {
                return bytes.stopGradient();
            }
        }

        @Override
        public void afterStep() {
            try (NDArray now = signsNow();
                    NDArray flipped = now.neq(signs)) {
                flips.addi(flipped);
                signs.set(new NDIndex("..."), now);
            }
        }

        @Override
        public void afterPruning() {
            if (tensor.mask().isPresent()) {
                flips.muli(tensor.deviceMask());
            }
            try (NDArray now = signsNow()) {
                signs.set(new NDIndex("..."), now);
            }
        }

        @Override
        public int[] flips() {
            return Transfers.ints(flips);
        }

        @Override
        void set(int[] from) {
            try (NDArray given = tensor.manager().create(from, tensor.values().getShape())) {
                flips.set(new NDIndex("..."), given);
            }
        }
    }
}
