package io.flipout.cli.method;

import io.flipout.method.PruningMethod;
import io.flipout.method.RandomPruning;

/** {@code random}: {@link RandomPruning}. */
final class RandomRecipe implements Recipe {

    @Override
    public String name() {
        return "random";
    }

    @Override
    public PruningMethod method(SharedOptions shared) {
        return new RandomPruning();
    }
}
