package io.flipout.cli.method;

import io.flipout.method.LayerAdaptivePruning;
import io.flipout.method.PruningMethod;

/** {@code lamp}: {@link LayerAdaptivePruning}. */
final class LayerAdaptiveRecipe implements Recipe {

    @Override
    public String name() {
        return "lamp";
    }

    @Override
    public PruningMethod method(SharedOptions shared) {
        return new LayerAdaptivePruning();
    }
}
