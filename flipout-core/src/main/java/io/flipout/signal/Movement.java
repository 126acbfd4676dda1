package io.flipout.signal;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.index.NDIndex;
import io.flipout.mask.Mask;
import io.flipout.tensor.TrainedTensor;
import io.flipout.tensor.Transfers;
import java.util.List;

/**
 * Sums how far training moves every weight away from 0: {@code S ← S − g·θ} in each step, g the
 * gradient of the loss. Of a weight that is pruned g is that of its place, and θ what it was when
 * it went; before every pruning all weights come back as they were, to be ranked with the others.
 *
 * <p>It takes 4 bytes a weight, and 4 more from the first pruning on; a step takes three passes
 * over the weights, and five from then on.
 */
public final class Movement implements Signal {

    /** Creates the signal. */
    public Movement() {}

    /** {@inheritDoc} */
    @Override
    public Scores watch(TrainedTensor tensor) {
        return new Scores(tensor);
    }

    /** {@inheritDoc} */
    @Override
    public boolean revives() {
        return true;
    }

    /** The scores of one tensor on one device. */
    public static final class Scores implements Watch {

        private final TrainedTensor tensor;
        private final NDArray sum;

        /** All weights, pruned or not; null as long as none is pruned. */
        private NDArray latent;

        private Scores(TrainedTensor tensor) {
            this.tensor = tensor;
            sum = tensor.values().zerosLike();
        }

        /** {@inheritDoc} */
        @Override
        public void beforeStep(NDArray gradient) {
            NDArray weights = latent == null ? tensor.values() : latent;
            try (NDArray outside = gradient.stopGradient();
                    NDArray moved = outside.mul(weights)) {
                sum.subi(moved);
            }
        }

        /** {@inheritDoc} */
        @Override
        public void afterStep() {
            if (latent == null) {
                return;
            }
            if (tensor.mask().isEmpty()) {
                latent.set(new NDIndex("..."), tensor.values());
            } else {
                try (NDArray merged =
                        NDArrays.where(tensor.deviceMask(), tensor.values(), latent)) {
                    latent.set(new NDIndex("..."), merged);
                }
            }
        }

        /** {@inheritDoc} */
        @Override
        public void beforePruning(Mask mask) {
            if (latent == null) {
                latent = tensor.values().duplicate();
            } else {
                tensor.values().set(new NDIndex("..."), latent);
            }
            for (int i = 0; i < mask.size(); i++) {
                mask.revive(i);
            }
        }

        /** Forgets nothing: what went may come back. */
        @Override
        public void afterPruning() {}

        /**
         * Returns the scores.
         *
         * @return S in row-major order
         */
        public float[] values() {
            return Transfers.floats(sum);
        }

        /** {@inheritDoc} */
        @Override
        public Object snapshot() {
            return List.of(values(), latent == null ? new float[0] : Transfers.floats(latent));
        }

        /** {@inheritDoc} */
        @Override
        public void restore(Object snapshot) {
            List<?> seen = (List<?>) snapshot;
            set(sum, (float[]) seen.get(0));
            float[] weights = (float[]) seen.get(1);
            if (latent != null) {
                latent.close();
                latent = null;
            }
            if (weights.length > 0) {
                latent = tensor.manager().create(weights, tensor.values().getShape());
            }
        }

        private void set(NDArray array, float[] values) {
            try (NDArray copy = tensor.manager().create(values, array.getShape())) {
                array.set(new NDIndex("..."), copy);
            }
        }
    }
}
