package io.flipout.cli.method;

import ai.djl.training.Trainer;
import ai.djl.training.dataset.Dataset;
import io.flipout.djl.Pruner;
import io.flipout.method.PruningMethod;
import io.flipout.method.SparseEvolution;
import io.flipout.schedule.Schedule;
import java.util.Map;

/** {@code set}: {@link SparseEvolution}, with the options of {@code rigl}, after every epoch. */
final class SparseEvolutionRecipe implements Recipe {

    private final RigLRecipe rigl;

    SparseEvolutionRecipe(RigLRecipe rigl) {
        this.rigl = rigl;
    }

    @Override
    public String name() {
        return "set";
    }

    @Override
    public Competition competition() {
        return Competition.ERK;
    }

    @Override
    public PruningMethod method(SharedOptions shared) {
        return rigl.with(SparseEvolution.builder(), shared, shared.stepsPerEpoch(), 1).build();
    }

    @Override
    public Schedule schedule(SharedOptions shared, int epochs) {
        return RigLRecipe.fromTheStart(shared, name());
    }

    @Override
    public boolean takesOptionsOf(Recipe other) {
        return other == this || other == rigl;
    }

    @Override
    public Map<String, String> lengthened(SharedOptions shared, int epochs, int more) {
        return rigl.untilThen();
    }

    @Override
    public void pruneBeforeTraining(Pruner pruner, Trainer trainer, Dataset train) {
        pruner.pruneBeforeTraining();
    }
}
