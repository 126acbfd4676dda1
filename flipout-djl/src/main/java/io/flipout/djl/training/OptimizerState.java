package io.flipout.djl.training;

import ai.djl.ndarray.NDArray;
import java.util.List;

/**
 * An optimizer whose state can be reached, so that the momentum of pruned weights can be zeroed
 * with them.
 *
 * <p>DJL's own optimizers keep their state private. Their pruned weights stay 0 all the same, as
 * they are masked after every step; only their momentum lives on unseen until it fades.
 */
public interface OptimizerState {

    /**
     * Returns the state kept for one parameter on one device.
     *
     * @param parameterId DJL's id of the parameter
     * @param weight the parameter's values on the device
     * @return arrays of the parameter's shape, not copies; empty before the first step
     */
    List<NDArray> state(String parameterId, NDArray weight);

    /**
     * Returns how often a parameter was updated on one device.
     *
     * @param parameterId DJL's id of the parameter
     * @param weight the parameter's values on the device
     * @return the number of updates, which learning rates depend on
     */
    int updates(String parameterId, NDArray weight);

    /**
     * Continues from what was before, on whatever device. Call it before the parameter's first
     * update.
     *
     * @param parameterId DJL's id of the parameter
     * @param state the values of what {@link #state} returned, in its order
     * @param updates what {@link #updates} returned
     */
    void restore(String parameterId, List<float[]> state, int updates);

    /**
     * Sets the state of a parameter on one device back to what it was before the first step. The
     * count of updates, which the learning rate depends on, goes on.
     *
     * @param parameterId DJL's id of the parameter
     * @param weight the parameter's values on the device
     */
    default void clear(String parameterId, NDArray weight) {
        state(parameterId, weight).forEach(Sgd::zero);
    }

    /**
     * Returns after how many updates the state was last cleared, for optimizers that correct the
     * bias of young means.
     *
     * @param parameterId DJL's id of the parameter
     * @param weight the parameter's values on the device
     * @return the number of updates, 0 if never
     */
    default int clearedAt(String parameterId, NDArray weight) {
        return 0;
    }

    /**
     * Continues from what was before, on whatever device. Call it before the parameter's first
     * update.
     *
     * @param parameterId DJL's id of the parameter
     * @param state the values of what {@link #state} returned, in its order
     * @param updates what {@link #updates} returned
     * @param clearedAt what {@link #clearedAt} returned
     */
    default void restore(String parameterId, List<float[]> state, int updates, int clearedAt) {
        restore(parameterId, state, updates);
    }
}
