package io.flipout.cli.method;

import ai.djl.training.Trainer;
import ai.djl.training.dataset.Dataset;
import ai.djl.translate.TranslateException;
import io.flipout.djl.Pruner;
import io.flipout.method.PruningMethod;
import io.flipout.method.SynapticFlow;
import io.flipout.schedule.Schedule;
import java.io.IOException;
import java.util.Map;
import picocli.CommandLine.Option;

/** {@code synflow}: {@link SynapticFlow}, before training. */
final class SynapticFlowRecipe implements Recipe {

    @Option(
            names = "--synflow-rounds",
            paramLabel = "N",
            defaultValue = "100",
            description =
                    "Prunings that synflow takes to its sparsity; with few of them it cuts layers off"
                            + " (default: ${DEFAULT-VALUE}).")
    private int rounds;

    @Override
    public String name() {
        return "synflow";
    }

    @Override
    public PruningMethod method(SharedOptions shared) {
        return new SynapticFlow();
    }

    @Override
    public Schedule schedule(SharedOptions shared, int epochs) {
        shared.refusePeriod("synflow prunes before training", "--sparsity and --synflow-rounds");
        if (rounds < 1) {
            throw new IllegalArgumentException("--synflow-rounds must be at least 1.");
        }
        return Schedule.beforeTraining(shared.sparsity(), rounds);
    }

    @Override
    public Map<String, String> lengthened(SharedOptions shared, int epochs, int more) {
        return Map.of(); // It prunes before training.
    }

    @Override
    public void pruneBeforeTraining(Pruner pruner, Trainer trainer, Dataset train)
            throws IOException, TranslateException {
        pruner.pruneBeforeTraining(trainer, train, 1);
    }
}
