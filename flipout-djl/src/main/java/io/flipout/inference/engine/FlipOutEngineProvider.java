package io.flipout.inference.engine;

import ai.djl.engine.Engine;
import ai.djl.engine.EngineProvider;

/** What DJL finds the engine by. */
public final class FlipOutEngineProvider implements EngineProvider {

    @Override
    public String getEngineName() {
        return FlipOutEngine.NAME;
    }

    @Override
    public int getEngineRank() {
        return FlipOutEngine.RANK;
    }

    @Override
    public Engine getEngine() {
        return FlipOutEngine.INSTANCE;
    }
}
