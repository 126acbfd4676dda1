package io.flipout.cli.method;

import ai.djl.training.Trainer;
import ai.djl.training.dataset.Dataset;
import io.flipout.djl.Pruner;
import io.flipout.method.PruningMethod;
import io.flipout.method.RewiringBuilder;
import io.flipout.method.RigL;
import io.flipout.schedule.Schedule;
import java.util.Map;
import picocli.CommandLine.Option;

/** {@code rigl}: {@link RigL}, sparse from the start, until three quarters of the training. */
final class RigLRecipe implements Recipe {

    private static final double REWIRING = 0.75;
    private static final long PERIOD = 100;

    @Option(
            names = "--rewire-share",
            paramLabel = "F",
            defaultValue = "0.3",
            description =
                    "Share of a layer's weights that flipout-adaptive, rigl and set exchange at a"
                            + " rewiring; it falls to 0 along a cosine, but for set (default:"
                            + " ${DEFAULT-VALUE}).")
    private double share;

    @Option(
            names = "--rewire-every",
            paramLabel = "STEPS",
            description =
                    "Steps from one rewiring to the next (default: 100, and those of an epoch for"
                            + " set).")
    private Long period;

    @Option(
            names = "--rewire-until",
            paramLabel = "STEP",
            description =
                    "Step from which nothing is rewired any more (default: after three quarters of the"
                            + " training for rigl, at its end for the others).")
    private Long until;

    @Override
    public String name() {
        return "rigl";
    }

    @Override
    public Competition competition() {
        return Competition.ERK;
    }

    @Override
    public PruningMethod method(SharedOptions shared) {
        return with(RigL.builder(), shared, PERIOD, REWIRING).build();
    }

    /**
     * Sets what the options say, and fills in the others once the length of the training is known.
     */
    <B extends RewiringBuilder<B>> B with(
            B builder, SharedOptions shared, long usualPeriod, double usualEnd) {
        if (shared.steps() > 0) {
            period = period == null ? usualPeriod : period;
            until = until == null ? Math.max(1, Math.round(usualEnd * shared.steps())) : until;
        }
        builder.optShare(share);
        if (period != null) {
            builder.optPeriod(period);
        }
        if (until != null) {
            builder.optUntil(until);
        }
        return builder;
    }

    @Override
    public Schedule schedule(SharedOptions shared, int epochs) {
        return fromTheStart(shared, name());
    }

    /** The schedule of methods that train as few weights all the time. */
    static Schedule fromTheStart(SharedOptions shared, String method) {
        shared.refusePeriod(
                method + " trains as few weights from the start as it ends with", "--sparsity");
        return Schedule.beforeTraining(shared.sparsity(), 1);
    }

    @Override
    public Map<String, String> lengthened(SharedOptions shared, int epochs, int more) {
        return untilThen();
    }

    /** The options that keep a longer training's rewirings where they are, if they are known. */
    Map<String, String> untilThen() {
        return period == null || until == null
                ? Map.of()
                : Map.of("rewire-every", period.toString(), "rewire-until", until.toString());
    }

    @Override
    public void pruneBeforeTraining(Pruner pruner, Trainer trainer, Dataset train) {
        pruner.pruneBeforeTraining();
    }
}
