package io.flipout.cli.method;

import io.flipout.method.GradualMagnitude;
import io.flipout.method.PruningMethod;
import io.flipout.schedule.PruningEvent.Unit;
import io.flipout.schedule.Schedule;
import java.util.Map;
import picocli.CommandLine.Option;

/** {@code gmp}: {@link GradualMagnitude}, along the cubic, after the ends of epochs. */
final class GradualMagnitudeRecipe implements Recipe {

    /** What is left of the training for the sparse network. */
    private static final double PRUNING = 0.75;

    @Option(
            names = "--gmp-begin",
            paramLabel = "EPOCH",
            defaultValue = "0",
            description =
                    "Epoch from which the cubic of gmp and movement rises; the first pruning comes --prune-every epochs"
                            + " later (default: ${DEFAULT-VALUE}).")
    private int begin;

    @Option(
            names = "--gmp-end",
            paramLabel = "EPOCH",
            description =
                    "Epoch after which gmp and movement have come to their sparsity (default: after three quarters of"
                            + " the training).")
    private Integer end;

    @Override
    public String name() {
        return "gmp";
    }

    @Override
    public Competition competition() {
        return Competition.LAYER;
    }

    @Override
    public PruningMethod method(SharedOptions shared) {
        return new GradualMagnitude();
    }

    @Override
    public Map<String, String> lengthened(SharedOptions shared, int epochs, int more) {
        return untilThen(shared);
    }

    /** The options that keep a longer training's prunings where they are. */
    Map<String, String> untilThen(SharedOptions shared) {
        return Map.of(
                "sparsity", Double.toString(shared.sparsity()), "gmp-end", Integer.toString(end));
    }

    @Override
    public Schedule schedule(SharedOptions shared, int epochs) {
        return alongTheCubic(shared, epochs, name());
    }

    /** The schedule of a method that prunes along the cubic. */
    Schedule alongTheCubic(SharedOptions shared, int epochs, String method) {
        shared.refuseRate(
                method + " prunes along a cubic", "--gmp-begin, --gmp-end and --prune-every");
        int period = shared.pruneEvery(1);
        if (end == null) {
            int usual = Math.min(epochs - 1, (int) Math.round(PRUNING * epochs));
            end = Math.max(begin + period, usual);
        }
        if (begin < 0 || period < 1 || end - begin < period || end >= epochs) {
            throw new IllegalArgumentException(
                    method
                            + " prunes every --prune-every "
                            + period
                            + " epochs after --gmp-begin "
                            + begin
                            + " until --gmp-end "
                            + end
                            + ", which is no time within --epochs "
                            + epochs
                            + ": the first must fit between the others, and the last epoch does not"
                            + " prune.");
        }
        return Schedule.cubic(shared.sparsity()).between(Unit.EPOCH, begin, end, period);
    }
}
