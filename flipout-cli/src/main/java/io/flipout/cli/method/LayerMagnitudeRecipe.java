package io.flipout.cli.method;

import io.flipout.allocation.Allocation;
import io.flipout.cli.comparison.Arm.Sweep;
import io.flipout.method.LayerMagnitude;
import io.flipout.method.PruningMethod;
import io.flipout.schedule.PruningEvent.Unit;
import io.flipout.schedule.Schedule;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine.Option;

/** {@code layer-magnitude}: {@link LayerMagnitude}, to a sparsity or by Han's rule. */
final class LayerMagnitudeRecipe implements Recipe {

    @Option(
            names = "--quality",
            paramLabel = "Q",
            description =
                    "layer-magnitude prunes below Q standard deviations of each layer, however many"
                            + " weights that are, instead of to a sparsity.")
    private Double quality;

    @Override
    public String name() {
        return "layer-magnitude";
    }

    @Override
    public Competition competition() {
        return Competition.LAYER;
    }

    @Override
    public PruningMethod method(SharedOptions shared) {
        return new LayerMagnitude();
    }

    /** By Han's rule: train, prune, retrain, and again. */
    @Override
    public Schedule schedule(SharedOptions shared, int epochs) {
        if (quality == null) {
            return shared.gradually(epochs, gradualRate());
        }
        if (shared.hasSparsity()) {
            throw new IllegalArgumentException(
                    "layer-magnitude cannot aim at a sparsity by --quality: give --sparsity or"
                            + " --quality, not both.");
        }
        int period = shared.pruneEvery(Math.max(1, Math.round(epochs / 4f)));
        if (period < 1 || period >= epochs) {
            throw new IllegalArgumentException(
                    "layer-magnitude prunes and retrains, each time for --prune-every epochs: "
                            + period
                            + " does not fit into --epochs "
                            + epochs
                            + ".");
        }
        return Schedule.belowThreshold(quality, Unit.EPOCH, period, (epochs - 1) / period);
    }

    @Override
    public Map<String, String> lengthened(SharedOptions shared, int epochs, int more) {
        return quality == null
                ? shared.timesOf(epochs)
                : Map.of("prune-every", Integer.toString(shared.pruneEvery(epochs)));
    }

    /** Han's rule takes of each layer what lies below its threshold. */
    @Override
    public Allocation allocation(SharedOptions shared) {
        return quality == null ? shared.allocation() : Allocation.perLayer();
    }

    @Override
    public String thresholdUnit() {
        return " standard deviations of their layer";
    }

    @Override
    public Optional<Sweep> sweep() {
        return Optional.of(new Sweep("quality", List.of()));
    }
}
