package io.flipout.djl;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.ParallelBlock;
import ai.djl.nn.Parameter;
import ai.djl.training.optimizer.Optimizer;
import io.flipout.allocation.Allocation;
import io.flipout.allocation.Candidate;
import io.flipout.allocation.Rehearsal;
import io.flipout.criterion.Criterion;
import io.flipout.criterion.TensorView;
import io.flipout.djl.checkpoint.SafeTensors;
import io.flipout.djl.checkpoint.Snapshots;
import io.flipout.djl.training.OptimizerState;
import io.flipout.mask.BlockPaths;
import io.flipout.mask.Mask;
import io.flipout.mask.ParameterInfo;
import io.flipout.mask.UnitVectors;
import io.flipout.mask.WeightSelector;
import io.flipout.report.SparsityReport;
import io.flipout.schedule.Plan;
import io.flipout.schedule.PruningEvent;
import io.flipout.schedule.Schedule;
import io.flipout.signal.Signal;
import io.flipout.tensor.Randoms;
import io.flipout.tensor.TrainedTensor;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
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

    /** The share of zeros, which initialisations hardly draw, above which a network is pruned. */
    private static final double ARRIVES_PRUNED = .01;

    private final Block block;
    private final WeightSelector selector;
    private final Schedule schedule;
    private final boolean keepZeros;
    private final Advice advice;
    private final List<ParameterInfo> parameters;
    private final List<Parameter> frozen;
    private final List<PruningEvent> events;
    private final Allocation allocation;
    private final List<Signal> signals;
    private final Map<String, Mask> masks = new LinkedHashMap<>();
    private final Map<String, Mirrors> mirrorsById = new HashMap<>();
    private final Set<ParameterInfo> outputs;
    private final Set<String> emptyLayers = new HashSet<>();

    /** A parameter on one device. */
    record Mirror(NDArray weight, TrainedTensor tensor, List<Signal.Watch> watches) {}

    /** A parameter on all its devices, and what was seen of it when it last left them. */
    private static final class Mirrors {

        final ParameterInfo info;
        final Map<String, Mirror> byArray = new LinkedHashMap<>();
        List<Object> snapshots = List.of();

        /** Whether the snapshots are those of a checkpoint that has not been gone on with yet. */
        boolean loaded;

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
            List<Signal> signals,
            boolean keepZeros,
            Advice advice) {
        this(
                block,
                selector,
                schedule,
                allocation,
                signals,
                keepZeros,
                advice,
                Parameter::requiresGradient);
    }

    private PrunedNetwork(
            Block block,
            WeightSelector selector,
            Schedule schedule,
            Allocation allocation,
            List<Signal> signals,
            boolean keepZeros,
            Advice advice,
            Predicate<Parameter> takesPart) {
        this.block = block;
        this.selector = selector;
        this.schedule = schedule;
        this.allocation = allocation;
        this.signals = signals;
        this.keepZeros = keepZeros;
        this.advice = advice;
        parameters = selector.select(block, takesPart);
        for (ParameterInfo info : parameters) {
            mirrorsById.put(info.parameter().getId(), new Mirrors(info));
            if (info.prunable()) {
                masks.put(info.path(), keepZeros ? maskOfZeros(info) : new Mask(info.size()));
            }
        }
        frozen =
                BlockPaths.parameters(block).values().stream()
                        .filter(parameter -> !mirrorsById.containsKey(parameter.getId()))
                        .toList();
        outputs = outputs(block);
        events = Plan.of(schedule, weights());
        check();
    }

    private static Mask maskOfZeros(ParameterInfo info) {
        Mask mask = new Mask(info.size());
        float[] values = info.parameter().getArray().toFloatArray();
        for (int i = 0; i < values.length; i++) {
            if (values[i] == 0) {
                mask.prune(i);
            }
        }
        return mask;
    }

    /** Makes sure that what is planned can be done, before it is due. */
    private void check() {
        List<ParameterInfo> prunable = parameters.stream().filter(ParameterInfo::prunable).toList();
        List<Shape> shapes = prunable.stream().map(ParameterInfo::shape).toList();
        int[] filters = prunable.stream().mapToInt(this::filters).toArray();
        if (events.stream().anyMatch(PruningEvent::isByThreshold)) {
            allocation.checkThreshold();
        }
        long[] kept =
                events.stream()
                        .filter(event -> !event.isByThreshold())
                        .mapToLong(PruningEvent::keep)
                        .toArray();
        // Where the pruning that keeps the fewest can go, all can.
        LongStream.of(kept).min().ifPresent(keep -> allocation.check(shapes, filters, keep));
        Rehearsal.of(
                allocation,
                () ->
                        prunable.stream()
                                .map(info -> candidate(info, random(info), new Mask(info.size())))
                                .toList(),
                kept);
    }

    private static double[] random(ParameterInfo info) {
        return Randoms.stream(0, info.index()).doubles(info.size()).toArray();
    }

    /** Returns the number of parameters that train now. */
    int trained() {
        int trained = 0;
        for (ParameterInfo info : parameters) {
            trained += isTrained(info) ? 1 : 0;
        }
        return trained;
    }

    private static boolean isTrained(ParameterInfo info) {
        return info.parameter().requiresGradient();
    }

    /** Tells whether a parameter is known here. */
    boolean has(ParameterInfo info) {
        return mirrorsById.containsKey(info.parameter().getId());
    }

    /** Returns how often the optimizer has updated the parameter that it has updated most. */
    int updates(OptimizerState optimizer) {
        int most = 0;
        for (Mirrors mirrors : mirrorsById.values()) {
            for (Mirror mirror : mirrors.byArray.values()) {
                String id = mirrors.info.parameter().getId();
                most = Math.max(most, optimizer.updates(id, mirror.weight()));
            }
        }
        return most;
    }

    /** Tells whether no other parameters train than are known here. */
    boolean isComplete() {
        for (Parameter parameter : frozen) {
            if (parameter.requiresGradient()) {
                return false;
            }
        }
        return true;
    }

    /**
     * Returns the network with what was frozen when this one was looked at, and is not any more.
     * What was known goes on; what joins is dense, and counts among all.
     */
    PrunedNetwork complete(long steps) {
        PrunedNetwork whole =
                new PrunedNetwork(
                        block,
                        selector,
                        schedule,
                        allocation,
                        signals,
                        keepZeros,
                        advice,
                        parameter ->
                                parameter.requiresGradient()
                                        || mirrorsById.containsKey(parameter.getId()));
        if (!times(whole.events).equals(times(events))) {
            throw new IllegalStateException(
                    "The schedule plans other times of pruning for a network of "
                            + whole.weights()
                            + " weights than for one of "
                            + weights()
                            + ", which it had before parameters were unfrozen: unfreeze them"
                            + " before the trainer is made, or plan times that do not depend on"
                            + " the number of weights.");
        }
        for (Mirrors joined : whole.mirrorsById.values()) {
            joined.steps = steps;
            Mirrors known = mirrorsById.get(joined.info.parameter().getId());
            if (known != null) {
                joined.snapshots = known.snapshots;
            }
        }
        masks.forEach(whole.masks::replace);
        whole.emptyLayers.addAll(emptyLayers);
        return whole;
    }

    private static List<String> times(List<PruningEvent> events) {
        return events.stream().map(event -> event.unit() + " " + event.at()).toList();
    }

    /**
     * Returns the number of filters that can be done without: none of an output layer, nor of
     * layers whose parts are no filters.
     */
    private int filters(ParameterInfo info) {
        return switch (info.role().kind()) {
            case EMBEDDING, RECURRENT_WEIGHT -> 1;
            default -> outputs.contains(info) ? 1 : info.connections().outputs();
        };
    }

    /** Returns the weights that make a block's outputs: its last, or those of each branch. */
    private Set<ParameterInfo> outputs(Block part) {
        Set<ParameterInfo> found = new HashSet<>();
        List<Block> children = new ArrayList<>(part.getChildren().values());
        Collections.reverse(children);
        for (Block child : children) {
            found.addAll(outputs(child));
            if (!found.isEmpty() && !(part instanceof ParallelBlock)) {
                return found;
            }
        }
        if (found.isEmpty()) {
            part.getDirectParameters().values().stream()
                    .map(parameter -> mirrorsById.get(parameter.getId()))
                    .filter(mirrors -> mirrors != null && mirrors.info.role().kind().isWeight())
                    .reduce((earlier, later) -> later)
                    .ifPresent(last -> found.add(last.info));
        }
        return found;
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
                .map(this::watches)
                .orElseThrow(
                        () ->
                                new IllegalArgumentException(
                                        "There is no prunable weight '"
                                                + path
                                                + "'; there are "
                                                + masks.keySet()));
    }

    private List<Signal.Watch> watches(Mirrors mirrors) {
        if (!mirrors.byArray.isEmpty()) {
            return first(mirrors).watches();
        }
        return mirrors.loaded // What was seen before is to be seen where it lies.
                ? mirror(mirrors.info.parameter().getId(), mirrors.info.parameter().getArray())
                        .watches()
                : List.of();
    }

    /** Returns a parameter on one device; DJL uses the same array for it in every step. */
    Mirror mirror(String parameterId, NDArray weight) {
        Mirrors mirrors = mirrorsById.get(parameterId);
        if (mirrors == null) {
            throw new IllegalStateException(
                    "The optimizer updates a parameter that the pruner's network does not have: a"
                            + " pruner serves one network, and all of its parameters must be there"
                            + " before the first step.");
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
                mirrors.loaded = false;
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
                mirrors.loaded = true;
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
        List<ParameterInfo> pruned =
                parameters.stream().filter(info -> info.prunable() && isTrained(info)).toList();
        for (Mirrors mirrors : mirrorsById.values()) {
            mirrors.byArray.values().forEach(mirror -> mirror.tensor().follow(mirror.weight()));
        }
        if (event.isByThreshold() || event.keep() < remaining()) {
            List<Candidate> candidates = new ArrayList<>();
            pruned.forEach(info -> candidates.add(candidate(info, criterion, seed)));
            if (event.isByThreshold()) {
                candidates.forEach(candidate -> candidate.pruneBelow(event.threshold()));
            } else {
                long keep = keepBesideFrozen(event.keep());
                allocation.prune(candidates, keep);
                Rehearsal.check(allocation, candidates, keep);
            }
            pruned.forEach(this::checkVectors);
            warnOfEmptyLayers(candidates);
        }
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
                    "No weight is left in {}, which cuts the signal: give every layer a floor ({})"
                            + " or lower the sparsity.",
                    String.join(", ", empty),
                    advice.layerFloor());
        }
    }

    /** Returns how many weights are left for those that train: what is frozen keeps its own. */
    private long keepBesideFrozen(long keep) {
        long kept =
                parameters.stream()
                        .filter(info -> info.prunable() && !isTrained(info))
                        .mapToLong(info -> masks.get(info.path()).remaining())
                        .sum();
        if (kept > 0 && kept >= keep) {
            throw new IllegalStateException(
                    "The parameters that are frozen have "
                            + kept
                            + " weights, and "
                            + keep
                            + " are to be left of the whole network: freeze them after the last"
                            + " pruning, prune less, or leave them out by "
                            + advice.exclude()
                            + ".");
        }
        return keep - kept;
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
        double[] scores = criterion.score(view);
        info.unitVectors().ifPresent(vectors -> keepTheBest(vectors, scores, mask));
        return candidate(info, scores, mask);
    }

    private Candidate candidate(ParameterInfo info, double[] scores, Mask mask) {
        int filters = filters(info);
        return new Candidate(
                info.path(),
                scores,
                mask,
                filters,
                filters == 1 ? index -> 0 : info.connections()::output,
                info.shape(),
                inputAxis(info));
    }

    /** Returns the axis along which the inputs of a layer lie; −1 where there are none. */
    private static int inputAxis(ParameterInfo info) {
        int rank = info.shape().dimension();
        return rank < 2
                ? -1
                : switch (info.role().kind()) {
                    case WEIGHT, RECURRENT_WEIGHT -> 1;
                    case TRANSPOSED_WEIGHT -> 0;
                    case WEIGHT_COLLECTION -> rank - 2;
                    default -> -1;
                };
    }

    /** Weight normalisation divides by the norm of a vector: its best weight goes last of all. */
    private static void keepTheBest(UnitVectors vectors, double[] scores, Mask mask) {
        int[] best = new int[vectors.count()];
        Arrays.fill(best, -1);
        for (int i = 0; i < scores.length; i++) {
            int vector = vectors.of(i);
            if (mask.isAlive(i) && (best[vector] < 0 || scores[i] > scores[best[vector]])) {
                best[vector] = i;
            }
        }
        IntStream.of(best).filter(i -> i >= 0).forEach(i -> scores[i] = Double.POSITIVE_INFINITY);
    }

    private void checkVectors(ParameterInfo info) {
        if (info.unitVectors().isEmpty()) {
            return;
        }
        UnitVectors vectors = info.unitVectors().get();
        Mask mask = masks.get(info.path());
        boolean[] live = new boolean[vectors.count()];
        IntStream.range(0, mask.size())
                .filter(mask::isAlive)
                .forEach(i -> live[vectors.of(i)] = true);
        for (int vector = 0; vector < live.length; vector++) {
            if (!live[vector]) {
                throw new IllegalStateException(
                        "Of vector "
                                + vector
                                + " of "
                                + info.path()
                                + " no weight would be left, and weight normalisation divides by"
                                + " its norm, 0, which makes all of NaN: prune less, remove the"
                                + " weight normalisation, or leave the parameter out by "
                                + advice.exclude()
                                + ".");
            }
        }
    }

    /** Tells of a network that comes pruned and is to be trained as if it were not. */
    void warnOfZeros() {
        if (keepZeros) {
            return;
        }
        long zeros = 0;
        for (ParameterInfo info : parameters) {
            if (info.prunable()) {
                Mask pruned = masks.get(info.path());
                Mask values = maskOfZeros(info);
                // A tensor of zeros alone is one that is initialised so.
                zeros += values.remaining() == 0 ? 0 : pruned.remaining() - values.remaining();
            }
        }
        if (zeros > weights() * ARRIVES_PRUNED) {
            logger.warn(
                    "{} of {} weights are exactly 0, as in a network that is pruned already, and"
                            + " training brings them back: {} keeps them 0.",
                    zeros,
                    weights(),
                    advice.keepZeros());
        }
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
