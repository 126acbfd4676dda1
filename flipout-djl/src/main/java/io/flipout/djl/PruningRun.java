package io.flipout.djl;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.nn.Block;
import ai.djl.training.Trainer;
import ai.djl.training.optimizer.Optimizer;
import ai.djl.translate.TranslateException;
import io.flipout.allocation.Allocation;
import io.flipout.djl.GradientPath.Part;
import io.flipout.djl.checkpoint.CheckpointException;
import io.flipout.djl.checkpoint.SafeTensors;
import io.flipout.djl.checkpoint.Snapshots;
import io.flipout.djl.training.InitialWeights;
import io.flipout.djl.training.OptimizerState;
import io.flipout.djl.training.ParameterGradient;
import io.flipout.gradient.GradientTerm;
import io.flipout.mask.ParameterInfo;
import io.flipout.mask.WeightSelector;
import io.flipout.method.PruningMethod;
import io.flipout.rewiring.Rewiring;
import io.flipout.schedule.PruningEvent;
import io.flipout.schedule.PruningEvent.Unit;
import io.flipout.schedule.Schedule;
import io.flipout.tensor.TrainedTensor;
import io.flipout.tensor.Update;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A training under pruning, and the clock that says when weights are pruned. */
final class PruningRun {

    private static final Logger logger = LoggerFactory.getLogger(PruningRun.class);

    private static final String METHOD = "method";
    private static final String OPTIMIZER = "optimizer";
    private static final String SCHEDULE = "schedule";
    private static final String SEED = "seed";
    private static final String CLOCK = "clock";
    private static final String WIRING = "wiring/";

    private final PruningMethod method;
    private final Schedule schedule;
    private final Allocation allocation;
    private final WeightSelector selector;
    private final long seed;
    private final Optional<GradientPass> examples;
    private final Optional<RewindPoint> rewind;
    private final boolean keepZeros;
    private final Advice advice;

    private Optimizer optimizer;
    private Attachment attachment;
    private Block block;
    private int devices = 1;
    private PrunedNetwork network;
    private List<GradientTerm.Running> terms = List.of();
    private GradientPath path;

    /** By the path of the parameter, where the method rewires. */
    private final Map<String, RewiredTensor> rewired = new HashMap<>();

    /** What was updated in the step that goes on; updated again, the next has begun. */
    private final Set<TrainedTensor> updated = Collections.newSetFromMap(new IdentityHashMap<>());

    private int nextEvent;
    private long epochs;
    private long steps;
    private long batches;
    private boolean isAnnounced;
    private int updatesOfStep;
    private long savedAfter = -1;
    private boolean isStateWarned;

    /** Stays true when a pruning fails, and ends the training. */
    private boolean isPruning;

    PruningRun(
            PruningMethod method,
            Schedule schedule,
            Allocation allocation,
            WeightSelector selector,
            long seed,
            Optional<GradientPass> examples,
            boolean keepZeros,
            Advice advice) {
        this.method = method;
        this.schedule = schedule;
        this.allocation = allocation;
        this.selector = selector;
        this.seed = seed;
        this.examples = examples;
        this.keepZeros = keepZeros;
        this.advice = advice;
        rewind = method.rewind().map(RewindPoint::new);
    }

    void optimizeWith(Optimizer base) {
        optimizer = base;
    }

    int prunings() {
        return nextEvent;
    }

    /** Returns the share of the prunable weights that is pruned; 0 before the first step. */
    double sparsity() {
        return network == null ? 0 : 1 - (double) network.remaining() / network.weights();
    }

    /** A trainer has been made; its parameters may not be initialised yet. */
    void begin(Trainer trainer) {
        Block trained = trainer.getModel().getBlock();
        if (block != null && block != trained) {
            throw new IllegalStateException(
                    "A pruner serves one network, and this one has another already: build a"
                            + " pruner for each.");
        }
        Attachment next = Attachment.to(trainer, attachment, optimizer != null);
        leave();
        attachment = next;
        block = trained;
        devices = trainer.getDevices().length;
        batches = steps;
        rewind.ifPresent(point -> point.begin(trained));
    }

    /** The network, looked at when it is first needed: by then its parameters exist. */
    PrunedNetwork network() {
        if (network == null) {
            if (block == null) {
                throw notListening();
            }
            PrunedNetwork looked =
                    new PrunedNetwork(
                            block,
                            selector,
                            schedule,
                            allocation,
                            method.signals(),
                            keepZeros,
                            advice);
            method.rewiring().ifPresent(rewiring -> rewiring.check(looked.events()));
            method.rewiring().ifPresent(rewiring -> rewiring.check(allocation));
            network = looked;
        }
        return network;
    }

