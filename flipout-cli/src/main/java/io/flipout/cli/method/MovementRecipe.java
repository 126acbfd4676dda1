package io.flipout.cli.method;

import io.flipout.method.MovementPruning;
import io.flipout.method.PruningMethod;
import io.flipout.schedule.Schedule;
import java.util.Map;

/** {@code movement}: {@link MovementPruning}, along the cubic of {@code gmp}. */
final class MovementRecipe implements Recipe {

    private final GradualMagnitudeRecipe gmp;

    MovementRecipe(GradualMagnitudeRecipe gmp) {
        this.gmp = gmp;
    }

    @Override
    public String name() {
        return "movement";
    }

    @Override
    public Competition competition() {
        return Competition.LAYER;
    }

    @Override
    public PruningMethod method(SharedOptions shared) {
        return new MovementPruning();
    }

    @Override
    public boolean takesOptionsOf(Recipe other) {
        return other == this || other == gmp;
    }

    @Override
    public Map<String, String> lengthened(SharedOptions shared, int epochs, int more) {
        return gmp.untilThen(shared);
    }

    @Override
    public Schedule schedule(SharedOptions shared, int epochs) {
        return gmp.alongTheCubic(shared, epochs, name());
    }
}
