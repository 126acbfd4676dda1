package io.flipout.djl;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.training.optimizer.Optimizer;
import io.flipout.allocation.Allocation;
import io.flipout.allocation.Candidate;
import io.flipout.criterion.Criterion;
import io.flipout.criterion.TensorView;
import io.flipout.djl.checkpoint.SafeTensors;
import io.flipout.djl.checkpoint.Snapshots;
import io.flipout.djl.training.OptimizerState;
import io.flipout.mask.Mask;
import io.flipout.mask.ParameterInfo;
import io.flipout.mask.WeightSelector;
import io.flipout.report.SparsityReport;
import io.flipout.schedule.PruningEvent;
import io.flipout.schedule.Schedule;
import io.flipout.signal.Signal;
import io.flipout.tensor.TrainedTensor;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A network under pruning: its parameters, their masks, and what is watched on every device. */
final class PrunedNetwork {

    private static final Logger logger = LoggerFactory.getLogger(PrunedNetwork.class);

    private static final String MASK = "mask/";
    private static final String STEPS = "steps/";
    private static final String SIGNALS = "signals/";
    private static final String OPTIMIZER = "optimizer/";
    private static final String UPDATES = "updates/";

    private final Block block;
    private final List<ParameterInfo> parameters;
    private final List<PruningEvent> events;
    private final Allocation allocation;
    private final List<Signal> signals;
    private final Map<String, Mask> masks = new LinkedHashMap<>();
    private final Map<String, Mirrors> mirrorsById = new HashMap<>();
    private final Set<String> emptyLayers = new HashSet<>();

    /** A parameter on one device. */
    record Mirror(NDArray weight, TrainedTensor tensor, List<Signal.Watch> watches) {}

    /** A parameter on all its devices, and what was seen of it when it last left them. */
    private static final class Mirrors {

        final ParameterInfo info;
        final Map<String, Mirror> byArray = new LinkedHashMap<>();
        List<Object> snapshots = List.of();
        long steps;

        Mirrors(ParameterInfo info) {
            this.info = info;
        }
    }

    PrunedNetwork(
            Block block,
            WeightSelector selector,
            Schedule schedule,
            Allocation allocation,
            List<Signal> signals) {
        this.block = block;
        this.allocation = allocation;
        this.signals = signals;
        parameters = selector.select(block);
        for (ParameterInfo info : parameters) {
            mirrorsById.put(info.parameter().getId(), new Mirrors(info));
            if (info.prunable()) {
                masks.put(info.path(), new Mask(info.size()));
            }
        }
        events = schedule.events(weights());
        List<ParameterInfo> prunable = parameters.stream().filter(ParameterInfo::prunable).toList();
        List<Shape> shapes = prunable.stream().map(ParameterInfo::shape).toList();
        int[] filters = prunable.stream().mapToInt(this::filters).toArray();
        if (events.stream().anyMatch(PruningEvent::isByThreshold)) {
            allocation.checkThreshold();
        }
        // Where the pruning that keeps the fewest can go, all can.
        events.stream()
                .filter(event -> !event.isByThreshold())
                .mapToLong(PruningEvent::keep)
                .min()
                .ifPresent(keep -> allocation.check(shapes, filters, keep));
    }

    /** Returns the number of filters that can be done without: not of those of the output layer. */
    private int filters(ParameterInfo info) {
        boolean isOutput =
                parameters.stream()
                        .skip(info.index() + 1)
                        .noneMatch(later -> later.shape().dimension() > 1);
        return isOutput ? 1 : Math.toIntExact(info.shape().get(0));
    }

    List<ParameterInfo> parameters() {
        return parameters;
    }

    Map<String, Mask> masks() {
        return Collections.unmodifiableMap(masks);
    }

    List<PruningEvent> events() {
        return events;
    }

    long weights() {
        return masks.values().stream().mapToLong(Mask::size).sum();
    }

    long remaining() {
        return masks.values().stream().mapToLong(Mask::remaining).sum();
    }

    SparsityReport report() {
        return SparsityReport.of(block, parameters, masks);
    }

    List<Signal.Watch> watches(String path) {
        return mirrorsById.values().stream()
                .filter(m -> m.info.path().equals(path) && m.info.prunable())
                .findFirst()
                .map(m -> m.byArray.isEmpty() ? List.<Signal.Watch>of() : first(m).watches())
                .orElseThrow(
                        () ->
                                new IllegalArgumentException(
                                        "There is no prunable weight '"
                                                + path
                                                + "'; there are "
                                                + masks.keySet()));
    }

