package io.flipout.tensor;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import java.util.List;

/**
 * A step of all tensors of a device at once: their gradients and weights lie in flat arrays, one
 * tensor after the other, on which each operation of the engine acts once for all.
 */
public final class DeviceStep implements AutoCloseable {

    private final DeviceTensors all;
    private final List<Update> updates;
    private final NDManager scratch;
    private final NDArray alive;
    private NDArray gradients;
    private NDArray weights;

    DeviceStep(DeviceTensors all, List<Update> updates) {
        this.all = all;
        this.updates = updates;
        scratch = all.manager().newSubManager(all.manager().getDevice());
        alive = all.alive();
    }

    /**
     * Returns what is updated.
     *
     * @return the updates, in block order
     */
    public List<Update> updates() {
        return updates;
    }

    private List<NDArray> sources() {
        return updates.stream().map(Update::gradient).toList();
    }

    /**
     * Returns the device.
     *
     * @return the device
     */
    public Device device() {
        return scratch.getDevice();
    }

    /**
     * Returns what owns the arrays that are made in this step.
     *
     * @return the manager, closed with this step
     */
    public NDManager manager() {
        return scratch;
    }

    /**
     * Lets this step own an array.
     *
     * @param array the array
     * @return the array
     */
    public NDArray own(NDArray array) {
        array.attach(scratch);
        return array;
    }

    /**
     * Returns the gradients, 0 where weights are pruned.
     *
     * @return a flat array, a copy to be written to
     */
    public NDArray gradients() {
        if (gradients == null) {
            gradients = masked(all.kernels().flatten(sources(), scratch));
        }
        return gradients;
    }

    /**
     * Returns the weights.
     *
     * @return a flat array, a copy to be written to
     */
    public NDArray weights() {
        if (weights == null) {
            weights = all.kernels().read(all.weights(), scratch);
        }
        return weights;
    }

    /**
     * Returns an array with 0 where weights are pruned, also where it was infinite or NaN.
     *
     * @param flat a flat array
     * @return the array, or the same if nothing is pruned
     */
    public NDArray masked(NDArray flat) {
        return alive == null ? flat : own(NDArrays.where(alive, flat, all.zero()));
    }

    /**
     * Returns the norms of the tensors in a flat array.
     *
     * @param flat the flat array
     * @return a number for each tensor
     */
    public NDArray norms(NDArray flat) {
        return all.kernels().norms(flat, all.weights(), scratch);
    }

    /**
     * Gives every weight the number of its tensor.
     *
     * @param numbers a number for each tensor
     * @return a flat array
     */
    public NDArray spread(NDArray numbers) {
        return all.kernels().spread(numbers, all.sizes(), gradients(), scratch);
    }

    /**
     * Returns the parts of a flat array.
     *
     * @param flat the flat array
     * @return views in the tensors' shapes, which write to the flat array
     */
    public NDList parts(NDArray flat) {
        return all.kernels().split(flat, all.weights(), scratch);
    }

    /**
     * Returns a state of all tensors in one flat array. Where the tensors' states lie apart, they
     * are brought together and closed, and the tensors get views instead.
     *
     * @param key names the state
     * @param type its type
     * @param states the tensors' states; null for a tensor that has none
     * @param handout takes the views
     * @return the flat array, to be written to in place
     */
    public NDArray join(
            Object key, DataType type, List<NDArray> states, DeviceTensors.Handout handout) {
        return all.join(key, type, states, handout);
    }

    /**
     * Returns numbers on the device that are the same in most steps, and are copied to it where
     * they are not: a copy waits for what was asked of the device before.
     *
     * @param key names the numbers
     * @param numbers the numbers
     * @return an array of them, not to be written to
     */
    public NDArray constant(Object key, float... numbers) {
        return all.constant(key, numbers);
    }

    /** The weights have been moved where they lie, and are to be read again. */
    public void forgetWeights() {
        weights = null;
    }

    /** Puts the weights back, 0 where they are pruned. */
    public void putWeights() {
        weights = masked(weights());
        all.kernels().write(weights, all.weights());
    }

    /** Sets the gradients that the step was begun with to 0: the next backward pass adds to it. */
    public void clearGradients() {
        all.kernels().zero(sources());
    }

    /** {@inheritDoc} */
    @Override
    public void close() {
        scratch.close();
    }
}
