package io.flipout.signal;

import ai.djl.ndarray.NDArray;
import io.flipout.tensor.TrainedTensor;

/**
 * Sums the gradients of connections, {@code dL/dc = θ·g} at c = 1, of the batches that a network is
 * shown: how the loss changes with a factor c before the weight, whatever weights the network had
 * then.
 */
public final class ConnectionGradient implements Signal {

    /** Creates the signal. */
    public ConnectionGradient() {}

    /** {@inheritDoc} */
    @Override
    public Sum watch(TrainedTensor tensor) {
        return new Sum(tensor);
    }

    /** The summed gradient of one tensor's connections. */
    public static final class Sum extends GradientSum {

        private Sum(TrainedTensor tensor) {
            super(tensor);
        }

        @Override
        NDArray term(NDArray weights, NDArray gradient) {
            return weights.mul(gradient);
        }
    }
}
