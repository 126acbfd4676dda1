package io.flipout.cli.option;

import io.flipout.djl.Advice;

/** The options of {@code train} by which a user mends what the library finds wrong. */
public final class OptionAdvice implements Advice {

    @Override
    public String keepZeros() {
        return "--keep-zeros";
    }

    @Override
    public String layerFloor() {
        return "--layer-floor";
    }

    @Override
    public String exclude() {
        return "--exclude";
    }

    @Override
    public String smallerBlocks() {
        return "--obs-block";
    }
}
