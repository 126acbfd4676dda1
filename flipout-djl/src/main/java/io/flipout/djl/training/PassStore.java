package io.flipout.djl.training;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.nn.Parameter;
import ai.djl.training.ParameterServer;
import ai.djl.training.ParameterStore;
import ai.djl.training.Trainer;
import java.lang.reflect.Field;

/**
 * A trainer's parameter store that tells of every forward pass before its first weights are handed
 * out, so that a pass of the training may have other weights than an evaluation.
 *
 * <p>DJL's trainer keeps its store to itself; it is put in its place by reflection.
 */
public final class PassStore extends ParameterStore {

    private final Listener listener;

    /** DJL also asks for weights when it initialises a network, before any pass. */
    private boolean isComputing;

    private PassStore(NDManager manager, Listener listener) {
        super(manager, false);
        this.listener = listener;
    }

    /** Learns of forward passes. */
    @FunctionalInterface
    public interface Listener {

        /**
         * A pass asks for weights: called for every parameter that trains, on the device's thread.
         *
         * @param device the device
         * @param training whether it is a pass of the training
         * @param store hands out the arrays that train
         */
        void onPass(Device device, boolean training, PassStore store);
    }

    /**
     * Gives a trainer a store that tells of its passes.
     *
     * @param trainer the trainer, before its parameters are initialised
     * @param listener learns of the passes
     * @throws IllegalStateException if DJL does not let its store be replaced
     */
    public static void install(Trainer trainer, Listener listener) {
        try {
            Field field = Trainer.class.getDeclaredField("parameterStore");
            field.setAccessible(true);
            Field server = ParameterStore.class.getDeclaredField("parameterServer");
            server.setAccessible(true);
            PassStore store = new PassStore(trainer.getManager(), listener);
            store.setParameterServer(
                    (ParameterServer) server.get(field.get(trainer)), trainer.getDevices());
            field.set(trainer, store);
        } catch (ReflectiveOperationException | RuntimeException e) {
            throw new IllegalStateException(
                    "The method draws the weights of each forward pass, and this DJL does not let"
                            + " its trainer's parameter store be replaced, which tells of them: put"
                            + " DJL on the class path, or take a method that draws none.",
                    e);
        }
    }

    /** A block begins to compute. */
    @Override
    public NDManager getManager() {
        isComputing = true;
        return super.getManager();
    }

    /**
     * Tells of a pass of a network that does not ask for its weights one by one.
     *
     * @param device the device
     * @param training whether it is a pass of the training
     */
    public void beginPass(Device device, boolean training) {
        listener.onPass(device, training, this);
    }

    /** {@inheritDoc} */
    @Override
    public NDArray getValue(Parameter parameter, Device device, boolean training) {
        if (isComputing && parameter != null && parameter.requiresGradient()) {
            beginPass(device, training);
        }
        return super.getValue(parameter, device, training);
    }

    /**
     * Returns the array of a parameter that trains on a device.
     *
     * @param parameter the parameter
     * @param device the device
     * @return the array
     */
    public NDArray array(Parameter parameter, Device device) {
        return super.getValue(parameter, device, true);
    }
}
