package io.flipout.gradient;

import ai.djl.ndarray.NDArray;
import io.flipout.mask.ParameterInfo;
import io.flipout.tensor.DeviceStep;
import io.flipout.tensor.StepPass;
import io.flipout.tensor.TrainedTensor;
import io.flipout.tensor.Update;
import java.util.List;
import java.util.Optional;

/** Something added to the gradient before the optimizer sees it, such as noise. */
public interface GradientTerm {

    /**
     * Begins a training run.
     *
     * @param parameters every trainable parameter, in block order
     * @param seed the seed of whatever is drawn at random
     * @return the term, ready for the first step
     */
    Running start(List<ParameterInfo> parameters, long seed);

    /** A gradient term in a training run. */
    interface Running extends AutoCloseable {

        /**
         * Adds the term to a gradient in place. It must not read a value back from the device.
         *
         * @param tensor the parameter on one device, before the optimizer's step
         * @param gradient its gradient, 0 where pruned, and to be left 0 there unless the method
         *     rewires by it
         */
        void apply(TrainedTensor tensor, NDArray gradient);

        /**
         * Gets ready to add the term piece by piece, in the host's memory. It reads what it needs
         * of whole tensors now.
         *
         * @param step the parameters before the step, with gradients that are not masked yet; those
         *     of a piece are
         * @return what adds the term to {@link io.flipout.tensor.Piece#gradients}, the same numbers
         *     as {@link #apply}; empty if the term needs whole tensors
         */
        default Optional<StepPass.Work> inPieces(List<Update> step) {
            return Optional.empty();
        }

        /**
         * Adds the term to all gradients of a step at once, on a device.
         *
         * @param step the step, before the optimizer's
         * @return whether it has; if not, {@link #apply} is asked for each tensor
         */
        default boolean apply(DeviceStep step) {
            return false;
        }

        /** Learns that weights were pruned, or had been before this training. */
        default void afterPruning() {}

        /** Frees what the term keeps between steps. */
        @Override
        default void close() {}
    }
}
