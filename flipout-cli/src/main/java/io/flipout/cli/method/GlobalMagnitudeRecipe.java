package io.flipout.cli.method;

import io.flipout.method.GlobalMagnitude;
import io.flipout.method.PruningMethod;

/**
 * {@code global-magnitude} and {@code noisy-global-magnitude}: {@link GlobalMagnitude}, without and
 * with FlipOut's noise.
 */
record GlobalMagnitudeRecipe(String name, float noise) implements Recipe {

    @Override
    public PruningMethod method(SharedOptions shared) {
        return GlobalMagnitude.builder()
                .optNoise(shared.noise())
                .optNoiseScale(shared.noiseScale())
                .optNoiseScope(shared.noiseScope())
                .build();
    }
}