    private static IllegalStateException notListening() {
        return new IllegalStateException(
                "The pruner knows no network: add pruner.listener() to the training configuration,"
                        + " addTrainingListeners(pruner.listener()), before the trainer is made, or"
                        + " call pruner.attach(config, optimizer).");
    }

    /** Updates one parameter on one device. */
    void update(String parameterId, NDArray weight, NDArray gradient, Optimizer base) {
        ParameterGradient update = new ParameterGradient(parameterId, weight, gradient);
        Part part = part(update, false, base);
        path().take(List.of(part), terms, base, devices);
        if (updated.size() == updatesOfStep) {
            endStep();
        }
    }

    /** Takes a whole step. */
    void step(List<ParameterGradient> step, Optimizer base) {
        if (!updated.isEmpty()) {
            endStep(); // Somebody has updated parameters apart from the trainer.
        }
        Map<Device, List<Part>> byDevice = new LinkedHashMap<>();
        for (ParameterGradient update : step) {
            byDevice.computeIfAbsent(update.weight().getDevice(), d -> new ArrayList<>())
                    .add(part(update, true, base));
        }
        for (List<Part> parts : byDevice.values()) {
            parts.sort(Comparator.comparingInt(part -> part.tensor().info().index()));
            path().take(parts, terms, base, devices);
        }
        endStep();
    }

    private Part part(ParameterGradient update, boolean isOwn, Optimizer base) {
        PrunedNetwork.Mirror mirror = arrive(update.id(), update.weight(), base);
        Update moved = Update.of(mirror.tensor(), mirror.weight(), update.gradient());
        return new Part(mirror, moved, isOwn, wiring(mirror.tensor().info()));
    }

    private GradientPath path() {
        if (path == null) {
            path = new GradientPath(method.signals());
        }
        return path;
    }

    /** Finds the parameter of an update, and out which step it belongs to. */
    private PrunedNetwork.Mirror arrive(String parameterId, NDArray weight, Optimizer base) {
        if (attachment == null) {
            throw notListening();
        }
        attachment.countUpdate();
        optimizer = base;
        if (updated.isEmpty()) {
            beginStep(weight);
        }
        PrunedNetwork.Mirror mirror = network.mirror(parameterId, weight);
        if (!updated.add(mirror.tensor())) {
            endStep(); // Some parameter took no part in that step.
            beginStep(weight);
            mirror = network.mirror(parameterId, weight);
            updated.add(mirror.tensor());
        }
        if (mirror.tensor().steps() < steps) {
            catchUp(parameterId, mirror);
        }
        return mirror;
    }

    /** A parameter was frozen for some steps, whose learning rates it has missed. */
    private void catchUp(String parameterId, PrunedNetwork.Mirror mirror) {
        long missed = steps - mirror.tensor().steps();
        mirror.tensor().catchUp(steps);
        if (optimizer instanceof OptimizerState stateful) {
            int updates = stateful.updates(parameterId, mirror.weight());
            if (updates > 0) { // On further devices it has caught up with the first.
                List<float[]> state =
                        stateful.state(parameterId, mirror.weight()).stream()
                                .map(NDArray::toFloatArray)
                                .toList();
                stateful.restore(parameterId, state, Math.toIntExact(updates + missed));
            }
        }
    }

    private void beginStep(NDArray weight) {
        if (!isAnnounced) {
            announceStep(); // The training's loop does not tell of batches.
        }
        takeIn();
        updatesOfStep = network.trained() * devices;
        if (steps == 0) {
            PassiveWaiting.adviseOnce(weight.getDevice());
        }
        if (terms.isEmpty() && !method.gradientTerms().isEmpty()) {
            terms =
                    method.gradientTerms().stream()
                            .map(term -> term.start(network.parameters(), seed))
                            .toList();
            if (nextEvent > 0) {
                terms.forEach(GradientTerm.Running::afterPruning);
            }
        }
    }

