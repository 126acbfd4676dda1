package io.flipout.djl;

import ai.djl.ndarray.NDArray;
import ai.djl.training.optimizer.Optimizer;
import io.flipout.djl.training.OptimizerState;
import io.flipout.mask.Mask;
import io.flipout.rewiring.Rewiring;
import io.flipout.rewiring.Rewiring.Wiring;
import io.flipout.signal.Signal;
import io.flipout.tensor.TrainedTensor;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A parameter whose method rewires it, on all its devices, and its wiring when it last left them.
 */
final class RewiredTensor {

    private final Rewiring rewiring;
    private final Mask mask;
    private final long seed;
    private final Map<TrainedTensor, Wired> byTensor = new LinkedHashMap<>();
    private Object snapshot;
    private int stepped;
    private PrunedNetwork network;

    private record Wired(Mirror mirror, Wiring wiring) {}

    RewiredTensor(Rewiring rewiring, Mask mask, long seed) {
        this.rewiring = rewiring;
        this.mask = mask;
        this.seed = seed;
    }

    /** Takes its place in a network. */
    RewiredTensor in(PrunedNetwork network) {
        this.network = network;
        return this;
    }

    /** Whether the next step asks nothing of the wiring. */
    boolean isIdle(Mirror mirror) {
        return of(mirror).isIdle(mirror.tensor().steps());
    }

    private Wiring of(Mirror mirror) {
        return byTensor.computeIfAbsent(mirror.tensor(), tensor -> arrive(mirror)).wiring();
    }

    /** Sees the gradient as it comes from the backward pass. */
    void afterBackward(Mirror mirror, NDArray gradient) {
        of(mirror).afterBackward(gradient);
    }

    void beforeStep(Mirror mirror) {
        byTensor.get(mirror.tensor()).wiring().beforeStep();
    }

    private Wired arrive(Mirror mirror) {
        Wiring wiring = rewiring.wire(mirror.tensor(), mask, seed);
        if (snapshot != null) {
            wiring.restore(snapshot);
        }
        return new Wired(mirror, wiring);
    }

    void afterStep(Mirror mirror) {
        byTensor.get(mirror.tensor()).wiring().afterStep();
    }

    /**
     * Rewires once the step has been taken on all devices: until then the mask stays. What was seen
     * of weights that went is forgotten, as after a pruning.
     */
    void rewire(Mirror mirror, Optimizer optimizer, int devices) {
        if (++stepped < devices) {
            return;
        }
        stepped = 0;
        TrainedTensor tensor = mirror.tensor();
        long step = tensor.steps();
        BitSet disconnected = network.disconnected(tensor.info().path(), step);
        int[] dormant = first().rewire(step, disconnected);
        for (Wired wired : byTensor.values()) {
            wired.wiring().settle(dormant);
            if (dormant.length > 0) {
                wired.mirror().watches().forEach(Signal.Watch::afterPruning);
                if (optimizer instanceof OptimizerState stateful) {
                    forget(stateful, wired.mirror(), dormant);
                }
            }
        }
    }

    private static void forget(OptimizerState optimizer, Mirror mirror, int[] dormant) {
        TrainedTensor tensor = mirror.tensor();
        String id = tensor.info().parameter().getId();
        for (NDArray momentum : optimizer.state(id, mirror.weight())) {
            tensor.clear(momentum, dormant);
        }
    }

    private Wiring first() {
        return byTensor.values().iterator().next().wiring();
    }

    /** Returns the wiring's state; null before the first step. */
    Object snapshot() {
        return byTensor.isEmpty() ? snapshot : first().snapshot();
    }

    /** Continues from a wiring's state, before the next step. */
    void restore(Object before) {
        byTensor.clear();
        snapshot = before;
        stepped = 0;
    }

    /** Takes the wiring off the devices, for a next training of the same network. */
    void leaveDevices() {
        if (!byTensor.isEmpty()) {
            snapshot = first().snapshot();
            byTensor.clear();
            stepped = 0;
        }
    }
}
