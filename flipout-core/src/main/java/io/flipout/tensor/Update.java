package io.flipout.tensor;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.DataType;
import io.flipout.mask.Mask;
import java.nio.FloatBuffer;
import java.util.Optional;

/**
 * A parameter on one device with the gradient that is to move it. A step is a list of these.
 *
 * @param id DJL's id of the parameter
 * @param weight its array as the optimizer knows it
 * @param gradient the gradient of a step
 * @param tensor the tensor, if it is under pruning
 * @param weightMemory the memory of the weight; empty where it cannot be reached
 * @param gradientMemory the memory of the gradient; empty where it cannot be reached
 */
public record Update(
        String id,
        NDArray weight,
        NDArray gradient,
        Optional<TrainedTensor> tensor,
        Optional<FloatBuffer> weightMemory,
        Optional<FloatBuffer> gradientMemory) {

    /**
     * Returns the update of a tensor under pruning.
     *
     * @param tensor the tensor
     * @param weight its array as the optimizer knows it
     * @param gradient the gradient of the step
     * @return the update
     */
    public static Update of(TrainedTensor tensor, NDArray weight, NDArray gradient) {
        return new Update(
                tensor.info().parameter().getId(),
                weight,
                gradient,
                Optional.of(tensor),
                DirectMemory.of(weight),
                DirectMemory.of(gradient));
    }

    /**
     * Returns which weights are alive.
     *
     * @return the mask; empty if all are
     */
    public Optional<Mask> mask() {
        return tensor.flatMap(TrainedTensor::mask);
    }

    /**
     * Returns the tensor, which an update of a pruned network has.
     *
     * @return the tensor under pruning
     */
    public TrainedTensor pruned() {
        return tensor.orElseThrow();
    }

    /**
     * Tells whether the step can go over this in the host's memory.
     *
     * @return true if weight and gradient can be reached there
     */
    public boolean isOnHost() {
        return weightMemory.isPresent() && gradientMemory.isPresent();
    }

    /**
     * Tells whether weight and gradient are float32, and can take a step together with others.
     *
     * @return true if so
     */
    public boolean isFloat() {
        return weight.getDataType() == DataType.FLOAT32
                && gradient.getDataType() == DataType.FLOAT32;
    }

    /**
     * Returns the number of weights.
     *
     * @return the number
     */
    public int size() {
        return Math.toIntExact(weight.size());
    }
}
