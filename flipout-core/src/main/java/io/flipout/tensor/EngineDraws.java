package io.flipout.tensor;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.util.HashMap;
import java.util.Map;

/**
 * Random numbers that the engine draws in one go for all tensors of a step, and copies to further
 * devices, so that all mirrors get the same. What is drawn depends on the seed and the step; the
 * engine's generator is set by them before (Engine.setRandomSeed), for whatever else it draws too.
 */
public final class EngineDraws implements AutoCloseable {

    private final Map<Device, NDArray> drawn = new HashMap<>();
    private final long size;
    private final long seed;
    private final boolean isUniform;
    private long step = -1;

    /**
     * Creates the draws of a run.
     *
     * @param size how many numbers a step takes
     * @param seed the seed
     * @param isUniform whether they lie evenly between 0 and 1, or are those of the standard normal
     *     distribution
     */
    public EngineDraws(long size, long seed, boolean isUniform) {
        this.size = size;
        this.seed = seed;
        this.isUniform = isUniform;
    }

    /**
     * Returns the numbers of a step.
     *
     * @param next the step; those of another are freed
     * @param device the device
     * @param owner owns the numbers, with the device's engine
     * @return a flat array, not to be written to
     */
    public NDArray at(long next, Device device, NDManager owner) {
        if (step != next) {
            close();
            step = next;
        }
        return drawn.computeIfAbsent(device, d -> draw(d, owner));
    }

    private NDArray draw(Device device, NDManager owner) {
        if (!drawn.isEmpty()) {
            return Transfers.copy(drawn.values().iterator().next(), device, owner);
        }
        // So that the numbers are those of the step, whatever was drawn before.
        owner.getEngine().setRandomSeed(Randoms.stream(seed, step).nextInt());
        Shape shape = new Shape(size);
        return isUniform
                ? owner.randomUniform(0f, 1f, shape, DataType.FLOAT32, device)
                : owner.randomNormal(0f, 1f, shape, DataType.FLOAT32, device);
    }

    /** Frees what was drawn last. */
    @Override
    public void close() {
        drawn.values().forEach(NDArray::close);
        drawn.clear();
    }
}
