package io.flipout.cli;

import ai.djl.training.Trainer;
import ai.djl.training.dataset.Dataset;
import ai.djl.translate.TranslateException;
import io.flipout.allocation.Allocation;
import io.flipout.cli.comparison.Arm.Sweep;
import io.flipout.cli.comparison.Preset;
import io.flipout.cli.comparison.Sparsities;
import io.flipout.djl.Pruner;
import io.flipout.gradient.NoiseScale;
import io.flipout.gradient.ParameterScope;
import io.flipout.mask.WeightSelector;
import io.flipout.method.DeepR;
import io.flipout.method.FilterPruning;
import io.flipout.method.FlipOut;
import io.flipout.method.GlobalMagnitude;
import io.flipout.method.HoyerSquare;
import io.flipout.method.LayerMagnitude;
import io.flipout.method.LotteryTicket;
import io.flipout.method.MagnitudeUncertainty;
import io.flipout.method.OptimalBrainDamage;
import io.flipout.method.PruningMethod;
import io.flipout.method.RandomPruning;
import io.flipout.method.Snip;
import io.flipout.method.SoftDeepR;
import io.flipout.schedule.PruningEvent.Unit;
import io.flipout.schedule.Schedule;
import io.flipout.schedule.ToSparsitySchedule;
import io.flipout.signal.GradientProbe.Portion;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.BiFunction;
import java.util.function.Function;
import picocli.CommandLine;
import picocli.CommandLine.Option;

/** Options that say how a network is pruned. */
final class MethodOptions {

    private static final String SNIP = "snip";
    private static final String FILTER_PRUNING = "filter-pruning";
    private static final String DEEP_R = "deep-r";
    private static final String SOFT_DEEP_R = "soft-deep-r";
    private static final double DEFAULT_SPARSITY = 0.99;
    private static final float USUAL_LEARNING_RATE = 0.1f;

    /** What the command line knows of a method. */
    private record Entry(
            float noise,
            Competition allocation,
            Function<MethodOptions, PruningMethod> maker,
            BiFunction<MethodOptions, Integer, Schedule> schedule) {

        Entry(
                float noise,
                Function<MethodOptions, PruningMethod> maker,
                BiFunction<MethodOptions, Integer, Schedule> schedule) {
            this(noise, Competition.GLOBAL, maker, schedule);
        }

        /** A method that prunes while the network trains, by the paper's schedules. */
        static Entry gradual(float noise, Function<MethodOptions, PruningMethod> maker) {
            return new Entry(noise, maker, MethodOptions::gradually);
        }
    }

    private static final Map<String, Entry> METHODS =
            new TreeMap<>(
                    Map.ofEntries(
                            Map.entry("flipout", Entry.gradual(1, MethodOptions::flipOut)),
                            Map.entry(
                                    "global-magnitude", Entry.gradual(0, MethodOptions::magnitude)),
                            Map.entry(
                                    "noisy-global-magnitude",
                                    Entry.gradual(1, MethodOptions::magnitude)),
                            Map.entry(
                                    "layer-magnitude",
                                    new Entry(
                                            0,
                                            Competition.LAYER,
                                            o -> new LayerMagnitude(),
                                            MethodOptions::layerByLayer)),
                            Map.entry(
                                    "lottery-ticket",
                                    new Entry(
                                            0,
                                            MethodOptions::lotteryTicket,
                                            MethodOptions::inRounds)),
                            Map.entry(
                                    "magnitude-uncertainty",
                                    Entry.gradual(0, MethodOptions::magnitudeUncertainty)),
                            Map.entry(
                                    "hoyer-square",
                                    new Entry(
                                            0,
                                            MethodOptions::hoyerSquare,
                                            MethodOptions::thenFineTune)),
                            Map.entry(
                                    SNIP,
                                    new Entry(
                                            0, MethodOptions::snip, MethodOptions::beforeTraining)),
                            Map.entry("obd", Entry.gradual(0, o -> new OptimalBrainDamage())),
                            Map.entry(FILTER_PRUNING, Entry.gradual(0, o -> new FilterPruning())),
                            Map.entry(
                                    DEEP_R,
                                    new Entry(
                                            0, MethodOptions::deepR, MethodOptions::fromTheStart)),
                            Map.entry(
                                    SOFT_DEEP_R,
                                    new Entry(
                                            0,
                                            MethodOptions::softDeepR,
                                            MethodOptions::ofSomeDensity)),
                            Map.entry("random", Entry.gradual(0, o -> new RandomPruning())),
                            Map.entry(
                                    "none",
                                    new Entry(
                                            0,
                                            o -> new RandomPruning(),
                                            (o, e) -> Schedule.none()))));

