package io.flipout.cli.method;

import ai.djl.training.Trainer;
import ai.djl.training.dataset.Dataset;
import ai.djl.translate.TranslateException;
import io.flipout.djl.Pruner;
import io.flipout.method.PruningMethod;
import io.flipout.method.Snip;
import io.flipout.schedule.Schedule;
import java.io.IOException;
import java.util.Map;
import picocli.CommandLine.Option;

/** {@code snip}: {@link Snip}, before training. */
final class SnipRecipe implements Recipe {

    @Option(
            names = "--snip-batches",
            paramLabel = "N",
            defaultValue = "1",
            description = "Batches that snip takes the gradient of (default: ${DEFAULT-VALUE}).")
    private int batches;

    @Option(
            names = "--snip-steps",
            paramLabel = "N",
            defaultValue = "1",
            description =
                    "Prunings that snip takes to its sparsity, each by new gradients (default:"
                            + " ${DEFAULT-VALUE}).")
    private int steps;

    @Option(
            names = "--snip-variant",
            paramLabel = "original|released",
            defaultValue = "original",
            description =
                    "Whether snip scores the network's weights and loss, or weights drawn anew and"
                            + " the logit of the true class, as the code that FlipOut was compared"
                            + " with (default: ${DEFAULT-VALUE}).")
    private Snip.Variant variant;

    @Override
    public String name() {
        return "snip";
    }

    @Override
    public PruningMethod method(SharedOptions shared) {
        return Snip.builder().optVariant(variant).build();
    }

    @Override
    public Schedule schedule(SharedOptions shared, int epochs) {
        shared.refusePeriod("snip prunes before training", "--sparsity and --snip-steps");
        if (batches < 1 || steps < 1) {
            throw new IllegalArgumentException(
                    "--snip-batches and --snip-steps must be at least 1.");
        }
        return Schedule.beforeTraining(shared.sparsity(), steps);
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
