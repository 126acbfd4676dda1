package io.flipout.signal;

import ai.djl.ndarray.NDArray;
import io.flipout.tensor.TrainedTensor;
import io.flipout.tensor.Transfers;
import java.util.List;

/**
 * Sums something of the gradients that a network is shown before a pruning, without a step.
 *
 * <p>It takes 4 bytes a weight from the first of these gradients to the pruning that needs them,
 * and nothing while the network trains.
 */
abstract class GradientSum implements Signal.Watch {

    private final TrainedTensor tensor;
    private NDArray sum;
    private int count;

    GradientSum(TrainedTensor tensor) {
        this.tensor = tensor;
    }

    /** Returns a new array: what a gradient adds to the sum. */
    abstract NDArray term(NDArray weights, NDArray gradient);

    /** {@inheritDoc} */
    @Override
    public void afterBackward(NDArray gradient) {
        count++;
        NDArray term = term(tensor.values(), gradient);
        if (sum == null) {
            sum = term;
            sum.attach(tensor.manager());
        } else {
            try (term) {
                sum.addi(term);
            }
        }
    }

    /** Sees nothing: the gradients of a training step are none of its. */
    @Override
    public void afterStep() {}

    /** Forgets all: with fewer weights, those that are left have other gradients. */
    @Override
    public void afterPruning() {
        count = 0;
        if (sum != null) {
            sum.close();
            sum = null;
        }
    }

    /** {@inheritDoc} */
    @Override
    public Object snapshot() {
        return List.of(sum == null ? new float[0] : Transfers.floats(sum), new int[] {count});
    }

    /** {@inheritDoc} */
    @Override
    public void restore(Object snapshot) {
        List<?> summed = (List<?>) snapshot;
        int gradients = ((int[]) summed.get(1))[0];
        afterPruning();
        if (gradients > 0) {
            sum = tensor.manager().create((float[]) summed.get(0), tensor.values().getShape());
            count = gradients;
        }
    }

    /**
     * Returns how many gradients there were.
     *
     * @return the gradients shown since the last pruning
     */
    public int count() {
        return count;
    }

    /**
     * Returns the sum.
     *
     * @return the sum in row-major order
     * @throws IllegalStateException if nothing was shown since the last pruning
     */
    public float[] values() {
        if (sum == null) {
            throw nothingShown();
        }
        return Transfers.floats(sum);
    }

    /** Returns what is thrown where a pruning asks for gradients before there are any. */
    static IllegalStateException nothingShown() {
        return new IllegalStateException(
                "The method prunes by gradients that it is shown, but was shown none: for a"
                        + " pruning before training, call pruner.pruneBeforeTraining(...) once"
                        + " the trainer is initialised; for others, give the pruner examples,"
                        + " Pruner.builder().optExamples(...).");
    }
}