    private static final Map<String, Sweep> SWEEPS =
            Map.of(
                    "hoyer-square",
                    new Sweep("hoyer-strength", Preset.HOYER_STRENGTHS),
                    SOFT_DEEP_R,
                    new Sweep(
                            "soft-deep-r-density",
                            Sparsities.PAPER.stream().map(s -> Double.toString(1 - s)).toList()),
                    "layer-magnitude",
                    new Sweep("quality", List.of()));

    /** How weights compete. */
    enum Competition {
        GLOBAL,
        LAYER
    }

    @Option(
            names = "--method",
            paramLabel = "NAME",
            defaultValue = "flipout",
            description =
                    "flipout, global-magnitude, noisy-global-magnitude, layer-magnitude,"
                            + " lottery-ticket, magnitude-uncertainty, obd, snip, hoyer-square,"
                            + " filter-pruning, deep-r, soft-deep-r, random, or none for a dense"
                            + " network (default: ${DEFAULT-VALUE}).")
    private String method;

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
            names = "--p",
            paramLabel = "P",
            defaultValue = "2",
            description = "FlipOut's power of the magnitude (default: ${DEFAULT-VALUE}).")
    private double p;

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
            names = "--flip-offset",
            paramLabel = "0|1",
            defaultValue = "1",
            description =
                    "What is added to the flips before dividing by them; 0 is the paper's printed"
                            + " formula (default: ${DEFAULT-VALUE}).")
    private int flipOffset;

    @Option(
            names = "--uncertainty-values",
            paramLabel = "N",
            defaultValue = "10",
            description =
                    "Last values of a weight that magnitude-uncertainty takes the deviation of; no"
                            + " number is published (default: ${DEFAULT-VALUE}).")
    private int uncertaintyValues;

    @Option(
            names = "--uncertainty-lambda",
            paramLabel = "LAMBDA",
            defaultValue = "1e-5",
            description =
                    "What magnitude-uncertainty adds to the deviation; 0 is the Wald statistic, no"
                            + " number is published (default: ${DEFAULT-VALUE}).")
    private double uncertaintyLambda;

    @Option(
            names = "--uncertainty-every",
            paramLabel = "N",
            defaultValue = "1",
            description =
                    "Steps from one record of the weights to the next for magnitude-uncertainty"
                            + " (default: ${DEFAULT-VALUE}).")
    private int uncertaintyEvery;

    @Option(
            names = "--snip-batches",
            paramLabel = "N",
            defaultValue = "1",
            description = "Batches that snip takes the gradient of (default: ${DEFAULT-VALUE}).")
    private int snipBatches;

    @Option(
            names = "--snip-steps",
            paramLabel = "N",
            defaultValue = "1",
            description =
                    "Prunings that snip takes to its sparsity, each by new gradients (default:"
                            + " ${DEFAULT-VALUE}).")
    private int snipSteps;

    @Option(
            names = "--snip-variant",
            paramLabel = "original|released",
            defaultValue = "original",
            description =
                    "Whether snip scores the network's weights and loss, or weights drawn anew and"
                            + " the logit of the true class, as the code that FlipOut was compared"
                            + " with (default: ${DEFAULT-VALUE}).")
    private Snip.Variant snipVariant;

    @Option(
            names = "--fisher-examples",
            paramLabel = "N",
            defaultValue = "1000",
            description =
                    "Training images whose gradients obd squares before each pruning (default:"
                            + " ${DEFAULT-VALUE}).")
    private int fisherExamples;

    @Option(
            names = "--hoyer-strength",
            paramLabel = "ALPHA",
            defaultValue = "1e-4",
            description =
                    "Strength of hoyer-square's regulariser, which decides how many weights go"
                            + " (default: ${DEFAULT-VALUE}).")
    private float hoyerStrength;

    @Option(
            names = "--hoyer-scope",
            paramLabel = "all|prunable",
            defaultValue = "prunable",
            description = "Which parameters hoyer-square regularises (default: ${DEFAULT-VALUE}).")
    private ParameterScope hoyerScope;

    @Option(
            names = "--threshold",
            paramLabel = "T",
            defaultValue = "1e-4",
            description =
                    "Magnitude under which hoyer-square prunes a weight (default:"
                            + " ${DEFAULT-VALUE}).")
    private double threshold;

    @Option(
            names = "--fine-tune",
            paramLabel = "N",
            description =
                    "Last epochs, after hoyer-square's pruning and without its regulariser"
                            + " (default: the paper's 150 of 500 in proportion, at least 1).")
    private Integer fineTune;

    @Option(
            names = "--rewind-step",
            paramLabel = "K",
            defaultValue = "0",
            description =
                    "Step that lottery-ticket goes back to after each pruning; 0 is the"
                            + " initialisation (default: ${DEFAULT-VALUE}).")
    private long rewindStep;

    @Option(
            names = "--quality",
            paramLabel = "Q",
            description =
                    "layer-magnitude prunes below Q standard deviations of each layer, however many"
                            + " weights that are, instead of to a sparsity.")
    private Double quality;

    @Option(
            names = "--deep-r-l1",
            paramLabel = "ALPHA",
            defaultValue = "1e-5",
            description =
                    "Strength of the L1 regulariser that deep-r and soft-deep-r draw their weights to 0 with"
                            + " (default: ${DEFAULT-VALUE}).")
    private float deepRL1;

    @Option(
            names = "--deep-r-noise",
            paramLabel = "SIGMA",
            defaultValue = "1e-5",
            description =
                    "Standard deviation of the noise that deep-r and soft-deep-r add to the"
                            + " gradient (default: ${DEFAULT-VALUE}).")
    private float deepRNoise;

    @Option(
            names = "--soft-deep-r-density",
            paramLabel = "P",
            defaultValue = "0.005",
            description =
                    "Share of the weights that soft-deep-r begins with, and would end with if"
                            + " nothing were learned (default: ${DEFAULT-VALUE}).")
    private double softDeepRDensity;

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

    private String thresholdUnit = "";
    private int rounds = 1;

    /** What soft-deep-r reckons with; an option of the optimizer. */
    private float learningRate;

    String name() {
        return method;
    }

    /**
     * Returns the option whose values take the place of sparsities where a method aims at none, and
     * what is tried of it; no values where the method aims at a sparsity unless they are given.
     */
    static Optional<Sweep> sweep(String method) {
        return Optional.ofNullable(SWEEPS.get(method));
    }

    /** Makes a method as it is without further options. */
    static PruningMethod byDefault(String name) {
        MethodOptions options = new MethodOptions();
        new CommandLine(options)
                .setCaseInsensitiveEnumValuesAllowed(true)
                .parseArgs("--method", name);
        return options.method(USUAL_LEARNING_RATE);
    }

    private Entry entry() {
        Entry entry = METHODS.get(method);
        if (entry == null) {
            throw Failure.misuse(
                    "Unknown method '"
                            + method
                            + "'; there are "
                            + String.join(", ", METHODS.keySet())
                            + ".");
        }
        return entry;
    }

    /** Makes the method, and fills in what other options leave open of it. */
    PruningMethod method(float rate) {
        learningRate = rate;
        if (noise == null) {
            noise = entry().noise();
        }
        if (allocation == null) {
            allocation = entry().allocation();
        }
        return entry().maker().apply(this);
    }

    /** Makes the schedule, and fills in what other options leave open of it. */
    Schedule schedule(int epochs) {
        return entry().schedule().apply(this, epochs);
    }

    private PruningMethod flipOut() {
        return FlipOut.builder()
                .optP(p)
                .optNoise(noise)
                .optNoiseScale(noiseScale)
                .optNoiseScope(noiseScope)
                .optFlipOffset(flipOffset)
                .build();
    }

    private PruningMethod magnitude() {
        return GlobalMagnitude.builder()
                .optNoise(noise)
                .optNoiseScale(noiseScale)
                .optNoiseScope(noiseScope)
                .build();
    }

    private PruningMethod magnitudeUncertainty() {
        return MagnitudeUncertainty.builder()
                .setValues(uncertaintyValues)
                .setLambda(uncertaintyLambda)
                .optEvery(uncertaintyEvery)
                .build();
    }

    private PruningMethod lotteryTicket() {
        return LotteryTicket.builder().optRewindStep(rewindStep).build();
    }

    private PruningMethod snip() {
        return Snip.builder().optVariant(snipVariant).build();
    }

    private PruningMethod hoyerSquare() {
        return HoyerSquare.builder().setStrength(hoyerStrength).optScope(hoyerScope).build();
    }

    private PruningMethod deepR() {
        return DeepR.builder().optL1(deepRL1).optNoise(deepRNoise).build();
    }

    private double pruneRate(double byDefault) {
        if (pruneRate == null) {
            pruneRate = byDefault;
        }
        return pruneRate;
    }

    private PruningMethod softDeepR() {
        return SoftDeepR.builder()
                .optDensity(softDeepRDensity)
                .optLearningRate(learningRate)
                .optL1(deepRL1)
                .optNoise(deepRNoise)
                .build();
    }

    private Schedule gradually(int epochs) {
        double rate = pruneRate(0.5);
        if (sparsity == null && pruneEvery == null) {
            sparsity = DEFAULT_SPARSITY;
        }
        if (sparsity == null) {
            return Schedule.atRate(rate).every(pruneEvery).overEpochs(epochs);
        }
        var schedule = Schedule.toSparsity(sparsity).atRate(rate);
        return (pruneEvery == null ? schedule : schedule.every(pruneEvery)).overEpochs(epochs);
    }

    /** The epochs are those of a round; all rounds but the last end with a pruning. */
    private Schedule inRounds(int epochs) {
        if (pruneEvery != null) {
            throw Failure.misuse(
                    "lottery-ticket prunes at the end of a round: instead of --prune-every, set"
                            + " --epochs, those of one round.");
        }
        if (sparsity == null) {
            sparsity = DEFAULT_SPARSITY;
        }
        ToSparsitySchedule schedule =
                Schedule.toSparsity(sparsity).atRate(pruneRate(0.2)).inRoundsOf(epochs);
        rounds = schedule.epochs() / epochs;
        return schedule;
    }

    /** Returns how often the training is done; only lottery-ticket does it more than once. */
    int rounds() {
        return rounds;
    }

    /** Returns the step that rounds after the first begin after. */
    long rewindStep() {
        return rewindStep;
    }

    /** Refuses to go back to a step that comes after the first pruning. */
    void checkRewind(long stepsOfRound) {
        if (rounds > 1 && rewindStep > stepsOfRound) {
            throw Failure.misuse(
                    "--rewind-step "
                            + rewindStep
                            + " comes after the first pruning: a round has "
                            + stepsOfRound
                            + " steps.");
        }
    }

    /** To a sparsity, or by Han's rule: train, prune, retrain, and again. */
    private Schedule layerByLayer(int epochs) {
        if (quality == null) {
            return gradually(epochs);
        }
        if (sparsity != null) {
            throw Failure.misuse(
                    "layer-magnitude cannot aim at a sparsity by --quality: give --sparsity or"
                            + " --quality, not both.");
        }
        if (pruneEvery == null) {
            pruneEvery = Math.max(1, Math.round(epochs / 4f));
        }
        if (pruneEvery < 1 || pruneEvery >= epochs) {
            throw Failure.misuse(
                    "layer-magnitude prunes and retrains, each time for --prune-every epochs: "
                            + pruneEvery
                            + " does not fit into --epochs "
                            + epochs
                            + ".");
        }
        thresholdUnit = " standard deviations of their layer";
        return Schedule.belowThreshold(quality, Unit.EPOCH, pruneEvery, (epochs - 1) / pruneEvery);
    }

    /** What the schedule's threshold is measured in, for messages. */
    String thresholdUnit() {
        return thresholdUnit;
    }

    private Schedule beforeTraining(int epochs) {
        if (pruneEvery != null) {
            throw Failure.misuse(
                    "snip prunes before training: instead of --prune-every, set --sparsity and"
                            + " --snip-steps.");
        }
        if (snipBatches < 1 || snipSteps < 1) {
            throw Failure.misuse("--snip-batches and --snip-steps must be at least 1.");
        }
        if (sparsity == null) {
            sparsity = DEFAULT_SPARSITY;
        }
        return Schedule.beforeTraining(sparsity, snipSteps);
    }

    private Schedule fromTheStart(int epochs) {
        if (pruneEvery != null) {
            throw Failure.misuse(
                    "deep-r trains as few weights from the start as it ends with: instead of"
                            + " --prune-every, set --sparsity.");
        }
        if (sparsity == null) {
            sparsity = DEFAULT_SPARSITY;
        }
        return Schedule.beforeTraining(sparsity, 1);
    }

    private Schedule ofSomeDensity(int epochs) {
        if (sparsity != null || pruneEvery != null) {
            throw Failure.misuse(
                    "soft-deep-r keeps no number of weights: instead of "
                            + (sparsity != null ? "--sparsity" : "--prune-every")
                            + ", set --soft-deep-r-density, which it moves around.");
        }
        return Schedule.beforeTraining(1 - softDeepRDensity, 1);
    }

    /** The paper regularises for 350 epochs, prunes, and fine-tunes for 150. */
    private Schedule thenFineTune(int epochs) {
        if (sparsity != null || pruneEvery != null) {
            throw Failure.misuse(
                    "hoyer-square cannot aim at a sparsity: instead of "
                            + (sparsity != null ? "--sparsity" : "--prune-every")
                            + ", set --hoyer-strength; the stronger, the fewer weights are left.");
        }
        if (fineTune == null) {
            fineTune = Math.max(1, (int) Math.round(0.3 * epochs));
        }
        if (fineTune < 1 || fineTune >= epochs) {
            throw Failure.misuse(
                    "hoyer-square trains, prunes and fine-tunes, each for at least an epoch:"
                            + " --fine-tune "
                            + fineTune
                            + " does not fit into --epochs "
                            + epochs
                            + ".");
        }
        return Schedule.belowThreshold(threshold, Unit.EPOCH, epochs - fineTune);
    }

    /** Gives the pruner examples to show the network before each pruning, if the method asks. */
    void giveExamples(PruningMethod chosen, Pruner.Builder pruner, Dataset train) {
        if (chosen.probe().filter(p -> p.portion() == Portion.EXAMPLE).isPresent()) {
            pruner.optExamples(train, fisherExamples);
        }
    }

    /** Prunes before training, where the method does. */
    void pruneBeforeTraining(Pruner pruner, Trainer trainer, Dataset train)
            throws IOException, TranslateException {
        switch (method) {
            case SNIP -> pruner.pruneBeforeTraining(trainer, train, snipBatches);
            case DEEP_R, SOFT_DEEP_R -> pruner.pruneBeforeTraining();
            default -> {}
        }
    }

    Allocation allocation() {
        if (method.equals(FILTER_PRUNING)) {
            if (allocation != Competition.GLOBAL || layerFloor != 0) {
                throw Failure.misuse(
                        "filter-pruning takes the same share of each layer's filters and leaves at"
                                + " least one: instead of --allocation and --layer-floor, set"
                                + " --include or --exclude.");
            }
            return Allocation.perFilter();
        }
        return switch (allocation) {
            case GLOBAL -> Allocation.global().withFloor(layerFloor);
            case LAYER -> Allocation.perLayer().withFloor(layerFloor);
        };
    }

    WeightSelector weights() {
        return WeightSelector.builder()
                .optInclude(include.toArray(String[]::new))
                .optExclude(exclude.toArray(String[]::new))
                .build();
    }
}
