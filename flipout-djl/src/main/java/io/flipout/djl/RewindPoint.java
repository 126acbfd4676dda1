package io.flipout.djl;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.training.optimizer.Optimizer;
import io.flipout.djl.checkpoint.SafeTensors;
import io.flipout.djl.training.OptimizerState;
import io.flipout.mask.BlockPaths;
import io.flipout.rewind.Rewind;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The step that a network goes back to after each pruning, and what it was then. */
final class RewindPoint implements AutoCloseable {

    private static final Logger logger = LoggerFactory.getLogger(RewindPoint.class);

    private static final String REWIND = "rewind/";

    private final long step;
    private final List<Parameter> statistics = new ArrayList<>();
    private Snapshot beginning;
    private Snapshot snapshot;
    private boolean warned;

    RewindPoint(Rewind rewind) {
        step = rewind.step();
    }

    /**
     * A trainer has been made. The first that is heard of it afterwards is its first batch, whose
     * forward pass has changed the running statistics: what they are before it, is copied now.
     */
    void begin(Block block) {
        if (!isAt(0)) {
            return;
        }
        closeBeginning();
        for (Parameter parameter : BlockPaths.parameters(block).values()) {
            if (!parameter.requiresGradient() && parameter.isInitialized()) {
                if (beginning == null) {
                    beginning = new Snapshot(parameter.getArray().getManager());
                }
                beginning.take(parameter, parameter.getArray());
            }
        }
    }

    boolean isAt(long steps) {
        return snapshot == null && steps == step;
    }

    /**
     * The step has been reached.
     *
     * @param values the values of what trains, as they are now
     */
    void take(Block block, Map<Parameter, NDArray> values) {
        // Not the trainer's manager: another trainer may go on.
        NDManager owner = values.keySet().iterator().next().getArray().getManager();
        snapshot = new Snapshot(owner);
        values.forEach(snapshot::take);
        for (Parameter parameter : BlockPaths.parameters(block).values()) {
            if (!parameter.requiresGradient()) {
                statistics.add(parameter);
                takeStatistic(parameter);
            }
        }
        closeBeginning();
    }

    private void closeBeginning() {
        if (beginning != null) {
            beginning.close();
            beginning = null;
        }
    }

    private void takeStatistic(Parameter parameter) {
        if (step > 0) {
            snapshot.take(parameter, parameter.getArray());
        } else if (beginning != null && beginning.parameters().contains(parameter)) {
            snapshot.take(parameter, beginning.get(parameter));
        } else {
            // Initialised after the trainer was made, and then changed by the first forward pass.
            NDArray array = parameter.getArray();
            switch (parameter.getType()) {
                case RUNNING_MEAN, RUNNING_VAR ->
                        snapshot.add(
                                parameter,
                                parameter
                                        .getInitializer()
                                        .initialize(
                                                array.getManager(),
                                                array.getShape(),
                                                array.getDataType()));
                default -> snapshot.take(parameter, array);
            }
        }
    }

    /** Makes sure that there is a way back. */
    void check(Optimizer optimizer, long steps) {
        if (snapshot == null) {
            throw new IllegalStateException(
                    "The network is to go back to step "
                            + step
                            + ", but the first pruning comes after "
                            + steps
                            + (steps == 1 ? " step" : " steps")
                            + ": rewind to an earlier step or prune later.");
        }
        if (!(optimizer instanceof OptimizerState) && !warned) {
            warned = true;
            logger.warn(
                    "The state of {} cannot be cleared and outlives the rewinding: that of"
                            + " io.flipout.djl.training.Sgd can.",
                    optimizer.getClass().getSimpleName());
        }
    }

    /** Sets a trainable parameter back on some device. */
    void restore(Parameter parameter, NDArray target) {
        snapshot.restore(parameter, target);
    }

    /** Sets the running statistics back. DJL keeps those of further devices to itself. */
    void restoreStatistics() {
        statistics.forEach(parameter -> snapshot.restore(parameter, parameter.getArray()));
    }

    /** Adds what the network was, as long as there is a way back, to arrays. */
    void save(Block block, Map<String, Object> arrays) {
        if (snapshot != null) {
            BlockPaths.parameters(block)
                    .forEach(
                            (path, parameter) ->
                                    arrays.put(
                                            REWIND + path,
                                            NetworkState.values(snapshot.get(parameter))));
        }
    }

    /** Takes what the network was from a file, if it was taken by then. */
    void load(Block block, SafeTensors file) throws IOException {
        Map<String, Parameter> parameters = BlockPaths.parameters(block);
        if (parameters.keySet().stream().noneMatch(path -> file.contains(REWIND + path))) {
            return;
        }
        close();
        closeBeginning();
        for (Map.Entry<String, Parameter> entry : parameters.entrySet()) {
            Parameter parameter = entry.getValue();
            NDArray array = parameter.getArray();
            if (snapshot == null) {
                snapshot = new Snapshot(array.getManager());
            }
            Object values = NetworkState.read(file, REWIND + entry.getKey(), array);
            NDArray copy = array.getManager().create(array.getShape(), array.getDataType());
            NetworkState.set(copy, values);
            snapshot.add(parameter, copy);
            if (!parameter.requiresGradient()) {
                statistics.add(parameter);
            }
        }
    }

    /** No pruning comes any more. */
    @Override
    public void close() {
        if (snapshot != null) {
            snapshot.close();
            snapshot = null;
            statistics.clear();
        }
    }
}