    /** Takes in what was frozen and is not any more. */
    private void takeIn() {
        if (network.isComplete()) {
            return;
        }
        if (method.rewiring().isPresent()) {
            throw new IllegalStateException(
                    "The method "
                            + method.name()
                            + " rewires the network it has begun with, and cannot take in"
                            + " parameters that are unfrozen later: unfreeze them before the"
                            + " trainer is made, or leave them out by "
                            + advice.exclude()
                            + ".");
        }
        PrunedNetwork whole = network.complete(steps);
        if (optimizer instanceof OptimizerState stateful) {
            int updates = network.updates(stateful);
            for (ParameterInfo info : whole.parameters()) {
                if (!network.has(info)) {
                    stateful.restore(info.parameter().getId(), List.of(), updates);
                }
            }
        }
        leaveDevices();
        network = whole;
    }

    private Optional<RewiredTensor> wiring(ParameterInfo info) {
        Optional<Rewiring> rewiring = info.prunable() ? method.rewiring() : Optional.empty();
        return rewiring.map(
                r ->
                        rewired.computeIfAbsent(
                                info.path(),
                                path -> new RewiredTensor(r, network.masks().get(path), seed)));
    }

    /** DJL tells of a batch after its gradients and before the step. */
    void beforeStep() {
        if (!updated.isEmpty()) {
            endStep(); // Some parameter takes no part in the training.
        }
        attachment.checkBatch(network());
        announceStep();
    }

    private void announceStep() {
        if (batches == 0) {
            InitialWeights.check(block);
            network().warnOfZeros();
            takeRewindPoint();
            prune(Unit.STEP, 0);
            prune(Unit.EPOCH, 0);
            checkExamples();
            if (nextEvent > 0) {
                network.leaveDevices(); // What was pruned need not be the arrays that will train.
            }
        }
        network();
        batches++;
        isAnnounced = true;
    }

    /** Says at once, and not at the first pruning, that there is nothing to show the network. */
    private void checkExamples() {
        if (method.probe().isPresent()
                && examples.isEmpty()
                && nextEvent < network().events().size()) {
            throw new IllegalStateException(
                    "The method "
                            + method.name()
                            + " prunes by the gradients of examples, and got none: give the pruner"
                            + " some, Pruner.builder().optExamples(dataset, 1000).");
        }
    }

    private void endStep() {
        updated.clear();
        isAnnounced = false;
        steps++;
        takeRewindPoint();
        prune(Unit.STEP, steps);
    }

    private void takeRewindPoint() {
        rewind.filter(point -> point.isAt(steps))
                .filter(point -> nextEvent < network().events().size())
                .ifPresent(point -> point.take(block, network()));
    }

    void endEpoch() {
        if (!updated.isEmpty()) {
            endStep();
        }
        attachment.checkEpoch(network());
        epochs++;
        prune(Unit.EPOCH, epochs);
    }

    /** The trainer closes, and the arrays on its devices with it. */
    void end(Trainer trainer) {
        if (attachment == null || !attachment.isOf(trainer)) {
            return; // Another one has taken its place.
        }
        attachment.warnAtEnd();
        boolean hasTrained = attachment.hasUpdates();
        leave();
        if (hasTrained && savedAfter != steps && !isPruning) {
            warnOfWhatIsLeft();
        }
    }

    private void leave() {
        if (!updated.isEmpty()) {
            updated.clear(); // Some parameter took no part; what is due comes with the next step.
            steps++;
        }
        if (attachment != null) {
            attachment.close();
            attachment = null;
        }
        isAnnounced = false;
        leaveDevices();
    }

    private void leaveDevices() {
        terms.forEach(GradientTerm.Running::close);
        terms = List.of();
        rewired.values().forEach(RewiredTensor::leaveDevices);
        if (path != null) {
            path.close();
        }
        if (network != null) {
            network.leaveDevices();
        }
    }

    /** Says of a training that ends before its schedule what is missing, and what would do it. */
    private void warnOfWhatIsLeft() {
        List<PruningEvent> events = network.events();
        if (nextEvent == events.size()) {
            return;
        }
        PruningEvent next = events.get(nextEvent);
        PruningEvent last = events.get(events.size() - 1);
        boolean isUntold = next.unit() == Unit.EPOCH && epochs == 0;
        logger.warn(
                "The training has ended after {} and {} with {} of {} prunings done: {} of {}"
                        + " weights are left{}. {}",
                count(epochs, "epoch"),
                count(steps, "step"),
                nextEvent,
                events.size(),
                network.remaining(),
                network.weights(),
                last.isByThreshold() ? "" : ", where the schedule ends with " + last.keep(),
                isUntold
                        ? "It was told of the end of no epoch: a loop of your own calls"
                                + " trainer.notifyListeners(listener -> listener.onEpoch(trainer))"
                                + " after each."
                        : "The next was to come after "
                                + (next.unit() == Unit.EPOCH ? "epoch " : "step ")
                                + next.at()
                                + ": train that long, or plan the schedule for fewer.");
    }

