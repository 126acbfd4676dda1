package io.flipout.djl;

import ai.djl.training.optimizer.Optimizer;
import io.flipout.djl.training.OptimizerState;
import io.flipout.mask.ParameterInfo;
import io.flipout.schedule.PruningEvent;
import io.flipout.tensor.Transfers;
import java.util.List;

/** Parameters that train after they were frozen, and have missed steps of the training. */
final class Unfreezing {

    private Unfreezing() {}

    /**
     * Takes in what was frozen when the network was looked at, and is not any more.
     *
     * @return the network with it
     */
    static PrunedNetwork takeIn(
            PrunedNetwork network, PruningSettings settings, long steps, Optimizer optimizer) {
        boolean isBound =
                settings.method().rewiring().isPresent()
                        || settings.method().reparameterization().isPresent();
        if (isBound) {
            throw new IllegalStateException(
                    "The method "
                            + settings.method().name()
                            + (settings.method().rewiring().isPresent()
                                    ? " rewires the network"
                                    : " trains latent weights of the network")
                            + " it has begun with, and cannot take in"
                            + " parameters that are unfrozen later: unfreeze them before the"
                            + " trainer is made, or leave them out by "
                            + settings.advice().exclude()
                            + ".");
        }
        PrunedNetwork whole = network.complete(steps);
        checkTimes(network, whole);
        if (optimizer instanceof OptimizerState stateful) {
            int updates =
                    network.mirrors().stream()
                            .mapToInt(mirrors -> mirrors.updates(stateful))
                            .max()
                            .orElse(0);
            for (ParameterInfo info : whole.parameters()) {
                if (!network.has(info)) {
                    stateful.restore(info.parameter().getId(), List.of(), updates);
                }
            }
        }
        return whole;
    }

    /** Of two schedules with other times, nobody could say which prunings have been done. */
    private static void checkTimes(PrunedNetwork network, PrunedNetwork whole) {
        if (!times(whole.events()).equals(times(network.events()))) {
            throw new IllegalStateException(
                    "The schedule plans other times of pruning for a network of "
                            + whole.weights()
                            + " weights than for one of "
                            + network.weights()
                            + ", which it had before parameters were unfrozen: unfreeze them"
                            + " before the trainer is made, or plan times that do not depend on"
                            + " the number of weights.");
        }
    }

    private static List<String> times(List<PruningEvent> events) {
        return events.stream().map(event -> event.unit() + " " + event.at()).toList();
    }

    /** Brings a parameter that was frozen for some steps to where the others are. */
    static void catchUp(Mirror mirror, long steps, Optimizer optimizer) {
        long missed = steps - mirror.tensor().steps();
        if (missed <= 0) {
            return;
        }
        mirror.tensor().catchUp(steps);
        if (optimizer instanceof OptimizerState stateful) {
            String id = mirror.tensor().info().parameter().getId();
            int updates = stateful.updates(id, mirror.weight());
            if (updates > 0) { // On further devices it has caught up with the first.
                List<float[]> state =
                        stateful.state(id, mirror.weight()).stream()
                                .map(Transfers::floats)
                                .toList();
                stateful.restore(id, state, Math.toIntExact(updates + missed));
            }
        }
    }
}
