package io.flipout.djl;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.training.optimizer.Optimizer;
import io.flipout.adjustment.Adjustment;
import io.flipout.allocation.Allocation;
import io.flipout.allocation.Candidate;
import io.flipout.allocation.Rehearsal;
import io.flipout.criterion.Criterion;
import io.flipout.latent.Reparameterization;
import io.flipout.mask.BlockPaths;
import io.flipout.mask.Mask;
import io.flipout.mask.ParameterInfo;
import io.flipout.report.SparsityReport;
import io.flipout.schedule.Plan;
import io.flipout.schedule.PruningEvent;
import io.flipout.signal.Signal;
import io.flipout.tensor.Transfers;
import java.util.BitSet;
import java.util.Collection;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A network under pruning: its parameters, their masks, and the prunings that are planned. */
final class PrunedNetwork {

    private static final Logger logger = LoggerFactory.getLogger(PrunedNetwork.class);

    private final Block block;
    private final PruningSettings settings;
    private final List<ParameterInfo> parameters;
    private final List<Parameter> frozen;
    private final List<PruningEvent> events;
    private final Candidates candidates;
    private final Map<String, Mask> masks = new LinkedHashMap<>();

    /** By the id of the parameter, in block order. */
    private final Map<String, Mirrors> mirrorsById = new LinkedHashMap<>();

    private final Set<String> emptyLayers = new HashSet<>();
    private DisconnectedWeights disconnected; // null: not asked for yet
    private Map<String, BitSet> foundDisconnected = Map.of();
    private long foundAt = -1;

    PrunedNetwork(Block block, PruningSettings settings) {
        this(block, settings, Map.of());
    }

    /** A network of what trains now, and of what was known of it before. */
    private PrunedNetwork(Block block, PruningSettings settings, Map<String, Mirrors> known) {
        this.block = block;
        this.settings = settings;
        parameters =
                settings.weights()
                        .select(block, p -> p.requiresGradient() || known.containsKey(p.getId()));
        List<Signal> signals = settings.method().signals();
        for (ParameterInfo info : parameters) {
            Mirrors before = known.get(info.parameter().getId());
            Mask mask = info.prunable() ? mask(info, before) : null;
            if (mask != null) {
                masks.put(info.path(), mask);
            }
            // Of latent weights those that are 0 train too, and the mask only tells of them.
            boolean isApplied = settings.method().reparameterization().isEmpty();
            mirrorsById.put(info.parameter().getId(), new Mirrors(info, mask, isApplied, signals));
        }
        frozen =
                BlockPaths.parameters(block).values().stream()
                        .filter(parameter -> !mirrorsById.containsKey(parameter.getId()))
                        .toList();
        events = Plan.of(settings.schedule(), weights());
        candidates = new Candidates(block, parameters);
        candidates.check(settings.allocation(), events);
        if (!events.isEmpty()) {
            GradientMemory.check(settings, masks.values());
        }
        settings.method().rewiring().ifPresent(rewiring -> rewiring.check(events));
        settings.method().reparameterization().ifPresent(this::check);
        settings.method().rewiring().ifPresent(r -> r.check(settings.allocation()));
    }

    private void check(Reparameterization reparameterization) {
        reparameterization.check(events);
        for (ParameterInfo info : parameters) {
            if (info.prunable() && info.unitVectors().isPresent()) {
                throw new IllegalStateException(
                        "The method "
                                + settings.method().name()
                                + " may leave no weight of a vector of "
                                + info.path()
                                + ", and weight normalisation divides by its norm: remove the"
                                + " weight normalisation, or leave the parameter out by "
                                + settings.advice().exclude()
                                + ".");
            }
        }
    }

    private Mask mask(ParameterInfo info, Mirrors before) {
        if (before != null && before.info().prunable()) {
            return before.mask();
        }
        return settings.keepZeros() ? ArrivingZeros.mask(info) : new Mask(info.size());
    }

