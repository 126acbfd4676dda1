package io.flipout.cli.method;

import ai.djl.training.dataset.Dataset;
import io.flipout.djl.Pruner;
import io.flipout.method.OptimalBrainDamage;
import io.flipout.method.PruningMethod;
import picocli.CommandLine.Option;

/** {@code obd}: {@link OptimalBrainDamage}. */
final class OptimalBrainDamageRecipe implements Recipe {

    @Option(
            names = "--fisher-examples",
            paramLabel = "N",
            defaultValue = "1000",
            description =
                    "Training images that obd and obs take the gradients of before each pruning, one by"
                            + " one (default: ${DEFAULT-VALUE}).")
    private int examples;

    @Override
    public String name() {
        return "obd";
    }

    @Override
    public PruningMethod method(SharedOptions shared) {
        return new OptimalBrainDamage();
    }

    /** Fewer prunings than others', as it looks at examples before each. */
    @Override
    public double gradualRate() {
        return 0.2;
    }

    @Override
    public void giveExamples(Pruner.Builder pruner, Dataset train) {
        pruner.optExamples(train, examples);
    }
}
