package io.flipout.cli.method;

import io.flipout.allocation.Allocation;
import io.flipout.cli.comparison.Arm.Sweep;
import io.flipout.schedule.Schedule;
import java.util.Map;
import java.util.Optional;

/**
 * How the command line trains by a method that learns which weights go: nothing is scheduled, no
 * share of a layer asked for, and the strength of a regulariser takes the place of a sparsity.
 */
interface LearnedRecipe extends Recipe {

    /** Returns the option of the strength, and what is tried of it. */
    Sweep strengths();

    @Override
    default Schedule schedule(SharedOptions shared, int epochs) {
        shared.refuseAim(
                name() + " cannot aim at a sparsity",
                "--" + strengths().option() + "; the stronger, the fewer weights are left");
        return Schedule.none();
    }

    @Override
    default Map<String, String> lengthened(SharedOptions shared, int epochs, int more) {
        return Map.of();
    }

    @Override
    default Allocation allocation(SharedOptions shared) {
        return Allocation.global();
    }

    @Override
    default Optional<Sweep> sweep() {
        return Optional.of(strengths());
    }
}
