package io.flipout.gradient;

import ai.djl.ndarray.NDArray;
import io.flipout.mask.ParameterInfo;
import io.flipout.tensor.TrainedTensor;
import java.util.List;

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

        /** Learns that weights were pruned, or had been before this training. */
        default void afterPruning() {}

        /** Frees what the term keeps between steps. */
        @Override
        default void close() {}
    }
}
