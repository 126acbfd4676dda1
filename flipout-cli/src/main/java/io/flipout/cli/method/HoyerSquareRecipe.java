package io.flipout.cli.method;

import io.flipout.allocation.Allocation;
import io.flipout.cli.comparison.Arm.Sweep;
import io.flipout.cli.comparison.Preset;
import io.flipout.gradient.ParameterScope;
import io.flipout.method.HoyerSquare;
import io.flipout.method.PruningMethod;
import io.flipout.schedule.PruningEvent.Unit;
import io.flipout.schedule.Schedule;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine.Option;

/** {@code hoyer-square}: {@link HoyerSquare}, one pruning, and fine-tuning. */
final class HoyerSquareRecipe implements Recipe {

    /** The paper regularises for 350 epochs, prunes, and fine-tunes for 150. */
    private static final double FINE_TUNING = 0.3;

    @Option(
            names = "--hoyer-strength",
            paramLabel = "ALPHA",
            defaultValue = "1e-4",
            description =
                    "Strength of hoyer-square's regulariser, which decides how many weights go"
                            + " (default: ${DEFAULT-VALUE}).")
    private float strength;

    @Option(
            names = "--hoyer-scope",
            paramLabel = "all|prunable",
            defaultValue = "prunable",
            description = "Which parameters hoyer-square regularises (default: ${DEFAULT-VALUE}).")
    private ParameterScope scope;

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

    @Override
    public String name() {
        return "hoyer-square";
    }

    @Override
    public PruningMethod method(SharedOptions shared) {
        return HoyerSquare.builder().setStrength(strength).optScope(scope).build();
    }

    @Override
    public Schedule schedule(SharedOptions shared, int epochs) {
        shared.refuseAim(
                "hoyer-square cannot aim at a sparsity",
                "--hoyer-strength; the stronger, the fewer weights are left");
        if (fineTune == null) {
            fineTune = Math.max(1, (int) Math.round(FINE_TUNING * epochs));
        }
        if (fineTune < 1 || fineTune >= epochs) {
            throw new IllegalArgumentException(
                    "hoyer-square trains, prunes and fine-tunes, each for at least an epoch:"
                            + " --fine-tune "
                            + fineTune
                            + " does not fit into --epochs "
                            + epochs
                            + ".");
        }
        return Schedule.belowThreshold(threshold, Unit.EPOCH, epochs - fineTune);
    }

    /** All epochs that are added fine-tune. */
    @Override
    public Map<String, String> lengthened(SharedOptions shared, int epochs, int more) {
        return Map.of("fine-tune", Integer.toString(fineTune + more - epochs));
    }

    /** Its threshold is the same for all weights, whatever the layer. */
    @Override
    public Allocation allocation(SharedOptions shared) {
        return Allocation.global();
    }

    @Override
    public Optional<Sweep> sweep() {
        return Optional.of(new Sweep("hoyer-strength", Preset.HOYER_STRENGTHS));
    }
}
