package io.flipout.latent;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.Shape;
import io.flipout.mask.ParameterInfo;
import io.flipout.tensor.TrainedTensor;
import io.flipout.tensor.Transfers;
import java.util.List;

/**
 * The latent weights of one tensor on one device, and the numbers that are learned beside them. It
 * takes 4 bytes a weight, and 8 for each of those numbers.
 */
public final class LatentTensor {

    private final TrainedTensor tensor;
    private final NDArray weight;
    private final Sharing sharing;
    private final NDArray latent;
    private final NDArray auxiliary;
    private final NDArray drawn;
    private boolean isTraining;
    private boolean isDrawn;

    /**
     * Begins with the weights that the tensor has, which become the latent ones.
     *
     * @param tensor the tensor on its device
     * @param weight its array as the optimizer knows it
     * @param by how weights come of latent ones
     * @param seed the seed of whatever is drawn at random
     */
    public LatentTensor(TrainedTensor tensor, NDArray weight, Reparameterization by, long seed) {
        this.tensor = tensor;
        this.weight = weight;
        sharing = by.sharing(tensor.info());
        latent = tensor.values().duplicate();
        latent.attach(tensor.manager());
        Shape shape = sharing.shape(latent.getShape());
        int count = Math.toIntExact(shape.size());
        auxiliary = tensor.manager().create(by.first(tensor.info(), count, seed), shape);
        drawn = tensor.manager().zeros(shape);
    }

    /**
     * Returns the tensor, whose values are the weights that the network computes with.
     *
     * @return the tensor
     */
    public TrainedTensor tensor() {
        return tensor;
    }

    /**
     * Returns the array that the optimizer knows the weights by.
     *
     * @return the array
     */
    public NDArray weight() {
        return weight;
    }

    /**
     * Returns the latent weights.
     *
     * @return an array of the tensor's shape
     */
    public NDArray latent() {
        return latent;
    }

    /**
     * Returns the numbers that are learned beside the weights.
     *
     * @return an array whose shape broadcasts to the tensor's
     */
    public NDArray auxiliary() {
        return auxiliary;
    }

    /**
     * Returns their gradients, once those of the weights have been carried there; before that it
     * holds what is drawn for the step.
     *
     * @return an array of the shape of {@link #auxiliary}
     */
    public NDArray gradient() {
        return drawn;
    }

    /**
     * Tells whether the tensor holds the weights of training.
     *
     * @return false if it holds those of test time
     */
    public boolean isTraining() {
        return isTraining;
    }

    void setTraining(boolean isTraining) {
        this.isTraining = isTraining;
    }

    /**
     * Tells whether the weights of training have been drawn for the step that comes.
     *
     * @return true if so, whichever weights the tensor holds by now
     */
    public boolean isDrawn() {
        return isDrawn;
    }

    void setDrawn(boolean isDrawn) {
        this.isDrawn = isDrawn;
    }

    /**
     * Returns how many numbers are learned beside the weights of a parameter.
     *
     * @param info the parameter
     * @param by how weights come of latent ones
     * @return the number
     */
    public static long count(ParameterInfo info, Reparameterization by) {
        return by.sharing(info).shape(info.shape()).size();
    }

    /** Returns the number of weights. */
    int size() {
        return Math.toIntExact(latent.size());
    }

    /** Returns how many numbers are learned beside them. */
    int count() {
        return Math.toIntExact(auxiliary.size());
    }

    /** Whether every weight has a number of its own. */
    boolean isUnshared() {
        return size() == count();
    }

    /** Returns by how many weights each number is shared. */
    int share() {
        return sharing.shared(latent.getShape());
    }

    Sharing sharing() {
        return sharing;
    }

    /**
     * Returns a copy of the state between two steps, which outlives the device's arrays.
     *
     * @return the latent weights and the numbers beside them
     */
    public Object snapshot() {
        return List.of(Transfers.floats(latent), Transfers.floats(auxiliary));
    }

    /**
     * Continues from what was before.
     *
     * @param snapshot what {@link #snapshot()} returned
     */
    public void restore(Object snapshot) {
        List<?> from = (List<?>) snapshot;
        set(latent, (float[]) from.get(0));
        set(auxiliary, (float[]) from.get(1));
    }

    private void set(NDArray array, float[] values) {
        try (NDArray copy = tensor.manager().create(values, array.getShape())) {
            array.set(new NDIndex("..."), copy);
        }
    }
}
