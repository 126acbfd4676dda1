package io.flipout.djl;

import ai.djl.ndarray.NDArray;
import ai.djl.training.optimizer.Optimizer;
import io.flipout.adjustment.Adjustment;
import io.flipout.criterion.Criterion;
import io.flipout.criterion.TensorView;
import io.flipout.djl.training.OptimizerState;
import io.flipout.mask.Mask;
import io.flipout.mask.ParameterInfo;
import io.flipout.signal.Signal;
import io.flipout.tensor.TrainedTensor;
import io.flipout.tensor.Transfers;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A parameter on all its devices, and what was seen of it when it last left them. */
final class Mirrors {

    private final ParameterInfo info;
    private final Mask mask;
    private final boolean isApplied;
    private final List<Signal> signals;
    private final Map<String, Mirror> byArray = new LinkedHashMap<>();
    private List<Object> seen = List.of();
    private long steps;

    /** What was set before the first step, when other devices had their copies already. */
    private float[] early;

    /** Whether what was seen is of a checkpoint that has not been gone on with yet. */
    private boolean isLoaded;

    /**
     * A parameter that is on no device yet.
     *
     * @param mask its mask; null if it is not prunable
     * @param isApplied whether what the mask prunes is kept at 0
     * @param signals what watches it if it is
     */
    Mirrors(ParameterInfo info, Mask mask, boolean isApplied, List<Signal> signals) {
        this.info = info;
        this.mask = mask;
        this.isApplied = isApplied;
        this.signals = signals;
    }

    ParameterInfo info() {
        return info;
    }

    Mask mask() {
        return mask;
    }

    String id() {
        return info.parameter().getId();
    }

    /** Tells whether the parameter trains now. */
    boolean isTrained() {
        return info.parameter().requiresGradient();
    }

    /** Returns the parameter on one device; DJL uses the same array for it in every step. */
    Mirror at(NDArray weight) {
        return byArray.computeIfAbsent(weight.getUid(), uid -> arrive(weight));
    }

    private Mirror arrive(NDArray weight) {
        TrainedTensor tensor = new TrainedTensor(info, weight, isApplied ? mask : null, steps);
        if (early != null && !weight.getUid().equals(own().getUid())) {
            write(early, tensor.values());
        }
        tensor.applyMask(tensor.values()); // What was pruned before training was so on one device.
        List<Signal.Watch> watches = new ArrayList<>();
        if (info.prunable()) {
            for (int i = 0; i < signals.size(); i++) {
                Signal.Watch watch = signals.get(i).watch(tensor);
                if (!seen.isEmpty()) {
                    watch.restore(seen.get(i));
                }
                watches.add(watch);
            }
        }
        return new Mirror(weight, tensor, watches);
    }

    /** Returns the parameter on its first device: before the first step, where it lies. */
    private Mirror first() {
        return byArray.isEmpty() ? at(own()) : byArray.values().iterator().next();
    }

    private NDArray own() {
        return info.parameter().getArray();
    }

    /** Returns the array that trains on the first device, or lies there before that. */
    NDArray weight() {
        return byArray.isEmpty() ? own() : first().weight();
    }

    /** Returns the values as they train, or as they lie there before that. */
    NDArray values() {
        return byArray.isEmpty() ? own() : first().tensor().values();
    }

    long steps() {
        return byArray.isEmpty() ? steps : first().tensor().steps();
    }

    /** Returns a snapshot of each watch; none before the first step. */
    List<Object> seen() {
        return byArray.isEmpty()
                ? seen
                : first().watches().stream().map(Signal.Watch::snapshot).toList();
    }

    /** Returns the watches of the first device; none before the first step. */
    List<Signal.Watch> watches() {
        // What a checkpoint has seen is to be seen where the parameter lies.
        return byArray.isEmpty() && !isLoaded ? List.of() : first().watches();
    }

    /** Tells whether other arrays train than the network's own. */
    boolean trainsElsewhere() {
        return !byArray.isEmpty() && !byArray.containsKey(own().getUid());
    }