    private static String count(long number, String what) {
        return number + " " + what + (number == 1 ? "" : "s");
    }

    /** Adds all that this run knows to arrays, between two steps. */
    void save(Map<String, Object> arrays, Map<String, String> metadata) {
        PrunedNetwork net = network();
        if (!updated.isEmpty()) {
            endStep(); // Some parameter takes no part in the training.
        }
        savedAfter = steps;
        metadata.put(METHOD, method.name());
        metadata.put(SCHEDULE, net.events().toString());
        metadata.put(SEED, Long.toString(seed));
        arrays.put(CLOCK, new long[] {nextEvent, epochs, steps, batches});
        NetworkState.save(block, arrays);
        if (optimizer instanceof OptimizerState stateful) {
            metadata.put(OPTIMIZER, optimizer.getClass().getSimpleName());
            net.saveOptimizer(stateful, arrays);
        } else {
            warnOfState("is not in the file");
        }
        net.save(arrays);
        rewind.ifPresent(point -> point.save(block, arrays));
        for (ParameterInfo info : net.parameters()) {
            RewiredTensor wiring = rewired.get(info.path());
            if (wiring != null && wiring.snapshot() != null) {
                Snapshots.put(arrays, WIRING + info.path(), wiring.snapshot());
            }
        }
    }

    /** Continues from a file, before the first step. */
    void load(SafeTensors file) throws IOException {
        PrunedNetwork net = network();
        if (batches > 0) {
            throw new IllegalStateException(
                    "The training has begun: load what was saved before its first step.");
        }
        Map<String, String> metadata = file.metadata();
        List<Object> values = NetworkState.read(block, file);
        refuse("method", metadata.get(METHOD), method.name());
        refuse("seed", metadata.get(SEED), Long.toString(seed));
        if (optimizer instanceof OptimizerState && metadata.containsKey(OPTIMIZER)) {
            refuse("optimizer", metadata.get(OPTIMIZER), optimizer.getClass().getSimpleName());
        }
        if (!isLonger(metadata.get(SCHEDULE), net.events(), clock(file))) {
            refuse("schedule", metadata.get(SCHEDULE), net.events().toString());
        }
        try {
            restore(net, values, file);
        } catch (IndexOutOfBoundsException
                | ClassCastException
                | NoSuchElementException
                | ArithmeticException
                | IllegalArgumentException e) {
            // Nobody but this program writes checkpoints; what it did not write may hold anything.
            throw new CheckpointException(
                    "The saved training is damaged: what it holds does not belong together.");
        }
    }

    /** Returns the next event, and the epochs, steps and batches that there have been. */
    private static long[] clock(SafeTensors file) throws IOException {
        long[] clock = file.longs(CLOCK, 4);
        if (clock.length < 4) {
            throw new CheckpointException(
                    "The saved training is damaged: it does not tell where it had come to.");
        }
        return clock;
    }

    /** DJL keeps the state of its optimizers, and where their trackers are, to itself. */
    private void warnOfState(String what) {
        if (!isStateWarned && optimizer != null) {
            isStateWarned = true;
            logger.warn(
                    "What {} keeps, its moments and the number of updates that the learning rate"
                            + " goes by, {}: that of io.flipout.djl.training.Sgd, or of another"
                            + " OptimizerState, is saved and goes on.",
                    optimizer.getClass().getName(),
                    what);
        }
    }

    private void restore(PrunedNetwork net, List<Object> values, SafeTensors file)
            throws IOException {
        NetworkState.set(block, values);
        long[] clock = clock(file);
        if (optimizer instanceof OptimizerState stateful) {
            net.loadOptimizer(stateful, file);
        } else if (clock[2] > 0) {
            warnOfState("begins anew");
        }
        net.load(file);
        if (rewind.isPresent()) {
            rewind.get().load(block, file);
        }
        for (ParameterInfo info : net.parameters()) {
            if (Snapshots.contains(file, WIRING + info.path())) {
                wiring(info)
                        .orElseThrow()
                        .restore(Snapshots.get(file, WIRING + info.path(), info.size()));
            }
        }
        nextEvent = Math.toIntExact(clock[0]);
        epochs = clock[1];
        steps = clock[2];
        batches = clock[3];
    }

