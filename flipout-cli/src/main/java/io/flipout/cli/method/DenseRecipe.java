package io.flipout.cli.method;

import io.flipout.allocation.Allocation;
import io.flipout.cli.comparison.Arm;
import io.flipout.method.PruningMethod;
import io.flipout.method.RandomPruning;
import io.flipout.schedule.Schedule;
import java.util.Map;

/** {@code none}: the dense network. */
final class DenseRecipe implements Recipe {

    @Override
    public String name() {
        return Arm.DENSE;
    }

    /** Any: it never prunes. */
    @Override
    public PruningMethod method(SharedOptions shared) {
        return new RandomPruning();
    }

    @Override
    public Allocation allocation(SharedOptions shared) {
        return Allocation.global();
    }

    @Override
    public Schedule schedule(SharedOptions shared, int epochs) {
        return Schedule.none();
    }

    @Override
    public Map<String, String> lengthened(SharedOptions shared, int epochs, int more) {
        return Map.of(); // It never prunes.
    }
}