    /** Returns how often the optimizer has updated the array that it has updated most. */
    int updates(OptimizerState optimizer) {
        int most = 0;
        for (Mirror mirror : byArray.values()) {
            most = Math.max(most, optimizer.updates(id(), mirror.weight()));
        }
        return most;
    }

    /**
     * Takes the place of what was known of the parameter before.
     *
     * @param known what was known; null for one that joins
     * @param stepsOfOthers how many steps the training has taken
     */
    void goOn(Mirrors known, long stepsOfOthers) {
        steps = stepsOfOthers;
        if (known != null) {
            seen = known.seen();
        }
    }

    /** Continues from a checkpoint. */
    void load(long stepsBefore, List<Object> seenBefore) {
        steps = stepsBefore;
        early = null;
        seen = seenBefore;
        isLoaded = true;
    }

    /** Takes what was seen off the devices, for a next training of the same network. */
    void leaveDevices() {
        early = null;
        if (!byArray.isEmpty()) {
            seen = seen();
            steps = steps();
            byArray.values().forEach(mirror -> mirror.tensor().close());
            byArray.clear();
            isLoaded = false;
        }
    }

    /** As {@link #leaveDevices()}, where further devices have copies of what it was before. */
    void leaveOwnDevice() {
        float[] set = early;
        leaveDevices();
        early = set;
    }

    /** Shows the watches a gradient on the parameter's own device. */
    void showGradient(NDArray gradient) {
        at(own()).watches().forEach(watch -> watch.afterBackward(gradient));
    }

    /** A pruning comes; arrays may have got other memory since the last step. */
    void beforePruning() {
        if (steps() > 0) {
            early = null;
        }
        byArray.values().forEach(mirror -> mirror.tensor().follow(mirror.weight()));
    }

    /** Scores the weights. */
    double[] score(Criterion criterion, long seed) {
        first(); // Before the first step it is on no device yet.
        for (Mirror mirror : byArray.values()) {
            mirror.watches().forEach(watch -> watch.beforePruning(mask));
        }
        return criterion.score(view(seed));
    }

    private TensorView view(long seed) {
        Mirror first = first();
        float[] weights = Transfers.floats(first.tensor().values());
        return new TensorView(info, weights, mask, first.watches(), seed);
    }

    /** Returns what becomes of the weights, the mask of which is that of after the pruning. */
    float[] adjusted(Adjustment adjustment, long seed) {
        float[] weights = adjustment.adjust(view(seed));
        if (weights.length != mask.size()) {
            throw new IllegalStateException(
                    "The adjustment of "
                            + info.path()
                            + " gives "
                            + weights.length
                            + " weights, where there are "
                            + mask.size()
                            + ".");
        }
        return weights;
    }

    /** Sets the weights on all devices; what is pruned is masked afterwards. */
    void set(float[] weights) {
        if (steps() == 0) {
            early = weights;
        }
        byArray.values().forEach(mirror -> write(weights, mirror.tensor().values()));
    }

    private static void write(float[] weights, NDArray target) {
        try (NDArray values = target.getManager().create(weights, target.getShape())) {
            Snapshot.write(values, target);
        }
    }

    /** Sets everything back, on all devices; what is pruned is masked afterwards. */
    void goBack(RewindPoint point, Optimizer optimizer) {
        for (Mirror mirror : byArray.values()) {
            point.restore(info.parameter(), mirror.tensor().values());
            if (optimizer instanceof OptimizerState stateful) {
                stateful.clear(id(), mirror.weight());
            }
        }
    }

    /** Sets what is pruned to 0 on all devices, and its momentum. */
    void applyMask(Optimizer optimizer) {
        for (Mirror mirror : byArray.values()) {
            mirror.tensor().applyMask(mirror.tensor().values());
            if (optimizer instanceof OptimizerState stateful) {
                stateful.state(id(), mirror.weight()).forEach(mirror.tensor()::applyMask);
            }
            mirror.watches().forEach(Signal.Watch::afterPruning);
        }
    }
}
