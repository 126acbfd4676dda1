package io.flipout.djl;

import ai.djl.ndarray.NDArray;
import ai.djl.nn.Block;
import ai.djl.training.Trainer;
import ai.djl.training.optimizer.Optimizer;
import ai.djl.translate.TranslateException;
import io.flipout.allocation.Allocation;
import io.flipout.djl.checkpoint.CheckpointException;
import io.flipout.djl.checkpoint.SafeTensors;
import io.flipout.djl.checkpoint.Snapshots;
import io.flipout.djl.training.OptimizerState;
import io.flipout.gradient.GradientTerm;
import io.flipout.mask.ParameterInfo;
import io.flipout.mask.WeightSelector;
import io.flipout.method.PruningMethod;
import io.flipout.rewiring.Rewiring;
import io.flipout.schedule.PruningEvent;
import io.flipout.schedule.PruningEvent.Unit;
import io.flipout.schedule.Schedule;
import io.flipout.tensor.TrainedTensor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The way of a gradient through pruning, and the clock that says when weights are pruned. */
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

    private Optimizer optimizer;
    private Trainer trainer;
    private Block block;
    private int devices = 1;
    private PrunedNetwork network;
    private List<GradientTerm.Running> terms = List.of();

    /** By the position of the parameter, where the method rewires. */
    private final Map<Integer, RewiredTensor> rewired = new HashMap<>();

    private int nextEvent;
    private long epochs;
    private long steps;
    private long batches;
    private int updatesInStep;

    PruningRun(
            PruningMethod method,
            Schedule schedule,
            Allocation allocation,
            WeightSelector selector,
            long seed,
            Optional<GradientPass> examples) {
        this.method = method;
        this.schedule = schedule;
        this.allocation = allocation;
        this.selector = selector;
        this.seed = seed;
        this.examples = examples;
        rewind = method.rewind().map(RewindPoint::new);
    }

    void optimizeWith(Optimizer base) {
        optimizer = base;
    }

    int prunings() {
        return nextEvent;
    }

    /** A trainer has been made; its parameters may not be initialised yet. */
    void begin(Trainer newTrainer) {
        Block trained = newTrainer.getModel().getBlock();
        if (block != null && block != trained) {
            throw new IllegalStateException(
                    "A pruner serves one network, and this one has another already: build a"
                            + " pruner for each.");
        }
        trainer = newTrainer;
        block = trained;
        devices = newTrainer.getDevices().length;
        batches = steps;
        updatesInStep = 0;
        rewind.ifPresent(point -> point.begin(trained));
    }

    /** The network, looked at when it is first needed: by then its parameters exist. */
    PrunedNetwork network() {
        if (network == null) {
            if (block == null) {
                throw new IllegalStateException(
                        "The pruner knows no network: add pruner.listener() to the training"
                                + " configuration, addTrainingListeners(pruner.listener()), before"
                                + " the trainer is made.");
            }
            PrunedNetwork looked =
                    new PrunedNetwork(block, selector, schedule, allocation, method.signals());
            method.rewiring().ifPresent(rewiring -> rewiring.check(looked.events()));
            method.rewiring().ifPresent(rewiring -> rewiring.check(allocation));
            network = looked;
        }
        return network;
    }

    /** The way of one gradient; see the package's documentation of the order. */
    void update(String parameterId, NDArray weight, NDArray gradient, Optimizer base) {
        PrunedNetwork net = network();
        if (terms.isEmpty() && !method.gradientTerms().isEmpty()) {
            terms =
                    method.gradientTerms().stream()
                            .map(term -> term.start(net.parameters(), seed))
                            .toList();
            if (nextEvent > 0) {
                terms.forEach(GradientTerm.Running::afterPruning);
            }
        }
        PrunedNetwork.Mirror mirror = net.mirror(parameterId, weight);
        TrainedTensor tensor = mirror.tensor();
        mirror.watches().forEach(watch -> watch.beforeStep(gradient));
        Optional<RewiredTensor> wiring = wiring(tensor.info());
        if (terms.isEmpty() && tensor.mask().isEmpty() && wiring.isEmpty()) {
            base.update(parameterId, weight, gradient);
        } else {
            // DJL hands the same gradient on to the parameter's next device: then on a copy.
            try (NDArray changed = devices > 1 ? gradient.duplicate() : gradient.stopGradient()) {
                wiring.ifPresent(rewires -> rewires.afterBackward(mirror, changed));
                tensor.applyMask(changed);
                terms.forEach(term -> term.apply(tensor, changed));
                wiring.ifPresent(rewires -> rewires.beforeStep(mirror));
                base.update(parameterId, weight, changed);
            }
            if (wiring.isEmpty()) {
                tensor.applyMask(tensor.values());
            }
        }
        wiring.ifPresent(rewires -> rewires.afterStep(mirror, base, devices));
        mirror.watches().forEach(watch -> watch.afterStep());
        tensor.countStep();
        if (++updatesInStep == net.parameters().size() * devices) {
            endStep();
        }
    }

    private Optional<RewiredTensor> wiring(ParameterInfo info) {
        Optional<Rewiring> rewiring = info.prunable() ? method.rewiring() : Optional.empty();
        return rewiring.map(
                r ->
                        rewired.computeIfAbsent(
                                info.index(),
                                index ->
                                        new RewiredTensor(
                                                r, network.masks().get(info.path()), seed)));
    }

    /** DJL tells of a batch after its gradients and before the step. */
    void beforeStep() {
        if (updatesInStep > 0) {
            endStep(); // Some parameter takes no part in the training.
        }
        if (batches == 0) {
            takeRewindPoint();
            prune(Unit.STEP, 0);
            prune(Unit.EPOCH, 0);
            checkExamples();
            if (nextEvent > 0) {
                network.leaveDevices(); // What was pruned need not be the arrays that will train.
            }
        }
        batches++;
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
        updatesInStep = 0;
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
        if (updatesInStep > 0) {
            endStep();
        }
        epochs++;
        prune(Unit.EPOCH, epochs);
    }

    /** The trainer closes, and the arrays on its devices with it. */
    void end() {
        terms.forEach(GradientTerm.Running::close);
        terms = List.of();
        rewired.values().forEach(RewiredTensor::leaveDevices);
        if (network != null) {
            network.leaveDevices();
        }
    }

    /** Adds all that this run knows to arrays, between two steps. */
    void save(Map<String, Object> arrays, Map<String, String> metadata) {
        PrunedNetwork net = network();
        if (updatesInStep > 0) {
            endStep(); // Some parameter takes no part in the training.
        }
        metadata.put(METHOD, method.name());
        metadata.put(SCHEDULE, net.events().toString());
        metadata.put(SEED, Long.toString(seed));
        arrays.put(CLOCK, new long[] {nextEvent, epochs, steps, batches});
        NetworkState.save(block, arrays);
        if (optimizer instanceof OptimizerState stateful) {
            metadata.put(OPTIMIZER, optimizer.getClass().getSimpleName());
            net.saveOptimizer(stateful, arrays);
        }
        net.save(arrays);
        rewind.ifPresent(point -> point.save(block, arrays));
        for (ParameterInfo info : net.parameters()) {
            RewiredTensor wiring = rewired.get(info.index());
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
        refuse("schedule", metadata.get(SCHEDULE), net.events().toString());
        refuse("seed", metadata.get(SEED), Long.toString(seed));
        if (optimizer instanceof OptimizerState && metadata.containsKey(OPTIMIZER)) {
            refuse(
                    "optimizer",
                    metadata.get(OPTIMIZER),
                    optimizer.getClass().getSimpleName());
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

    private void restore(PrunedNetwork net, List<Object> values, SafeTensors file)
            throws IOException {
        NetworkState.set(block, values);
        if (optimizer instanceof OptimizerState stateful) {
            net.loadOptimizer(stateful, file);
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
        long[] clock = file.longs(CLOCK, 4);
        nextEvent = Math.toIntExact(clock[0]);
        epochs = clock[1];
        steps = clock[2];
        batches = clock[3];
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
                show(trainer, examples.get());
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
        PruningEvent event = network.events().get(nextEvent++);
        rewind.ifPresent(point -> point.check(optimizer, steps));
        network.prune(method.criterion(), event, seed + nextEvent, optimizer, rewind);
        if (nextEvent == network.events().size()) {
            rewind.ifPresent(RewindPoint::close);
        }
        terms.forEach(GradientTerm.Running::afterPruning);
        logger.info(
                "Pruned after {} {}: {} of {} weights left",
                event.unit() == Unit.EPOCH ? "epoch" : "step",
                event.at(),
                network.remaining(),
                network.weights());
    }
}
