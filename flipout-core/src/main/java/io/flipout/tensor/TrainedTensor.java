package io.flipout.tensor;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import io.flipout.mask.Mask;
import io.flipout.mask.ParameterInfo;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Optional;

/**
 * One parameter on one device while it trains: its values, its mask, and how many steps it has
 * taken. A parameter that is mirrored on several devices has one of these for each.
 */
public final class TrainedTensor implements AutoCloseable {

    private final ParameterInfo info;
    private NDArray values;
    private final Mask mask;
    private final NDManager manager;
    private NDArray deviceMask;
    private NDArray zero;
    private int deviceMaskVersion = -1;
    private long steps;

    /**
     * Creates the tensor.
     *
     * @param info the parameter
     * @param values its values on this device
     * @param mask its mask, shared by all devices; null if the parameter is not prunable
     * @param steps the number of steps taken before
     */
    public TrainedTensor(ParameterInfo info, NDArray values, Mask mask, long steps) {
        this.info = info;
        this.mask = mask;
        this.steps = steps;
        manager = values.getManager().newSubManager(values.getDevice());
        follow(values);
    }

    /**
     * Takes the values from an array that may have got new memory, as NDArray.set gives it.
     *
     * @param weight the parameter's array on this device
     */
    public void follow(NDArray weight) {
        // The same memory outside of autograd: whatever the thread's gradient mode, what is
        // computed here is not recorded, and writing in place is allowed.
        NDArray detached = weight.stopGradient();
        detached.attach(manager);
        if (values != null) {
            values.close();
        }
        values = detached;
    }

    /**
     * Returns the parameter.
     *
     * @return the parameter
     */
    public ParameterInfo info() {
        return info;
    }

    /**
     * Returns the parameter's values on this device.
     *
     * @return the values, float32
     */
    public NDArray values() {
        return values;
    }

    /**
     * Returns the mask.
     *
     * @return the mask; empty if the parameter is not prunable or nothing of it is pruned
     */
    public Optional<Mask> mask() {
        return mask == null || mask.isDense() ? Optional.empty() : Optional.of(mask);
    }

    /**
     * Returns the number of optimizer steps this tensor has taken.
     *
     * @return the number of steps
     */
    public long steps() {
        return steps;
    }

    /** Counts one more optimizer step. */
    public void countStep() {
        steps++;
    }

    /**
     * Counts the steps that others took while this tensor was frozen.
     *
     * @param all the number of steps that the training has taken
     */
    public void catchUp(long all) {
        steps = Math.max(steps, all);
    }

    /**
     * Returns the manager that owns what is kept on this device beside the tensor.
     *
     * @return the manager, closed with this tensor
     */
    public NDManager manager() {
        return manager;
    }

    /**
     * Sets to 0 what the mask has pruned, also where it was infinite or NaN, which a product with
     * the mask would not.
     *
     * @param array an array of the tensor's shape on its device: the values, a gradient, a momentum
     */
    public void applyMask(NDArray array) {
        if (mask().isEmpty()) {
            return;
        }
        byte[] alive = mask.bytes();
        DirectMemory.of(array)
                .ifPresentOrElse(
                        memory ->
                                Chunks.forEach(
                                        memory,
                                        (chunk, from, to, values) -> {
                                            int size = to - from;
                                            StepLoops.best(size).mask(values, size, alive, from);
                                            return true;
                                        }),
                        () -> maskOnDevice(array));
    }

    private void maskOnDevice(NDArray array) {
        NDArray alive = deviceMask();
        try (NDArray masked = NDArrays.where(alive, array, zero)) {
            array.set(new NDIndex("..."), masked);
        }
    }

    /**
     * Sets an array to 0 at some positions.
     *
     * @param array an array of the tensor's shape on its device
     * @param positions the positions, row-major
     */
    public void clear(NDArray array, int[] positions) {
        DirectMemory.of(array)
                .ifPresentOrElse(
                        memory -> {
                            for (int index : positions) {
                                memory.put(index, 0f);
                            }
                        },
                        () -> clearOnDevice(array, positions));
    }

    private void clearOnDevice(NDArray array, int[] positions) {
        byte[] stays = new byte[info.size()];
        Arrays.fill(stays, (byte) 1);
        for (int index : positions) {
            stays[index] = 0;
        }
        ByteBuffer bytes = manager.allocateDirect(stays.length);
        bytes.put(stays).rewind();
        try (NDArray condition = manager.create(bytes, values.getShape(), DataType.BOOLEAN);
                NDArray nothing = manager.zeros(new Shape());
                NDArray left = NDArrays.where(condition, array, nothing)) {
            array.set(new NDIndex("..."), left);
        }
    }

    /**
     * Returns the mask on this device, for the engine's operations.
     *
     * @return the mask as booleans in the tensor's shape, owned by this tensor
     */
    public NDArray deviceMask() {
        if (deviceMaskVersion != mask.version()) {
            if (deviceMask != null) {
                deviceMask.close();
            }
            ByteBuffer bytes = manager.allocateDirect(mask.size());
            bytes.put(mask.bytes()).rewind();
            deviceMask = manager.create(bytes, values.getShape(), DataType.BOOLEAN);
            deviceMaskVersion = mask.version();
            if (zero == null) {
                zero = manager.zeros(new Shape());
            }
        }
        return deviceMask;
    }

    /** Takes a view of the mask on this device, as it is now, instead of one of its own. */
    void shareDeviceMask(NDArray view) {
        if (deviceMask != null) {
            deviceMask.close();
        }
        view.attach(manager);
        deviceMask = view;
        deviceMaskVersion = mask.version();
        if (zero == null) {
            zero = manager.zeros(new Shape());
        }
    }

    /** {@inheritDoc} */
    @Override
    public void close() {
        manager.close();
    }
}