    /** Returns a parameter on one device; DJL uses the same array for it in every step. */
    Mirror mirror(String parameterId, NDArray weight) {
        Mirrors mirrors = mirrorsById.get(parameterId);
        if (mirrors == null) {
            throw new IllegalStateException(
                    "The optimizer updates a parameter that the pruner's network does not have: a"
                            + " pruner serves one network.");
        }
        return mirrors.byArray.computeIfAbsent(weight.getUid(), uid -> arrive(mirrors, weight));
    }

    private Mirror arrive(Mirrors mirrors, NDArray weight) {
        ParameterInfo info = mirrors.info;
        TrainedTensor tensor =
                new TrainedTensor(info, weight, masks.get(info.path()), mirrors.steps);
        tensor.applyMask(tensor.values()); // What was pruned before training was so on one device.
        List<Signal.Watch> watches = new ArrayList<>();
        if (info.prunable()) {
            for (int i = 0; i < signals.size(); i++) {
                Signal.Watch watch = signals.get(i).watch(tensor);
                if (!mirrors.snapshots.isEmpty()) {
                    watch.restore(mirrors.snapshots.get(i));
                }
                watches.add(watch);
            }
        }
        return new Mirror(weight, tensor, watches);
    }

    /** Makes sure that what trains can be shown data: the network's own arrays, not copies. */
    void checkTrainsInPlace() {
        for (ParameterInfo info : parameters) {
            NDArray own = info.parameter().getArray();
            Map<String, Mirror> mirrors = mirrorsById.get(info.parameter().getId()).byArray;
            if (!mirrors.isEmpty() && !mirrors.containsKey(own.getUid())) {
                throw new IllegalStateException(
                        "The network lies on "
                                + own.getDevice()
                                + " and trains elsewhere, where its running statistics cannot be"
                                + " reached: make its model on the device that trains.");
            }
        }
    }

    /** Shows the signals of a parameter its gradient on its own device. */
    void showGradient(ParameterInfo info, NDArray gradient) {
        Mirror mirror = mirror(info.parameter().getId(), info.parameter().getArray());
        mirror.watches().forEach(watch -> watch.afterBackward(gradient));
    }

    /** Takes what was seen off the devices, for a next training of the same network. */
    void leaveDevices() {
        for (Mirrors mirrors : mirrorsById.values()) {
            if (!mirrors.byArray.isEmpty()) {
                Mirror first = first(mirrors);
                mirrors.snapshots = first.watches().stream().map(Signal.Watch::snapshot).toList();
                mirrors.steps = first.tensor().steps();
                mirrors.byArray.values().forEach(mirror -> mirror.tensor().close());
                mirrors.byArray.clear();
            }
        }
    }

    /** Adds masks, steps and what was seen to arrays. */
    void save(Map<String, Object> arrays) {
        for (ParameterInfo info : parameters) {
            Mirrors mirrors = mirrorsById.get(info.parameter().getId());
            boolean isTraining = !mirrors.byArray.isEmpty();
            long taken = isTraining ? first(mirrors).tensor().steps() : mirrors.steps;
            arrays.put(STEPS + info.path(), new long[] {taken});
            if (info.prunable()) {
                arrays.put(MASK + info.path(), masks.get(info.path()).toBits());
                List<Object> seen =
                        isTraining
                                ? first(mirrors).watches().stream()
                                        .map(Signal.Watch::snapshot)
                                        .toList()
                                : mirrors.snapshots;
                Snapshots.put(arrays, SIGNALS + info.path(), seen);
            }
        }
    }

    /** Adds what the optimizer keeps of every parameter to arrays. */
    void saveOptimizer(OptimizerState optimizer, Map<String, Object> arrays) {
        for (ParameterInfo info : parameters) {
            String id = info.parameter().getId();
            Mirrors mirrors = mirrorsById.get(id);
            NDArray weight =
                    mirrors.byArray.isEmpty()
                            ? info.parameter().getArray()
                            : first(mirrors).weight();
            arrays.put(
                    UPDATES + info.path(),
                    new long[] {optimizer.updates(id, weight), optimizer.clearedAt(id, weight)});
            List<float[]> state =
                    optimizer.state(id, weight).stream().map(NDArray::toFloatArray).toList();
            Snapshots.put(arrays, OPTIMIZER + info.path(), state);
        }
    }

    /** Lets the optimizer continue from what it kept. */
    void loadOptimizer(OptimizerState optimizer, SafeTensors file) throws IOException {
        for (ParameterInfo info : parameters) {
            List<float[]> state =
                    ((List<?>) Snapshots.get(file, OPTIMIZER + info.path(), info.size()))
                            .stream().map(float[].class::cast).toList();
            long[] updates = file.longs(UPDATES + info.path(), 2);
            int clearedAt = updates.length < 2 ? 0 : Math.toIntExact(updates[1]);
            optimizer.restore(
                    info.parameter().getId(), state, Math.toIntExact(updates[0]), clearedAt);
        }
    }

