package io.flipout.rewiring;

import ai.djl.ndarray.NDArray;
import io.flipout.allocation.Allocation;
import io.flipout.allocation.GroupAllocation;
import io.flipout.mask.Mask;
import io.flipout.schedule.PruningEvent;
import io.flipout.tensor.TrainedTensor;
import java.util.BitSet;
import java.util.List;

/**
 * Changes in every step which weights are alive: some go dormant, others come back. What the
 * schedule prunes is apart from it.
 */
public interface Rewiring {

    /**
     * Checks, before training begins, that weights can be rewired beside these prunings.
     *
     * @param events the prunings of the whole training
     * @throws IllegalArgumentException if they cannot
     */
    default void check(List<PruningEvent> events) {}

    /**
     * Checks, before training begins, that weights may come back where they like.
     *
     * @param allocation how many weights each tensor keeps
     * @throws IllegalArgumentException if they may not
     */
    default void check(Allocation allocation) {
        if (allocation instanceof GroupAllocation) {
            throw new IllegalArgumentException(
                    "The method brings weights back while the network trains, which would not keep"
                            + " to N of every M: choose another allocation.");
        }
    }

    /**
     * Begins to rewire a tensor. What the rewiring needs of the present values, it takes now.
     *
     * @param tensor a prunable tensor on one device, before its next step
     * @param mask its mask, the same for all devices
     * @param seed the seed of whatever is drawn at random
     * @return the wiring of the tensor on that device
     */
    Wiring wire(TrainedTensor tensor, Mask mask, long seed);

    /** The wiring of one tensor on one device. */
    interface Wiring {

        /**
         * Tells whether a step asks nothing of the wiring but that weights which are not alive stay
         * 0, so that it may be taken with those of all other tensors at once: no method of the
         * wiring is called then.
         *
         * @param step the number of steps taken before, the same on all devices
         * @return true if so
         */
        default boolean isIdle(long step) {
            return false;
        }

        /**
         * Sees the gradient of a step, also that of weights which are not alive. It must not read a
         * value back from the device but in the few steps that need it.
         *
         * @param gradient the gradient before anything is added to it, not to be changed or kept
         */
        default void afterBackward(NDArray gradient) {}

        /**
         * Puts into the array what the optimizer is to move, if that is not the weights themselves;
         * their gradient is ready by then.
         */
        default void beforeStep() {}

        /** Takes up what the optimizer has left in the array of this device. */
        void afterStep();

        /**
         * Decides after a step which weights are alive, and changes the mask. Of the wirings of a
         * tensor one is asked, the first, once all devices have taken the step.
         *
         * @param step the number of steps taken before, which names what is drawn at random
         * @param disconnected the positions of weights alive that may go before all others, as they
         *     lie on no path from the network's input to its output; none where the method does not
         *     ask for them
         * @return the positions of the weights that went dormant, whether they came back at once or
         *     not: the optimizer is to forget their momentum
         */
        int[] rewire(long step, BitSet disconnected);

        /**
         * Leaves in the array the weights that the next forward pass takes: 0 where the mask, as it
         * is now, has none alive.
         *
         * @param dormant the positions of the weights that went dormant in this step, of which some
         *     may have come back
         */
        void settle(int[] dormant);

        /**
         * Returns a copy of the wiring's state, which outlives the device's arrays.
         *
         * @return the copy, for {@link #restore(Object)} of the same kind of wiring: an array of
         *     float, int, long or byte with at most a number a weight, or a list of such; null if
         *     the mask tells all
         */
        default Object snapshot() {
            return null;
        }

        /**
         * Continues from what was before.
         *
         * @param snapshot what {@link #snapshot()} returned
         */
        default void restore(Object snapshot) {}
    }
}
