package io.flipout.tensor;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;

/**
 * Numbers for the operations of a step.
 *
 * <p>Given a number, DJL makes an array of it where the operation takes place: on a GPU by a copy
 * that waits until all that was asked for before is done. PyTorch also takes an array on the host
 * that holds one number, and hands it to the kernel without waiting.
 */
public final class Scalars {

    private Scalars() {}

    /**
     * Returns a number as an array on the host.
     *
     * @param number the number, rounded to float32
     * @param owner owns the array and what it takes to make it, such as what is closed with a step
     * @return an array without axes, for operations with arrays on any device
     */
    public static NDArray of(double number, NDManager owner) {
        boolean isHost = Device.Type.CPU.equals(owner.getDevice().getDeviceType());
        return (isHost ? owner : owner.newSubManager(Device.cpu())).create((float) number);
    }
}
