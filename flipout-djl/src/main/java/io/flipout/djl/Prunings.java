package io.flipout.djl;

import ai.djl.nn.Block;
import ai.djl.training.Trainer;
import ai.djl.training.optimizer.Optimizer;
import ai.djl.translate.TranslateException;
import io.flipout.djl.training.InitialWeights;
import io.flipout.schedule.PruningEvent;
import io.flipout.schedule.PruningEvent.Unit;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The prunings of a training: what the network is shown before, and goes back to after each. */
final class Prunings {

    private static final Logger logger = LoggerFactory.getLogger(Prunings.class);

    private final PruningSettings settings;
    private final Optional<GradientPass> examples;
    private final TrainingClock clock;
    private final Optional<RewindPoint> rewind;
    private final RunningMethod method;

    private final List<Consumer<PruningEvent>> observers = new ArrayList<>();

    private boolean hasLooked;

    /** Stays true when a pruning fails, and ends the training. */
    private boolean isPruning;

    Prunings(
            PruningSettings settings,
            Optional<GradientPass> examples,
            TrainingClock clock,
            RunningMethod method) {
        this.settings = settings;
        this.examples = examples;
        this.clock = clock;
        this.method = method;
        rewind = settings.method().rewind().map(RewindPoint::new);
    }

    /** Returns what the network goes back to; none where the method does not rewind. */
    Optional<RewindPoint> rewind() {
        return rewind;
    }

    /** Calls back before each pruning, when nothing of it is done yet. */
    void observe(Consumer<PruningEvent> observer) {
        observers.add(observer);
    }

    /** A trainer has been made; parameters may not be initialised yet. */
    void beginTrainer(Block block) {
        rewind.ifPresent(point -> point.begin(block));
    }

    /** Prunes what is due before training, each time by gradients of the network as it is then. */
    void pruneBefore(NetworkInTraining training, Trainer initialised, GradientPass pass)
            throws IOException, TranslateException {
        PrunedNetwork network = training.network();
        checkBefore(network);
        takeRewindPoint(network);
        while (clock.isDueAtStart(network.events())) {
            show(pass, initialised, network);
            pruneNext(training);
        }
        network.leaveDevices(); // What was pruned need not be the arrays that will train.
    }

    /** Prunes what is due before training, without gradients. */
    void pruneBefore(NetworkInTraining training) {
        PrunedNetwork network = training.network();
        checkBefore(network);
        while (clock.isDueAtStart(network.events())) {
            pruneNext(training);
        }
        network.leaveDevices();
    }

    private void checkBefore(PrunedNetwork network) {
        InitialWeights.check(network.block());
        if (clock.batches() > 0) {
            throw new IllegalStateException(
                    "The training has begun: prune before it, once the trainer is initialised.");
        }
        if (!clock.isDueAtStart(network.events())) {
            throw new IllegalStateException(
                    "The schedule plans no pruning before training:"
                            + " Schedule.beforeTraining(sparsity, 1) does.");
        }
    }

    /** The first batch has been seen: prunes what is due before the first step. */
    void begin(NetworkInTraining training) {
        PrunedNetwork network = training.network();
        lookAtZeros(network);
        takeRewindPoint(network);
        prune(Unit.STEP, 0, training);
        prune(Unit.EPOCH, 0, training);
        checkExamples(network);
        if (clock.prunings() > 0) {
            network.leaveOwnDevice(); // As before training.
        }
    }

    /** Says, once and before the weights become others, what becomes of those that are 0. */
    void lookAtZeros(PrunedNetwork network) {
        if (!settings.keepZeros() && !hasLooked) {
            ArrivingZeros.warn(network.parameters(), network.masks(), settings.advice());
        }
        hasLooked = true;
    }

    void afterStep(NetworkInTraining training) {
        takeRewindPoint(training.network());
        prune(Unit.STEP, clock.steps(), training);
    }

    void afterEpoch(NetworkInTraining training) {
        prune(Unit.EPOCH, clock.epochs(), training);
    }

    /** Prunes what a longer schedule plans for a moment at which the saved one had ended. */
    void pruneDue(NetworkInTraining training) {
        if (clock.isDue(training.network().events())) {
            prune(Unit.STEP, clock.steps(), training);
            prune(Unit.EPOCH, clock.epochs(), training);
            training.network().leaveDevices(); // As before training.
        }
    }

    /** Keeps what the network is now, if it is to go back to this step. */
    private void takeRewindPoint(PrunedNetwork network) {
        rewind.filter(point -> point.isAt(clock.steps()))
                .filter(point -> clock.hasNext(network.events()))
                .ifPresent(point -> point.take(network.block(), network.values()));
    }

    private void prune(Unit unit, long now, NetworkInTraining training) {
        while (clock.isDue(training.network().events(), unit, now)) {
            showExamples(training);
            pruneNext(training);
        }
    }

    /** Says at once, and not at the first pruning, that there is nothing to show the network. */
    private void checkExamples(PrunedNetwork network) {
        if (settings.method().probe().isPresent()
                && examples.isEmpty()
                && clock.hasNext(network.events())) {
            throw new IllegalStateException(
                    "The method "
                            + settings.method().name()
                            + " prunes by the gradients of examples, and got none: give the pruner"
                            + " some, Pruner.builder().optExamples(dataset, 1000).");
        }
    }

    private void showExamples(NetworkInTraining training) {
        if (examples.isPresent()) {
            try {
                show(examples.get(), training.trainer(), training.network());
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            } catch (TranslateException e) {
                throw new IllegalStateException("The examples could not be prepared.", e);
            }
        }
    }

    private void show(GradientPass pass, Trainer trainer, PrunedNetwork network)
            throws IOException, TranslateException {
        if (settings.method().probe().isPresent()) {
            GradientMemory.check(settings, network.masks().values());
            pass.show(trainer, network, settings.method().probe().get(), nextSeed());
        }
    }

    private void pruneNext(NetworkInTraining training) {
        isPruning = true;
        PrunedNetwork network = training.network();
        Optimizer optimizer = training.optimizer();
        long seed = nextSeed();
        PruningEvent event = clock.next(network.events());
        rewind.ifPresent(point -> point.check(optimizer, clock.steps()));
        observers.forEach(observer -> observer.accept(event));
        network.prune(event, seed, optimizer, rewind);
        if (!clock.hasNext(network.events())) {
            rewind.ifPresent(RewindPoint::close);
        }
        method.afterPruning();
        isPruning = false;
        logger.info(
                "Pruned after {} {}: {} of {} weights left",
                event.unit() == Unit.EPOCH ? "epoch" : "step",
                event.at(),
                network.remaining(),
                network.weights());
    }

    /** Returns a seed of the next pruning's own. */
    private long nextSeed() {
        return settings.seed() + clock.prunings() + 1;
    }

    /** Tells whether a pruning has failed, which ends the training. */
    boolean hasFailed() {
        return isPruning;
    }
}
