package io.flipout.cli.method;

import ai.djl.training.dataset.Dataset;
import io.flipout.djl.Pruner;
import io.flipout.method.OptimalBrainSurgeon;
import io.flipout.method.PruningMethod;
import picocli.CommandLine.Option;

/** {@code obs}: {@link OptimalBrainSurgeon}, shown as many examples as {@code obd}. */
final class OptimalBrainSurgeonRecipe implements Recipe {

    @Option(
            names = "--obs-block",
            paramLabel = "B",
            defaultValue = "64",
            description =
                    "Weights of a layer, one after the other, that make up for one another in obs;"
                            + " a pruning takes 4·B + 40 bytes of memory for each weight left"
                            + " (default: ${DEFAULT-VALUE}).")
    private int block;

    @Option(
            names = "--obs-damp",
            paramLabel = "D",
            defaultValue = "1e-2",
            description =
                    "What obs adds to the diagonal of the Fisher information: the larger, the more"
                            + " the magnitude of weights decides (default: ${DEFAULT-VALUE}).")
    private double damping;

    private final OptimalBrainDamageRecipe damage;

    OptimalBrainSurgeonRecipe(OptimalBrainDamageRecipe damage) {
        this.damage = damage;
    }

    @Override
    public String name() {
        return "obs";
    }

    @Override
    public boolean takesOptionsOf(Recipe other) {
        return other == this || other == damage;
    }

    @Override
    public PruningMethod method(SharedOptions shared) {
        return OptimalBrainSurgeon.builder().optBlock(block).optDamping(damping).build();
    }

    @Override
    public double gradualRate() {
        return damage.gradualRate();
    }

    @Override
    public void giveExamples(Pruner.Builder pruner, Dataset train) {
        damage.giveExamples(pruner, train);
    }
}