    /** Continues from masks, steps and what was seen. */
    void load(SafeTensors file) throws IOException {
        leaveDevices();
        for (ParameterInfo info : parameters) {
            Mirrors mirrors = mirrorsById.get(info.parameter().getId());
            mirrors.steps = file.longs(STEPS + info.path(), 1)[0];
            if (info.prunable()) {
                masks.get(info.path()).setBits(file.bytes(MASK + info.path(), info.size()));
                mirrors.snapshots =
                        List.copyOf(
                                (List<?>) Snapshots.get(file, SIGNALS + info.path(), info.size()));
            }
        }
    }

    /** Prunes what the event asks for, on all devices, and goes back where that is asked for. */
    void prune(
            Criterion criterion,
            PruningEvent event,
            long seed,
            Optimizer optimizer,
            Optional<RewindPoint> rewind) {
        List<Candidate> candidates = new ArrayList<>();
        for (ParameterInfo info : parameters) {
            if (info.prunable()) {
                candidates.add(candidate(info, criterion, seed));
            }
        }
        if (event.isByThreshold()) {
            candidates.forEach(candidate -> candidate.pruneBelow(event.threshold()));
        } else {
            allocation.prune(candidates, event.keep());
        }
        warnOfEmptyLayers(candidates);
        rewind.ifPresent(point -> goBack(point, optimizer));
        for (ParameterInfo info : parameters) {
            if (info.prunable()) {
                apply(info, optimizer);
            }
        }
    }

    /** Returns the values of a parameter as they train, or as they lie there before that. */
    NDArray values(ParameterInfo info) {
        Mirrors mirrors = mirrorsById.get(info.parameter().getId());
        return mirrors.byArray.isEmpty()
                ? info.parameter().getArray()
                : first(mirrors).tensor().values();
    }

    /** Sets everything back, on all devices; what is pruned is masked afterwards. */
    private void goBack(RewindPoint point, Optimizer optimizer) {
        for (ParameterInfo info : parameters) {
            String id = info.parameter().getId();
            for (Mirror mirror : mirrorsById.get(id).byArray.values()) {
                point.restore(info.parameter(), mirror.tensor().values());
                if (optimizer instanceof OptimizerState stateful) {
                    stateful.clear(id, mirror.weight());
                }
            }
        }
        point.restoreStatistics();
    }

    /** Says once of each layer that nothing is left of it. */
    private void warnOfEmptyLayers(List<Candidate> candidates) {
        List<String> empty =
                candidates.stream()
                        .filter(candidate -> candidate.mask().remaining() == 0)
                        .map(Candidate::path)
                        .filter(emptyLayers::add)
                        .toList();
        if (!empty.isEmpty()) {
            logger.warn(
                    "No weight is left in {}, which cuts the signal: give every layer a floor"
                            + " (Allocation.global().withFloor(n), --layer-floor) or lower the"
                            + " sparsity.",
                    String.join(", ", empty));
        }
    }

    private Candidate candidate(ParameterInfo info, Criterion criterion, long seed) {
        // A parameter that was never updated, as before the first step, has no mirror yet.
        Mirrors mirrors = mirrorsById.get(info.parameter().getId());
        if (mirrors.byArray.isEmpty()) {
            mirror(info.parameter().getId(), info.parameter().getArray());
        }
        Mirror mirror = first(mirrors);
        Mask mask = masks.get(info.path());
        mirrors.byArray
                .values()
                .forEach(each -> each.watches().forEach(watch -> watch.beforePruning(mask)));
        float[] weights = mirror.tensor().values().toFloatArray();
        TensorView view = new TensorView(info, weights, mask, mirror.watches(), seed);
        return new Candidate(
                info.path(), criterion.score(view), mask, filters(info), info.shape());
    }

    private void apply(ParameterInfo info, Optimizer optimizer) {
        String id = info.parameter().getId();
        for (Mirror mirror : mirrorsById.get(id).byArray.values()) {
            mirror.tensor().applyMask(mirror.tensor().values());
            if (optimizer instanceof OptimizerState stateful) {
                stateful.state(id, mirror.weight()).forEach(mirror.tensor()::applyMask);
            }
            mirror.watches().forEach(Signal.Watch::afterPruning);
        }
    }

    private static Mirror first(Mirrors mirrors) {
        return mirrors.byArray.values().iterator().next();
    }
}
