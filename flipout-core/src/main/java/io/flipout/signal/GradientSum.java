package io.flipout.signal;

import ai.djl.ndarray.NDArray;
import io.flipout.tensor.TrainedTensor;

/**
 * Sums the gradients of the batches that a network is shown before its training.
 *
 * <p>It takes 4 bytes a weight from the first of these batches to the pruning that needs them, and
 * nothing while the network trains.
 */
public final class GradientSum implements Signal {

    /** Creates the signal. */
    public GradientSum() {}

    /** {@inheritDoc} */
    @Override
    public Sum watch(TrainedTensor tensor) {
        return new Sum(tensor);
    }

    /** The summed gradient of one tensor. */
    public static final class Sum implements Watch {

        private final TrainedTensor tensor;
        private NDArray sum;

        private Sum(TrainedTensor tensor) {
            this.tensor = tensor;
        }

        /** {@inheritDoc} */
        @Override
        public void afterBackward(NDArray gradient) {
            if (sum == null) {
                sum = gradient.duplicate();
                sum.attach(tensor.manager());
            } else {
                sum.addi(gradient);
            }
        }

        /** Sees nothing: the gradients of a training step are none of its. */
        @Override
        public void afterStep() {}

        /** Forgets all: with fewer weights, those that are left have other gradients. */
        @Override
        public void afterPruning() {
            if (sum != null) {
                sum.close();
                sum = null;
            }
        }

        /** {@inheritDoc} */
        @Override
        public Object snapshot() {
            return sum == null ? new float[0] : values();
        }

        /** {@inheritDoc} */
        @Override
        public void restore(Object snapshot) {
            float[] values = (float[]) snapshot;
            afterPruning();
            if (values.length > 0) {
                sum = tensor.manager().create(values, tensor.values().getShape());
            }
        }

        /**
         * Returns the summed gradient.
         *
         * @return the gradient in row-major order
         * @throws IllegalStateException if no batch was shown since the last pruning
         */
        public float[] values() {
            if (sum == null) {
                throw new IllegalStateException(
                        "The method prunes by gradients before training, but the network was shown"
                                + " no batch: call pruner.pruneBeforeTraining(...) once the trainer"
                                + " is initialised, and plan no pruning later.");
            }
            return sum.toFloatArray();
        }
    }
}
