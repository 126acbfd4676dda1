package io.flipout.inference.engine;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDManager;

/**
 * Computes what TorchScript files of this project say, in plain Java on the CPU, with the weights
 * that are left. It does not train.
 */
public final class FlipOutEngine extends Engine {

    /** The name that {@code Criteria.optEngine} takes. */
    public static final String NAME = "FlipOut";

    /**
     * DJL's default is the engine of the lowest rank: behind all that compute (0 to 10), before the
     * one that asks a server (15).
     */
    static final int RANK = 14;

    static final FlipOutEngine INSTANCE = new FlipOutEngine();

    private FlipOutEngine() {}

    /**
     * Returns the engine whose arrays do what ours cannot.
     *
     * @return DJL's default engine, not started before one of its arrays is needed; null where this
     *     is the only engine
     */
    @Override
    public Engine getAlternativeEngine() {
        String name = getDefaultEngineName();
        return NAME.equals(name) ? null : new AlternativeEngine(name);
    }

    @Override
    public String getEngineName() {
        return NAME;
    }

    @Override
    public int getRank() {
        return RANK;
    }

    @Override
    public String getVersion() {
        return getDjlVersion();
    }

    @Override
    public boolean hasCapability(String capability) {
        return false;
    }

    @Override
    public Model newModel(String name, Device device) {
        return new FlipOutModel(name, newBaseManager(device));
    }

    @Override
    public NDManager newBaseManager() {
        return newBaseManager(null);
    }

    @Override
    public NDManager newBaseManager(Device device) {
        return FlipOutManager.SYSTEM.newSubManager(device);
    }
}
