package io.flipout.cli.method;

import io.flipout.method.GlobalMagnitude;
import io.flipout.method.PruningMethod;

/**
 * {@code global-magnitude} and {@code noisy-global-magnitude}: {@link GlobalMagnitude}, without and
 * with FlipOut's noise.
 */
record GlobalMagnitudeRecipe(String name, float noise) implements Recipe {

    @Override
    public boolean hasNoise() {
        return true;
    }

    @Override
    public PruningMethod method(SharedOptions shared) {
        return shared.withNoise(GlobalMagnitude.builder()).build();
    }
}
