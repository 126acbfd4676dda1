package io.flipout.cli.method;

import io.flipout.allocation.Allocation;
import io.flipout.gradient.NoiseScale;
import io.flipout.gradient.ParameterScope;
import io.flipout.mask.WeightSelector;
import io.flipout.schedule.Schedule;
import java.util.List;
import picocli.CommandLine.Option;

/**
 * Options that methods share. What they leave open is filled in when it is asked for, so that a
 * run's configuration tells what was used.
 */
final class SharedOptions {

    private static final double DEFAULT_SPARSITY = 0.99;
    private static final double DEFAULT_RATE = 0.5;

    @Option(
            names = "--sparsity",
            paramLabel = "S",
            description =
                    "Share of the prunable weights to remove, reached exactly (default: "
                            + DEFAULT_SPARSITY
                            + " unless --prune-every is given).")
    private Double sparsity;

    @Option(
            names = "--prune-rate",
            paramLabel = "R",
            description =
                    "Share of the weights left that each pruning removes; with --sparsity, about"
                            + " (default: 0.5, and 0.2 for lottery-ticket).")
    private Double pruneRate;

    @Option(
            names = "--prune-every",
            paramLabel = "N",
            description =
                    "Epochs from one pruning to the next (default: spread over the training; a quarter"
                            + " of it with --quality).")
    private Integer pruneEvery;

    @Option(
            names = "--noise",
            paramLabel = "LAMBDA",
            description =
                    "Strength of the gradient noise; 0 turns it off (default: 1, and 0 for"
                            + " global-magnitude).")
    private Float noise;

    @Option(
            names = "--noise-scale",
            paramLabel = "gradient|weight|fixed",
            defaultValue = "gradient",
            description = "What the noise is measured by (default: ${DEFAULT-VALUE}).")
    private NoiseScale noiseScale;

    @Option(
            names = "--noise-scope",
            paramLabel = "all|prunable",
            defaultValue = "all",
            description = "Which parameters get noise (default: ${DEFAULT-VALUE}).")
    private ParameterScope noiseScope;

    @Option(
            names = "--allocation",
            paramLabel = "global|layer",
            description =
                    "Whether all weights compete, or those of each layer (default: global, and layer"
                            + " for layer-magnitude).")
    private Competition allocation;

    @Option(
            names = "--layer-floor",
            paramLabel = "N",
            defaultValue = "0",
            description = "Weights that every layer keeps at least (default: ${DEFAULT-VALUE}).")
    private int layerFloor;

    @Option(
            names = "--include",
            paramLabel = "PATTERN",
            split = ",",
            description = "Prune only weights whose path matches, such as 'layer1.*'.")
    private List<String> include = List.of();

    @Option(
            names = "--exclude",
            paramLabel = "PATTERN",
            split = ",",
            description = "Do not prune weights whose path matches, such as 'linear.*'.")
    private List<String> exclude = List.of();

    @Option(
            names = "--keep-zeros",
            description =
                    "Keep weights at 0 that are 0 in the network that the training begins with, as in"
                            + " one that was pruned before.")
    private boolean keepZeros;

    /** An option of the optimizer. */
    private float learningRate;

    /** Fills in what the recipe decides where the options do not. */
    void resolve(Recipe recipe, float rate) {
        learningRate = rate;
        if (noise == null) {
            noise = recipe.noise();
        }
        if (allocation == null) {
            allocation = recipe.competition();
        }
    }

    /** Returns the learning rate of the first step. */
    float learningRate() {
        return learningRate;
    }

    float noise() {
        return noise;
    }

    NoiseScale noiseScale() {
        return noiseScale;
    }

    ParameterScope noiseScope() {
        return noiseScope;
    }

    boolean hasSparsity() {
        return sparsity != null;
    }

    double sparsity() {
        if (sparsity == null) {
            sparsity = DEFAULT_SPARSITY;
        }
        return sparsity;
    }

    double pruneRate(double byDefault) {
        if (pruneRate == null) {
            pruneRate = byDefault;
        }
        return pruneRate;
    }

    int pruneEvery(int byDefault) {
        if (pruneEvery == null) {
            pruneEvery = byDefault;
        }
        return pruneEvery;
    }

    /** Prunes while the network trains, to a sparsity or by the paper's own form. */
    Schedule gradually(int epochs) {
        double rate = pruneRate(DEFAULT_RATE);
        if (pruneEvery == null) {
            return Schedule.toSparsity(sparsity()).atRate(rate).overEpochs(epochs);
        }
        return sparsity == null
                ? Schedule.atRate(rate).every(pruneEvery).overEpochs(epochs)
                : Schedule.toSparsity(sparsity).atRate(rate).every(pruneEvery).overEpochs(epochs);
    }

    /** Refuses a period, for methods that have times of their own. */
    void refusePeriod(String reason, String instead) {
        refuse(pruneEvery, "--prune-every", reason, instead);
    }

    /** Refuses a sparsity and a period, for methods that end where they end. */
    void refuseAim(String reason, String instead) {
        refuse(sparsity, "--sparsity", reason, instead);
        refusePeriod(reason, instead);
    }

    private static void refuse(Number value, String option, String reason, String instead) {
        if (value != null) {
            throw new IllegalArgumentException(
                    reason + ": instead of " + option + ", set " + instead + ".");
        }
    }

    boolean hasAllocation() {
        return allocation != Competition.GLOBAL || layerFloor != 0;
    }

    Allocation allocation() {
        return switch (allocation) {
            case GLOBAL -> Allocation.global().withFloor(layerFloor);
            case LAYER -> Allocation.perLayer().withFloor(layerFloor);
        };
    }

    boolean keepZeros() {
        return keepZeros;
    }

    WeightSelector weights() {
        return WeightSelector.builder()
                .optInclude(include.toArray(String[]::new))
                .optExclude(exclude.toArray(String[]::new))
                .build();
    }
}
