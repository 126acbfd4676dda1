package io.flipout.cli.method;

import io.flipout.allocation.Allocation;
import io.flipout.allocation.GroupAllocation;
import io.flipout.gradient.NoiseScale;
import io.flipout.gradient.ParameterScope;
import io.flipout.mask.WeightSelector;
import io.flipout.method.NoisyBuilder;
import io.flipout.schedule.PruningEvent.Unit;
import io.flipout.schedule.Schedule;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.Set;
import picocli.CommandLine.Option;

/**
 * Options that methods share. What they leave open is filled in when it is asked for, so that a
 * run's configuration tells what was used.
 */
final class SharedOptions {

    private static final double DEFAULT_SPARSITY = 0.99;
    private static final double PAPER_RATE = 0.5;

    /** The share of a training that prunes gradually. */
    private static final double GRADUAL_SHARE = 0.5;

    /** When weights go, as {@code --schedule} says it. */
    private enum Timing {
        GRADUAL,
        PAPER
    }

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
                            + " (default: 0.05, 0.2 for obd, obs and lottery-ticket, and 0.5 with"
                            + " --schedule paper).")
    private Double pruneRate;

    @Option(
            names = "--prune-every",
            paramLabel = "N",
            description =
                    "Epochs from one pruning to the next (default: spread over the training; a quarter"
                            + " of it with --quality).")
    private Integer pruneEvery;

    @Option(
            names = "--schedule",
            paramLabel = "gradual|paper",
            description =
                    "Whether a few percent of the weights go at a time until --prune-end, or half of"
                            + " them every so many epochs, as in the paper, whose learning rate it"
                            + " takes too (default: gradual, and paper where --prune-every is"
                            + " given).")
    private Timing schedule;

    @Option(
            names = "--prune-end",
            paramLabel = "EPOCH",
            description =
                    "Epoch, not necessarily a whole one, after which --schedule gradual has come to its"
                            + " sparsity (default: half of --epochs).")
    private Double pruneEnd;

    @Option(
            names = "--noise",
            paramLabel = "LAMBDA",
            description =
                    "Strength of the gradient noise; 0 turns it off (default: 1 for flipout and"
                            + " noisy-global-magnitude, 0 for all others).")
    private Float noise;

    @Option(
            names = "--noise-scale",
            paramLabel = "gradient|weight|fixed|annealed|langevin",
            defaultValue = "gradient",
            description =
                    "What the noise is measured by: the gradient, the weights or nothing; annealed has"
                            + " a variance of LAMBDA/(1 + steps)^0.55, langevin a deviation of"
                            + " LAMBDA·√(2/(images·rate)), for --momentum 0 (default:"
                            + " ${DEFAULT-VALUE}).")
    private NoiseScale noiseScale;

    @Option(
            names = "--noise-scope",
            paramLabel = "all|prunable",
            defaultValue = "all",
            description = "Which parameters get noise (default: ${DEFAULT-VALUE}).")
    private ParameterScope noiseScope;

    @Option(
            names = "--allocation",
            paramLabel = "global|layer|erk|N:M",
            converter = Competition.Reader.class,
            description =
                    "Whether all weights compete, or those of each layer for the same share of it, or"
                            + " for an Erdős–Rényi density; or which N of every M weights along a"
                            + " layer's input are kept, such as 2:4 (default: global, layer for"
                            + " layer-magnitude, gmp and movement, erk for set and rigl).")
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

    /** The options that the method has asked for: those that mean something to it. */
    private final Set<String> asked = new HashSet<>(Set.of("--include", "--exclude", "--schedule"));

    private boolean keepsZeros;

    /** How the network will be trained; as long as only the options are known, of no steps. */
    private TrainingPlan plan;

    /** Fills in what the recipe decides where the options do not. */
    void resolve(Recipe recipe, TrainingPlan training) {
        plan = training;
        if (noise == null) {
            noise = recipe.noise();
        }
        if (allocation == null) {
            allocation = recipe.competition();
        }
    }

    /** Returns the number of training images; 1 as long as it is not known. */
    long examples() {
        return plan.examples();
    }

    /** Returns the steps of an epoch; 0 as long as they are not known. */
    long stepsPerEpoch() {
        return plan.stepsPerEpoch();
    }

    /** Whether an option means something to the method, which has been made by now. */
    boolean applies(String option) {
        return asked.contains(option);
    }

    /** Returns the steps of the training; 0 as long as they are not known. */
    long steps() {
        return plan.steps();
    }

    /** Returns the learning rate of the first step. */
    float learningRate() {
        return plan.firstLearningRate();
    }

    /** Returns the strength of the noise. */
    float noise() {
        asked.add("--noise");
        return noise;
    }

    /** Sets the noise of a method. */
    <B extends NoisyBuilder<B>> B withNoise(B builder) {
        askOfNoise("--noise-scale");
        askOfNoise("--noise-scope");
        return builder.optNoise(noise())
                .optNoiseScale(noiseScale)
                .optNoiseScope(noiseScope)
                .optLangevin(plan.examples(), plan.learningRate());
    }

    private void askOfNoise(String option) {
        if (noise != 0) {
            asked.add(option);
        }
    }

    boolean hasSparsity() {
        return sparsity != null;
    }

    /** Returns the sparsity asked for, or that which N of every M weights come to. */
    double sparsity() {
        asked.add("--sparsity");
        OptionalDouble ofGroups =
                allocation.groups().stream().mapToDouble(GroupAllocation::sparsity).findFirst();
        if (sparsity == null) {
            sparsity = ofGroups.orElse(DEFAULT_SPARSITY);
        }
        if (ofGroups.isPresent() && Math.abs(sparsity - ofGroups.getAsDouble()) > 1e-9) {
            throw new IllegalArgumentException(
                    "--allocation "
                            + allocation
                            + " comes to a sparsity of "
                            + ofGroups.getAsDouble()
                            + ": --sparsity "
                            + sparsity
                            + " does not go with it.");
        }
        return sparsity;
    }

    double pruneRate(double byDefault) {
        asked.add("--prune-rate");
        if (pruneRate == null) {
            pruneRate = byDefault;
        }
        return pruneRate;
    }

    int pruneEvery(int byDefault) {
        asked.add("--prune-every");
        if (pruneEvery == null) {
            pruneEvery = byDefault;
        }
        return pruneEvery;
    }

    /**
     * Prunes while the network trains, to a sparsity or by the paper's own form.
     *
     * @param usualRate the rate of gradual pruning where the options do not tell
     */
    Schedule gradually(int epochs, double usualRate) {
        asked.add("--sparsity");
        if (schedule == null) {
            schedule = pruneEvery == null ? Timing.GRADUAL : Timing.PAPER;
        }
        return schedule == Timing.GRADUAL
                ? littleByLittle(epochs, usualRate)
                : everySoManyEpochs(epochs);
    }

    /** Whether the prunings come when the paper's do; known once there is a schedule. */
    boolean isOfPaper() {
        return schedule == Timing.PAPER;
    }

    private Schedule littleByLittle(int epochs, double usualRate) {
        refusePeriod("--schedule gradual spreads its prunings", "--prune-end or --prune-rate");
        asked.add("--prune-end");
        if (pruneEnd == null) {
            pruneEnd = GRADUAL_SHARE * epochs;
        }
        if (!(pruneEnd > 0 && pruneEnd < epochs)) {
            throw new IllegalArgumentException(
                    "--prune-end must lie within the training, between 0 and --epochs "
                            + epochs
                            + ", got "
                            + pruneEnd
                            + ".");
        }
        // As long as only the options are known, whatever an epoch may be.
        long ofEpoch = stepsPerEpoch() == 0 ? 1_000 : stepsPerEpoch();
        long end = Math.round(pruneEnd * ofEpoch);
        return Schedule.gradual(sparsity())
                .atRate(pruneRate(usualRate))
                .endingAt(Unit.STEP, Math.max(1, Math.min(end, epochs * ofEpoch - 1)));
    }

    private Schedule everySoManyEpochs(int epochs) {
        if (pruneEnd != null) {
            throw new IllegalArgumentException(
                    "--schedule paper prunes until the training ends: --prune-end does not go with"
                            + " it.");
        }
        double rate = pruneRate(PAPER_RATE);
        asked.add("--prune-every");
        if (pruneEvery == null) {
            return Schedule.toSparsity(sparsity()).atRate(rate).overEpochs(epochs);
        }
        return sparsity == null && allocation.groups().isEmpty()
                ? Schedule.atRate(rate).every(pruneEvery).overEpochs(epochs)
                : Schedule.toSparsity(sparsity()).atRate(rate).every(pruneEvery).overEpochs(epochs);
    }

    /** The options that prune to a sparsity when {@link #gradually} does over so many epochs. */
    Map<String, String> timesOf(int epochs) {
        if (schedule == Timing.GRADUAL) {
            return Map.of(
                    "schedule",
                    "gradual",
                    "sparsity",
                    Double.toString(sparsity()),
                    "prune-end",
                    Double.toString(pruneEnd));
        }
        if (pruneEvery != null) {
            return Map.of(); // It counts from the beginning, however long the training is.
        }
        double rate = pruneRate(PAPER_RATE);
        int period = Schedule.toSparsity(sparsity()).atRate(rate).overEpochs(epochs).period();
        return Map.of(
                "sparsity", Double.toString(sparsity()), "prune-every", Integer.toString(period));
    }

    /** Refuses a period, for methods that have times of their own. */
    void refusePeriod(String reason, String instead) {
        refuse(pruneEvery, "--prune-every", reason, instead);
    }

    /** Refuses a rate, for methods whose schedule has none. */
    void refuseRate(String reason, String instead) {
        refuse(pruneRate, "--prune-rate", reason, instead);
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
        return !allocation.equals(Competition.GLOBAL) || layerFloor != 0;
    }

    void keepZeros(boolean keep) {
        keepsZeros = keep;
    }

    /**
     * Whether weights that are pruned have to stay so: zeros that the network comes with, or those
     * that so many of every M are to be.
     */
    boolean keepsPruned() {
        return keepsZeros || allocation.groups().isPresent();
    }

    Allocation allocation() {
        asked.addAll(List.of("--allocation", "--layer-floor"));
        return allocation.allocation(layerFloor);
    }

    WeightSelector weights() {
        return WeightSelector.builder()
                .optInclude(include.toArray(String[]::new))
                .optExclude(exclude.toArray(String[]::new))
                .build();
    }
}