    /** Prunes what a longer schedule plans for a moment at which the saved one had ended. */
    void pruneDue() {
        if (isDue(Unit.EPOCH, epochs) || isDue(Unit.STEP, steps)) {
            prune(Unit.STEP, steps);
            prune(Unit.EPOCH, epochs);
            network.leaveDevices(); // What was pruned need not be the arrays that will train.
        }
    }

    /**
     * Whether this training is the saved one made longer: what was planned stays, and more may
     * follow from now on. What rewinds has lost the point to go back to after its last pruning.
     */
    private boolean isLonger(String saved, List<PruningEvent> own, long[] clock) {
        return rewind.isEmpty()
                && IntStream.range(0, own.size())
                        .filter(count -> own.subList(0, count).toString().equals(saved))
                        .mapToObj(count -> own.subList(count, own.size()))
                        .anyMatch(
                                more ->
                                        more.stream()
                                                .allMatch(
                                                        event ->
                                                                event.at() > 0
                                                                        && event.at()
                                                                                >= now(
                                                                                        event,
                                                                                        clock)));
    }

    private static long now(PruningEvent event, long[] clock) {
        return event.unit() == Unit.EPOCH ? clock[1] : clock[2];
    }

    private static void refuse(String what, String saved, String own) throws CheckpointException {
        if (!own.equals(saved)) {
            throw new CheckpointException(
                    "The saved training has another "
                            + what
                            + ": "
                            + saved
                            + ", where this one has "
                            + own
                            + ".");
        }
    }

    /** Prunes what is due before training, each time by gradients of the network as it is then. */
    void pruneBeforeTraining(Trainer initialised, GradientPass pass)
            throws IOException, TranslateException {
        checkBeforeTraining();
        takeRewindPoint();
        while (isDueBeforeTraining()) {
            show(initialised, pass);
            pruneNext();
        }
        network.leaveDevices(); // What was pruned need not be the arrays that will train.
    }

    /** Prunes what is due before training, without gradients. */
    void pruneBeforeTraining() {
        checkBeforeTraining();
        while (isDueBeforeTraining()) {
            pruneNext();
        }
        network.leaveDevices();
    }

    private void checkBeforeTraining() {
        network();
        InitialWeights.check(block);
        if (batches > 0) {
            throw new IllegalStateException(
                    "The training has begun: prune before it, once the trainer is initialised.");
        }
        if (!isDueBeforeTraining()) {
            throw new IllegalStateException(
                    "The schedule plans no pruning before training:"
                            + " Schedule.beforeTraining(sparsity, 1) does.");
        }
    }

    private boolean isDueBeforeTraining() {
        return isDue(Unit.STEP, 0) || isDue(Unit.EPOCH, 0);
    }

    private void prune(Unit unit, long now) {
        while (isDue(unit, now)) {
            showExamples();
            pruneNext();
        }
    }

    private void showExamples() {
        if (examples.isPresent()) {
            try {
                show(attachment.trainer(), examples.get());
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            } catch (TranslateException e) {
                throw new IllegalStateException("The examples could not be prepared.", e);
            }
        }
    }

    private void show(Trainer shown, GradientPass pass) throws IOException, TranslateException {
        if (method.probe().isPresent()) {
            pass.show(shown, network, method.probe().get(), seed + nextEvent + 1);
        }
    }

    private boolean isDue(Unit unit, long now) {
        List<PruningEvent> events = network().events();
        return nextEvent < events.size()
                && events.get(nextEvent).unit() == unit
                && events.get(nextEvent).at() <= now;
    }

    private void pruneNext() {
        isPruning = true;
        PruningEvent event = network.events().get(nextEvent++);
        rewind.ifPresent(point -> point.check(optimizer, steps));
        network.prune(method.criterion(), event, seed + nextEvent, optimizer, rewind);
        if (nextEvent == network.events().size()) {
            rewind.ifPresent(RewindPoint::close);
        }
        terms.forEach(GradientTerm.Running::afterPruning);
        isPruning = false;
        logger.info(
                "Pruned after {} {}: {} of {} weights left",
                event.unit() == Unit.EPOCH ? "epoch" : "step",
                event.at(),
                network.remaining(),
                network.weights());
    }
}
