package io.flipout.cli.method;

import ai.djl.training.Trainer;
import ai.djl.training.dataset.Dataset;
import ai.djl.translate.TranslateException;
import io.flipout.djl.Pruner;
import io.flipout.method.GradientSignalPreservation;
import io.flipout.method.PruningMethod;
import io.flipout.schedule.Schedule;
import java.io.IOException;
import java.util.Map;
import picocli.CommandLine.Option;

/** {@code grasp}: {@link GradientSignalPreservation}, before training. */
final class GradientSignalPreservationRecipe implements Recipe {

    @Option(
            names = "--grasp-batches",
            paramLabel = "N",
            defaultValue = "1",
            description =
                    "Batches that grasp takes gradient and Hessian of (default: ${DEFAULT-VALUE}).")
    private int batches;

    @Option(
            names = "--grasp-temperature",
            paramLabel = "T",
            defaultValue = "200",
            description =
                    "What grasp divides the outputs by before the loss (default: ${DEFAULT-VALUE}).")
    private double temperature;

    @Override
    public String name() {
        return "grasp";
    }

    @Override
    public PruningMethod method(SharedOptions shared) {
        return GradientSignalPreservation.builder().optTemperature(temperature).build();
    }

    @Override
    public Schedule schedule(SharedOptions shared, int epochs) {
        shared.refusePeriod("grasp prunes before training", "--sparsity");
        if (batches < 1) {
            throw new IllegalArgumentException("--grasp-batches must be at least 1.");
        }
        return Schedule.beforeTraining(shared.sparsity(), 1);
    }

    @Override
    public Map<String, String> lengthened(SharedOptions shared, int epochs, int more) {
        return Map.of(); // It prunes before training.
    }

    @Override
    public void pruneBeforeTraining(Pruner pruner, Trainer trainer, Dataset train)
            throws IOException, TranslateException {
        pruner.pruneBeforeTraining(trainer, train, batches);
    }
}
