package io.flipout.tensor;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import io.flipout.mask.Mask;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * Tensors on a device that take their steps together, and what is kept of them there: masks and
 * states, each in one flat array for all, of which the tensors' own are views.
 */
public final class DeviceTensors implements AutoCloseable {

    private final List<Optional<TrainedTensor>> tensors;
    private final List<NDArray> weights;
    private final ListKernels kernels;
    private final NDManager manager;
    private final NDArray sizes;
    private final Map<Object, Flat> states = new HashMap<>();
    private final Map<Object, Constant> constants = new HashMap<>();
    private final int[] versions;
    private NDArray alive;
    private NDArray zero;

    /** A flat array and its parts. */
    private record Flat(NDArray whole, List<NDArray> parts) {

        boolean isOf(List<NDArray> arrays) {
            for (int i = 0; i < arrays.size(); i++) {
                if (arrays.get(i) != null && arrays.get(i) != parts.get(i)) {
                    return false;
                }
            }
            return true;
        }
    }

    /** Numbers as they were copied to the device. */
    private record Constant(float[] numbers, NDArray array) {}

    /**
     * Creates the tensors.
     *
     * @param step the tensors, float32 on one device, in block order
     * @param kernels the kernels of that device
     */
    public DeviceTensors(List<Update> step, ListKernels kernels) {
        this.kernels = kernels;
        tensors = step.stream().map(Update::tensor).toList();
        weights = step.stream().map(Update::weight).toList();
        NDArray first = step.get(0).weight();
        manager = first.getManager().newSubManager(first.getDevice());
        sizes = manager.create(weights.stream().mapToLong(NDArray::size).toArray());
        versions = new int[tensors.size()];
    }

    /**
     * Tells whether these are the tensors of a step.
     *
     * @param step the step
     * @return true if so, in the same order
     */
    public boolean isOf(List<Update> step) {
        boolean isSame = step.size() == weights.size();
        for (int i = 0; isSame && i < step.size(); i++) {
            isSame = step.get(i).weight() == weights.get(i);
        }
        return isSame;
    }

    /**
     * Begins a step.
     *
     * @param step the step, of these tensors
     * @return the step, which the caller closes
     */
    public DeviceStep step(List<Update> step) {
        return new DeviceStep(this, step);
    }

    List<NDArray> weights() {
        return weights;
    }

    ListKernels kernels() {
        return kernels;
    }

    NDManager manager() {
        return manager;
    }

    NDArray sizes() {
        return sizes;
    }

    NDArray zero() {
        if (zero == null) {
            zero = manager.zeros(new Shape());
        }
        return zero;
    }

    /** Returns which weights are alive, a byte each; null if all are. */
    NDArray alive() {
        boolean isStale = false;
        for (int i = 0; i < versions.length; i++) {
            int version = mask(i).map(Mask::version).orElse(-1);
            isStale |= version != versions[i];
            versions[i] = version;
        }
        if (IntStream.of(versions).allMatch(version -> version < 0)) {
            return null;
        }
        if (isStale || alive == null) {
            if (alive != null) {
                alive.close();
            }
            // The tensors' views outlive the buffer that PyTorch would share on a CPU.
            try (NDArray buffered = manager.create(masks(), new Shape(size()), DataType.BOOLEAN)) {
                alive = buffered.duplicate();
            }
            NDList parts = kernels.split(alive, weights, manager);
            for (int i = 0; i < versions.length; i++) {
                if (mask(i).isPresent()) {
                    tensors.get(i).orElseThrow().shareDeviceMask(parts.get(i));
                } else {
                    parts.get(i).close();
                }
            }
        }
        return alive;
    }

    private Optional<Mask> mask(int tensor) {
        return tensors.get(tensor).flatMap(TrainedTensor::mask);
    }

    private ByteBuffer masks() {
        ByteBuffer bytes = manager.allocateDirect(Math.toIntExact(size()));
        for (int i = 0; i < versions.length; i++) {
            byte[] dense =
                    new byte[mask(i).isPresent() ? 0 : Math.toIntExact(weights.get(i).size())];
            Arrays.fill(dense, (byte) 1);
            bytes.put(mask(i).map(Mask::bytes).orElse(dense));
        }
        return bytes.rewind();
    }

    NDArray constant(Object key, float... numbers) {
        Constant known = constants.get(key);
        if (known == null || !Arrays.equals(known.numbers(), numbers)) {
            if (known != null) {
                known.array().close();
            }
            known = new Constant(numbers.clone(), manager.create(numbers));
            constants.put(key, known);
        }
        return known.array();
    }

    long size() {
        return weights.stream().mapToLong(NDArray::size).sum();
    }

    /**
     * Returns the states of all tensors in one flat array. Where they lie apart, they are brought
     * together, and the tensors get views, which outlive these tensors.
     */
    NDArray join(Object key, DataType type, List<NDArray> arrays, Handout handout) {
        Flat flat = states.get(key);
        if (flat == null || !flat.isOf(arrays)) {
            NDList together = new NDList();
            for (int i = 0; i < arrays.size(); i++) {
                NDArray array = arrays.get(i);
                together.add(
                        array == null ? manager.zeros(weights.get(i).getShape(), type) : array);
            }
            NDArray whole = kernels.flatten(together, manager);
            for (int i = 0; i < arrays.size(); i++) {
                together.get(i).close();
            }
            flat = new Flat(whole, kernels.split(whole, weights, manager));
            for (int i = 0; i < arrays.size(); i++) {
                if (arrays.get(i) == null) {
                    flat.parts().get(i).close();
                } else {
                    handout.take(i, flat.parts().get(i));
                }
            }
            Flat before = states.put(key, flat);
            if (before != null) {
                before.whole().close();
            }
        }
        return flat.whole();
    }

    /** Gives a tensor the view that is its state from now on. */
    @FunctionalInterface
    public interface Handout {

        /**
         * Gives it to what owns the tensor's state.
         *
         * @param tensor the tensor's position in the step
         * @param state a view of the tensor's shape, to be attached to its owner
         */
        void take(int tensor, NDArray state);
    }

    /** {@inheritDoc} */
    @Override
    public void close() {
        manager.close();
    }
}
