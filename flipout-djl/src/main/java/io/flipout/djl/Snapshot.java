package io.flipout.djl;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.nn.Parameter;
import io.flipout.tensor.Transfers;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/** Copies of parameters, to be put back later. */
final class Snapshot implements AutoCloseable {

    private final NDManager manager;
    private final Map<Parameter, NDArray> copies = new LinkedHashMap<>();

    /** An empty snapshot, whose copies live as long as it and the manager do. */
    Snapshot(NDManager parent) {
        manager = parent.newSubManager();
    }

    Set<Parameter> parameters() {
        return copies.keySet();
    }

    NDArray get(Parameter parameter) {
        return copies.get(parameter);
    }

    /** Copies the values that a parameter has on some device. */
    void take(Parameter parameter, NDArray values) {
        // Whatever the thread's gradient mode, a copy is not to be recorded.
        try (NDArray detached = values.stopGradient()) {
            add(parameter, detached.duplicate());
        }
    }

    /** Keeps values for a parameter, and owns them from now on. */
    void add(Parameter parameter, NDArray values) {
        values.attach(manager);
        copies.put(parameter, values);
    }

    /** Writes a parameter's copy into its array on some device. */
    void restore(Parameter parameter, NDArray target) {
        write(copies.get(parameter), target);
    }

    /** Writes values into an array on some device. */
    static void write(NDArray values, NDArray target) {
        try (NDArray detached = target.stopGradient();
                NDArray moved = Transfers.copy(values, target.getDevice(), target.getManager())) {
            detached.set(new NDIndex("..."), moved);
        }
    }

    @Override
    public void close() {
        manager.close();
    }
}
