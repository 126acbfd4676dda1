package io.flipout.djl;

import ai.djl.training.optimizer.Optimizer;
import io.flipout.djl.TrainingClock.Reading;
import io.flipout.djl.checkpoint.CheckpointException;
import io.flipout.djl.checkpoint.SafeTensors;
import io.flipout.djl.training.OptimizerState;
import io.flipout.schedule.PruningEvent;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The state of a training under pruning, as it is saved and gone on with. */
final class RunState {

    private static final Logger logger = LoggerFactory.getLogger(RunState.class);

    private static final String METHOD = "method";
    private static final String OPTIMIZER = "optimizer";
    private static final String SCHEDULE = "schedule";
    private static final String SEED = "seed";

    private final PruningSettings settings;
    private final TrainingClock clock;
    private final Optional<RewindPoint> rewind;
    private final Wirings wirings;
    private final LatentWeights latents;
    private long savedAfter = -1;
    private boolean isWarned;

    RunState(
            PruningSettings settings,
            TrainingClock clock,
            Optional<RewindPoint> rewind,
            Wirings wirings,
            LatentWeights latents) {
        this.settings = settings;
        this.clock = clock;
        this.rewind = rewind;
        this.wirings = wirings;
        this.latents = latents;
    }

    /** Tells whether all that has been trained is saved. */
    boolean isSaved() {
        return savedAfter == clock.steps();
    }

    /** Adds all that is known to arrays, between two steps. */
    void save(
            NetworkInTraining training, Map<String, Object> arrays, Map<String, String> metadata) {
        PrunedNetwork network = training.network();
        Optimizer optimizer = training.optimizer();
        savedAfter = clock.steps();
        metadata.put(METHOD, settings.method().name());
        metadata.put(SCHEDULE, network.events().toString());
        metadata.put(SEED, Long.toString(settings.seed()));
        clock.save(arrays);
        NetworkState.save(network.block(), arrays);
        if (optimizer instanceof OptimizerState stateful) {
            metadata.put(OPTIMIZER, optimizer.getClass().getSimpleName());
            ParameterStates.saveOptimizer(network, stateful, arrays);
        } else {
            warnOfOptimizer(optimizer, "is not in the file");
        }
        ParameterStates.save(network, arrays);
        rewind.ifPresent(point -> point.save(network.block(), arrays));
        wirings.save(network, arrays);
        latents.save(network, optimizer, arrays);
    }

    /** Continues from a file, before the first step. */
    void load(NetworkInTraining training, SafeTensors file) throws IOException {
        if (clock.batches() > 0) {
            throw new IllegalStateException(
                    "The training has begun: load what was saved before its first step.");
        }
        List<Object> values = NetworkState.read(training.network().block(), file);
        check(training, file);
        try {
            restore(training, values, file);
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

    /** Makes sure that it is this training that was saved. */
    private void check(NetworkInTraining training, SafeTensors file) throws IOException {
        Optimizer optimizer = training.optimizer();
        List<PruningEvent> events = training.network().events();
        Map<String, String> metadata = file.metadata();
        refuse("method", metadata.get(METHOD), settings.method().name());
        refuse("seed", metadata.get(SEED), Long.toString(settings.seed()));
        if (optimizer instanceof OptimizerState && metadata.containsKey(OPTIMIZER)) {
            refuse("optimizer", metadata.get(OPTIMIZER), optimizer.getClass().getSimpleName());
        }
        String schedule = metadata.get(SCHEDULE);
        Reading saved = Reading.of(file);
        // What rewinds has lost the point to go back to after its last pruning: no more can follow.
        if (rewind.isPresent() || !saved.isMadeLonger(events, schedule)) {
            refuse("schedule", schedule, events.toString());
        }
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

    private void restore(NetworkInTraining training, List<Object> values, SafeTensors file)
            throws IOException {
        PrunedNetwork network = training.network();
        NetworkState.set(network.block(), values);
        Reading saved = Reading.of(file);
        if (training.optimizer() instanceof OptimizerState stateful) {
            ParameterStates.loadOptimizer(network, stateful, file);
        } else if (saved.steps() > 0) {
            warnOfOptimizer(training.optimizer(), "begins anew");
        }
        ParameterStates.load(network, file);
        if (rewind.isPresent()) {
            rewind.get().load(network.block(), file);
        }
        wirings.load(network, file);
        latents.load(network, training.optimizer(), file, saved.steps());
        clock.set(saved);
    }

    /** DJL keeps the state of its optimizers, and where their trackers are, to itself. */
    private void warnOfOptimizer(Optimizer optimizer, String what) {
        if (!isWarned && optimizer != null) {
            isWarned = true;
            logger.warn(
                    "What {} keeps, its moments and the number of updates that the learning rate"
                            + " goes by, {}: that of io.flipout.djl.training.Sgd, or of another"
                            + " OptimizerState, is saved and goes on.",
                    optimizer.getClass().getName(),
                    what);
        }
    }
}
