package io.flipout.cli.method;

import ai.djl.training.Trainer;
import ai.djl.training.dataset.Dataset;
import io.flipout.cli.comparison.Arm.Sweep;
import io.flipout.cli.comparison.Sparsities;
import io.flipout.djl.Pruner;
import io.flipout.method.PruningMethod;
import io.flipout.method.SoftDeepR;
import io.flipout.schedule.Schedule;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine.Option;

/** {@code soft-deep-r}: {@link SoftDeepR}, with the regulariser and the noise of {@code deep-r}. */
final class SoftDeepRRecipe implements Recipe {

    private final DeepRRecipe deepR;

    @Option(
            names = "--soft-deep-r-density",
            paramLabel = "P",
            defaultValue = "0.005",
            description =
                    "Share of the weights that soft-deep-r begins with, and would end with if"
                            + " nothing were learned (default: ${DEFAULT-VALUE}).")
    private double density;

    SoftDeepRRecipe(DeepRRecipe deepR) {
        this.deepR = deepR;
    }

    @Override
    public String name() {
        return "soft-deep-r";
    }

    @Override
    public boolean takesOptionsOf(Recipe other) {
        return other == this || other == deepR;
    }

    @Override
    public PruningMethod method(SharedOptions shared) {
        return SoftDeepR.builder()
                .optDensity(density)
                .optLearningRate(shared.learningRate())
                .optL1(deepR.l1())
                .optNoise(deepR.gradientNoise())
                .build();
    }

    @Override
    public Schedule schedule(SharedOptions shared, int epochs) {
        shared.refuseAim(
                "soft-deep-r keeps no number of weights",
                "--soft-deep-r-density, which it moves around");
        return Schedule.beforeTraining(1 - density, 1);
    }

    @Override
    public Map<String, String> lengthened(SharedOptions shared, int epochs, int more) {
        return Map.of(); // It prunes before training.
    }

    @Override
    public void pruneBeforeTraining(Pruner pruner, Trainer trainer, Dataset train) {
        pruner.pruneBeforeTraining();
    }

    @Override
    public Optional<Sweep> sweep() {
        return Optional.of(
                new Sweep(
                        "soft-deep-r-density",
                        Sparsities.PAPER.stream().map(s -> Double.toString(1 - s)).toList()));
    }
}
