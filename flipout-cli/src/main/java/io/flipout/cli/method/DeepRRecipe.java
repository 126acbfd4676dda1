package io.flipout.cli.method;

import ai.djl.training.Trainer;
import ai.djl.training.dataset.Dataset;
import io.flipout.djl.Pruner;
import io.flipout.method.DeepR;
import io.flipout.method.PruningMethod;
import io.flipout.schedule.Schedule;
import java.util.Map;
import picocli.CommandLine.Option;

/** {@code deep-r}: {@link DeepR}, sparse from the start. */
final class DeepRRecipe implements Recipe {

    @Option(
            names = "--deep-r-l1",
            paramLabel = "ALPHA",
            defaultValue = "1e-5",
            description =
                    "Strength of the L1 regulariser that deep-r and soft-deep-r draw their weights to 0 with"
                            + " (default: ${DEFAULT-VALUE}).")
    private float l1;

    @Option(
            names = "--deep-r-noise",
            paramLabel = "SIGMA",
            defaultValue = "1e-5",
            description =
                    "Standard deviation of the noise that deep-r and soft-deep-r add to the"
                            + " gradient (default: ${DEFAULT-VALUE}).")
    private float gradientNoise;

    @Override
    public String name() {
        return "deep-r";
    }

    float l1() {
        return l1;
    }

    float gradientNoise() {
        return gradientNoise;
    }

    @Override
    public PruningMethod method(SharedOptions shared) {
        return DeepR.builder().optL1(l1).optNoise(gradientNoise).build();
    }

    @Override
    public Schedule schedule(SharedOptions shared, int epochs) {
        return RigLRecipe.fromTheStart(shared, name());
    }

    @Override
    public Map<String, String> lengthened(SharedOptions shared, int epochs, int more) {
        return Map.of(); // It prunes before training.
    }

    @Override
    public void pruneBeforeTraining(Pruner pruner, Trainer trainer, Dataset train) {
        pruner.pruneBeforeTraining();
    }
}
