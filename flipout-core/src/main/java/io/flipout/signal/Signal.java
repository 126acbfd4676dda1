package io.flipout.signal;

import ai.djl.ndarray.NDArray;
import io.flipout.mask.Mask;
import io.flipout.tensor.DeviceStep;
import io.flipout.tensor.Piece;
import io.flipout.tensor.TrainedTensor;
import java.util.List;

/** Something that is watched for every weight while it trains, such as how often its sign flips. */
public interface Signal {

    /**
     * Begins to watch a tensor. What the signal needs of the present values, it takes now.
     *
     * @param tensor a prunable tensor on one device, before its next step
     * @return what has been seen, at first nothing
     */
    Watch watch(TrainedTensor tensor);

    /**
     * Tells whether pruned weights may come back, by {@link Watch#beforePruning}.
     *
     * @return true if so
     */
    default boolean revives() {
        return false;
    }

    /**
     * Tells, before a network is shown data, how much of Java's memory is taken by what is kept of
     * the gradients until the pruning, so that it is not begun where there is less.
     *
     * @param alive the number of weights alive of each prunable tensor
     * @return the bytes, by default 0, for little enough
     */
    default long bytesOfGradients(int[] alive) {
        return 0;
    }

    /**
     * Sees all weights after a step at once, on a device.
     *
     * @param step the step; its weights are those after it
     * @param watches the watches of its tensors, in its order; null for what is not watched
     * @return whether it has; if not, {@link Watch#afterStep()} is called for each
     */
    default boolean afterStep(DeviceStep step, List<Watch> watches) {
        return false;
    }

    /** What a signal has seen of one tensor on one device. */
    interface Watch {

        /**
         * Sees the values after an optimizer step, when pruned weights are 0 again. It must not
         * read a value back from the device.
         */
        void afterStep();

        /**
         * Tells whether {@link #afterStep(Piece)} sees the values, in the host's memory, in place
         * of {@link #afterStep()}.
         *
         * @return true if so
         */
        default boolean takesPieces() {
            return false;
        }

        /**
         * Sees a piece of the values after an optimizer step, when pruned weights are 0 again.
         * Pieces come in any order and on several threads.
         *
         * @param piece the piece, whose weights are not to be changed
         */
        default void afterStep(Piece piece) {}

        /**
         * Sees the gradient of a step, also that of weights which are pruned, before the step is
         * taken. It must not read a value back from the device.
         *
         * @param gradient the gradient of the loss, before anything is added to it; not to be
         *     changed or kept
         */
        default void beforeStep(NDArray gradient) {}

        /**
         * May bring pruned weights back, all of them or some, before they are ranked for the next
         * pruning, and puts their values into the tensor.
         *
         * @param mask the tensor's mask, shared by all devices
         */
        default void beforePruning(Mask mask) {}

        /**
         * Sees the gradient of a batch or example that the network is shown before a pruning,
         * without a step. The tensor's values are those that the gradient was taken at.
         *
         * @param gradient the gradient of the tensor, not to be changed or kept
         */
        default void afterBackward(NDArray gradient) {}

        /**
         * Forgets what was seen of weights that have just been pruned, and takes the values as they
         * are now for the next comparison.
         */
        void afterPruning();

        /**
         * Returns a copy of what was seen, which outlives the device's arrays.
         *
         * @return the copy, for {@link #restore(Object)} of the same kind of watch: an array of
         *     float, int, long or byte with at most a number a weight, or a list of such
         */
        Object snapshot();

        /**
         * Continues from what was seen before.
         *
         * @param snapshot what {@link #snapshot()} returned
         */
        void restore(Object snapshot);
    }
}
