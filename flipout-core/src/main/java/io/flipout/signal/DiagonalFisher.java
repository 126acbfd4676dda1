package io.flipout.signal;

import ai.djl.ndarray.NDArray;
import io.flipout.tensor.TrainedTensor;

/**
 * The diagonal of the empirical Fisher information, {@code F = mean over examples of g²}, g the
 * gradient of the loss of one example: a curvature that takes no second derivative.
 *
 * <p>The square of a batch's gradient is another thing, as a mean of gradients of both signs is
 * near 0.
 */
public final class DiagonalFisher implements Signal {

    /** Creates the signal. */
    public DiagonalFisher() {}

    /** {@inheritDoc} */
    @Override
    public Squares watch(TrainedTensor tensor) {
        return new Squares(tensor);
    }

    /** The summed squares of one tensor's gradients, of which F is the mean. */
    public static final class Squares extends GradientSum {

        private Squares(TrainedTensor tensor) {
            super(tensor);
        }

        @Override
        NDArray term(NDArray weights, NDArray gradient) {
            return gradient.square();
        }
    }
}
