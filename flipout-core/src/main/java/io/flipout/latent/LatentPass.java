package io.flipout.latent;

import ai.djl.ndarray.NDArray;
import io.flipout.mask.ParameterInfo;
import io.flipout.tensor.DirectMemory;
import io.flipout.tensor.ListKernels;
import java.util.List;

/**
 * Goes over the latent weights of tensors of one device: in the host's memory piece by piece,
 * elsewhere by the engine's operations on flat arrays of all of them. The two have one meaning, but
 * what is drawn at random are other numbers.
 *
 * <p>What is drawn depends on the seed, the step and the position of the weight, and is the same on
 * all devices. Nothing is read back from a device.
 */
public final class LatentPass implements AutoCloseable {

    private final HostLatents host;
    private final DeviceLatents device;

    /**
     * Creates the pass of a run.
     *
     * @param by how weights come of latent ones
     * @param parameters all parameters that have latent weights, in block order
     * @param seed the seed of whatever is drawn at random
     */
    public LatentPass(Reparameterization by, List<ParameterInfo> parameters, long seed) {
        host = new HostLatents(by, seed);
        device = new DeviceLatents(by, parameters, seed);
    }

    private static boolean isOnHost(List<LatentTensor> tensors) {
        return tensors.stream()
                .allMatch(
                        each ->
                                DirectMemory.of(each.tensor().values()).isPresent()
                                        && DirectMemory.of(each.latent()).isPresent());
    }

    /**
     * Puts the weights of training into the tensors.
     *
     * @param tensors the tensors, of one device
     * @param step the number of steps taken before
     * @param kernels the device's
     */
    public void train(List<LatentTensor> tensors, long step, ListKernels kernels) {
        if (isOnHost(tensors)) {
            tensors.forEach(tensor -> host.train(tensor, step));
        } else {
            device.train(tensors, step, kernels);
        }
        for (LatentTensor tensor : tensors) {
            tensor.setTraining(true);
            tensor.setDrawn(true);
        }
    }

    /**
     * Puts the weights of test time into the tensors.
     *
     * @param tensors the tensors, of one device
     * @param kernels the device's
     */
    public void rest(List<LatentTensor> tensors, ListKernels kernels) {
        if (isOnHost(tensors)) {
            tensors.forEach(host::rest);
        } else {
            device.rest(tensors, kernels);
        }
        tensors.forEach(tensor -> tensor.setTraining(false));
    }

    /**
     * Carries gradients of the weights of training to the latent ones, which come into the tensors
     * for the optimizer to move, and to the numbers beside them.
     *
     * @param tensors the tensors, of one device, whose weights of training are drawn
     * @param gradients their gradients, written to in place
     * @param step the number of steps taken before
     * @param kernels the device's
     */
    public void carry(
            List<LatentTensor> tensors, List<NDArray> gradients, long step, ListKernels kernels) {
        boolean isOnHost =
                isOnHost(tensors)
                        && gradients.stream().allMatch(g -> DirectMemory.of(g).isPresent());
        if (isOnHost) {
            for (int i = 0; i < tensors.size(); i++) {
                host.carry(tensors.get(i), gradients.get(i), step);
            }
        } else {
            device.carry(tensors, gradients, step, kernels);
        }
        tensors.forEach(tensor -> tensor.setDrawn(false)); // What was drawn has been written over.
    }

    /**
     * Takes up the latent weights that the optimizer has left in the tensors, keeps the numbers
     * beside them in their range, and puts the weights of test time into the tensors.
     *
     * @param tensors the tensors, of one device
     * @param kernels the device's
     */
    public void settle(List<LatentTensor> tensors, ListKernels kernels) {
        if (isOnHost(tensors)) {
            tensors.forEach(host::settle);
        } else {
            device.settle(tensors, kernels);
        }
        tensors.forEach(tensor -> tensor.setTraining(false));
    }

    /** Frees what is kept between steps. */
    @Override
    public void close() {
        device.close();
    }
}