    Block block() {
        return block;
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

    /** Returns the number of parameters that train now. */
    int trained() {
        int trained = 0;
        for (Mirrors mirrors : mirrorsById.values()) {
            trained += mirrors.isTrained() ? 1 : 0;
        }
        return trained;
    }

    /** Tells whether a parameter is known here. */
    boolean has(ParameterInfo info) {
        return mirrorsById.containsKey(info.parameter().getId());
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
        PrunedNetwork whole = new PrunedNetwork(block, settings, mirrorsById);
        whole.mirrorsById.forEach((id, joined) -> joined.goOn(mirrorsById.get(id), steps));
        whole.emptyLayers.addAll(emptyLayers);
        return whole;
    }

    /** Returns a parameter on one device. */
    Mirror mirror(String parameterId, NDArray weight) {
        Mirrors mirrors = mirrorsById.get(parameterId);
        if (mirrors == null) {
            throw new IllegalStateException(
                    "The optimizer updates a parameter that the pruner's network does not have: a"
                            + " pruner serves one network, and all of its parameters must be there"
                            + " before the first step.");
        }
        return mirrors.at(weight);
    }

    /** Returns all parameters on their devices, in block order. */
    Collection<Mirrors> mirrors() {
        return mirrorsById.values();
    }

    private Mirrors mirrors(ParameterInfo info) {
        return mirrorsById.get(info.parameter().getId());
    }

    List<Signal.Watch> watches(String path) {
        return mirrorsById.values().stream()
                .filter(m -> m.info().path().equals(path) && m.info().prunable())
                .findFirst()
                .map(Mirrors::watches)
                .orElseThrow(
                        () ->
                                new IllegalArgumentException(
                                        "There is no prunable weight '"
                                                + path
                                                + "'; there are "
                                                + masks.keySet()));
    }

    /** Returns the values of the parameters as they train, or as they lie there before that. */
    Map<Parameter, NDArray> values() {
        Map<Parameter, NDArray> values = new LinkedHashMap<>();
        parameters.forEach(info -> values.put(info.parameter(), mirrors(info).values()));
        return values;
    }

    /**
     * Returns the prunable parameters that train, on a device.
     *
     * @param arrays their arrays there
     */
    List<Mirror> latent(Device device, BiFunction<Parameter, Device, NDArray> arrays) {
        return prunable()
                .filter(mirrors -> mirrors.isTrained() && mirrors.info().size() > 0)
                .map(mirrors -> mirrors.at(arrays.apply(mirrors.info().parameter(), device)))
                .toList();
    }

    /** Lets masks tell which weights are 0. */
    void readMasks(Predicate<ParameterInfo> isLatent) {
        prunable()
                .filter(mirrors -> isLatent.test(mirrors.info()))
                .forEach(mirrors -> mirrors.mask().read(Transfers.floats(mirrors.values())));
    }

    /** Makes sure that what trains can be shown data: the network's own arrays, not copies. */
    void checkTrainsInPlace() {
        for (Mirrors mirrors : mirrorsById.values()) {
            if (mirrors.trainsElsewhere()) {
                throw new IllegalStateException(
                        "The network lies on "
                                + mirrors.info().parameter().getArray().getDevice()
                                + " and trains elsewhere, where its running statistics cannot be"
                                + " reached: make its model on the device that trains.");
            }
        }
    }

    /** Shows the signals of a parameter its gradient on its own device. */
    void showGradient(ParameterInfo info, NDArray gradient) {
        mirrors(info).showGradient(gradient);
    }

    /** Takes what was seen off the devices, for a next training of the same network. */
    void leaveDevices() {
        mirrorsById.values().forEach(Mirrors::leaveDevices);
    }

    /** The same between the first pass and its step, when further devices have copies. */
    void leaveOwnDevice() {
        mirrorsById.values().forEach(Mirrors::leaveOwnDevice);
    }

    /** Prunes what the event asks for, on all devices, and goes back where that is asked for. */
    void prune(PruningEvent event, long seed, Optimizer optimizer, Optional<RewindPoint> rewind) {
        Criterion criterion = settings.method().criterion();
        mirrorsById.values().forEach(Mirrors::beforePruning);
        foundAt = -1; // Rewinding may lead to the same step again.
        if (event.isByThreshold() || event.keep() < remaining()) {
            List<Mirrors> pruned = prunable().filter(Mirrors::isTrained).toList();
            List<Candidate> scored =
                    pruned.stream().map(mirrors -> candidate(mirrors, criterion, seed)).toList();
            rankDisconnectedLowest(scored);
            if (event.isByThreshold()) {
                scored.forEach(candidate -> candidate.pruneBelow(event.threshold()));
            } else {
                Allocation allocation = settings.allocation();
                long keep = keepBesideFrozen(event.keep());
                allocation.prune(scored, keep);
                Rehearsal.check(allocation, scored, keep);
            }
            for (Mirrors mirrors : pruned) {
                WeightNormalisation.check(mirrors.info(), mirrors.mask(), settings.advice());
            }
            warnOfEmptyLayers(scored);
            settings.method().adjustment().ifPresent(by -> adjust(pruned, by, seed));
        }
        rewind.ifPresent(point -> goBack(point, optimizer));
        prunable().forEach(mirrors -> mirrors.applyMask(optimizer));
    }

    /** Where the method prunes what is disconnected first. */
    private void rankDisconnectedLowest(List<Candidate> scored) {
        Map<String, BitSet> all = disconnected();
        for (Candidate candidate : scored) {
            all.getOrDefault(candidate.path(), new BitSet()).stream()
                    .forEach(i -> candidate.scores()[i] = Double.NEGATIVE_INFINITY);
        }
    }

    private Map<String, BitSet> disconnected() {
        if (!settings.method().prunesDisconnectedFirst()) {
            return Map.of();
        }
        if (disconnected == null) {
            disconnected = new DisconnectedWeights(block, parameters);
        }
        return disconnected.find(masks);
    }

    /**
     * Returns the weights of a tensor that were disconnected when a step first asked for any, where
     * the method prunes them first.
     */
    BitSet disconnected(String path, long step) {
        if (step != foundAt) {
            foundDisconnected = disconnected();
            foundAt = step;
        }
        return foundDisconnected.getOrDefault(path, new BitSet());
    }

    /** Lets what stays make up for what goes; nothing moves before all is computed. */
    private static void adjust(List<Mirrors> pruned, Adjustment adjustment, long seed) {
        Map<Mirrors, float[]> adjusted = new LinkedHashMap<>();
        pruned.forEach(mirrors -> adjusted.put(mirrors, mirrors.adjusted(adjustment, seed)));
        adjusted.forEach(Mirrors::set);
    }

    private Stream<Mirrors> prunable() {
        return mirrorsById.values().stream().filter(mirrors -> mirrors.info().prunable());
    }

    private Candidate candidate(Mirrors mirrors, Criterion criterion, long seed) {
        double[] scores = mirrors.score(criterion, seed);
        WeightNormalisation.keepTheBest(mirrors.info(), scores, mirrors.mask());
        return candidates.of(mirrors.info(), scores, mirrors.mask());
    }

    /** Returns how many weights are left for those that train: what is frozen keeps its own. */
    private long keepBesideFrozen(long keep) {
        long kept =
                prunable()
                        .filter(mirrors -> !mirrors.isTrained())
                        .mapToLong(mirrors -> mirrors.mask().remaining())
                        .sum();
        if (kept > 0 && kept >= keep) {
            throw new IllegalStateException(
                    "The parameters that are frozen have "
                            + kept
                            + " weights, and "
                            + keep
                            + " are to be left of the whole network: freeze them after the last"
                            + " pruning, prune less, or leave them out by "
                            + settings.advice().exclude()
                            + ".");
        }
        return keep - kept;
    }

    /** Says once of each layer that nothing is left of it. */
    private void warnOfEmptyLayers(List<Candidate> scored) {
        List<String> empty =
                scored.stream()
                        .filter(candidate -> candidate.mask().remaining() == 0)
                        .map(Candidate::path)
                        .filter(emptyLayers::add)
                        .toList();
        if (!empty.isEmpty()) {
            logger.warn(
                    "No weight is left in {}, which cuts the signal: give every layer a floor ({})"
                            + " or lower the sparsity.",
                    String.join(", ", empty),
                    settings.advice().layerFloor());
        }
    }

    /** Sets everything back; what is pruned is masked afterwards. */
    private void goBack(RewindPoint point, Optimizer optimizer) {
        mirrorsById.values().forEach(mirrors -> mirrors.goBack(point, optimizer));
        point.restoreStatistics();
    }
}
