package io.flipout.djl;

import ai.djl.ndarray.NDArray;
import io.flipout.djl.checkpoint.SafeTensors;
import io.flipout.djl.checkpoint.Snapshots;
import io.flipout.djl.training.OptimizerState;
import io.flipout.mask.ParameterInfo;
import io.flipout.tensor.Transfers;
import java.io.IOException;
import java.util.List;
import java.util.Map;

/**
 * What a file keeps of each parameter beside its values: its mask, its steps, what was seen of it,
 * and the optimizer's state.
 */
final class ParameterStates {

    private static final String MASK = "mask/";
    private static final String STEPS = "steps/";
    private static final String SIGNALS = "signals/";
    private static final String OPTIMIZER = "optimizer/";
    private static final String UPDATES = "updates/";

    private ParameterStates() {}

    /** Adds masks, steps and what was seen to arrays. */
    static void save(PrunedNetwork network, Map<String, Object> arrays) {
        for (Mirrors mirrors : network.mirrors()) {
            String path = mirrors.info().path();
            arrays.put(STEPS + path, new long[] {mirrors.steps()});
            if (mirrors.info().prunable()) {
                arrays.put(MASK + path, mirrors.mask().toBits());
                Snapshots.put(arrays, SIGNALS + path, mirrors.seen());
            }
        }
    }

    /** Continues from masks, steps and what was seen. */
    static void load(PrunedNetwork network, SafeTensors file) throws IOException {
        network.leaveDevices();
        for (Mirrors mirrors : network.mirrors()) {
            ParameterInfo info = mirrors.info();
            long steps = file.longs(STEPS + info.path(), 1)[0];
            List<Object> seen = List.of();
            if (info.prunable()) {
                mirrors.mask().setBits(file.bytes(MASK + info.path(), info.size()));
                seen =
                        List.copyOf(
                                (List<?>) Snapshots.get(file, SIGNALS + info.path(), info.size()));
            }
            mirrors.load(steps, seen);
        }
    }

    /** Adds what the optimizer keeps of every parameter to arrays. */
    static void saveOptimizer(
            PrunedNetwork network, OptimizerState optimizer, Map<String, Object> arrays) {
        for (Mirrors mirrors : network.mirrors()) {
            String path = mirrors.info().path();
            String id = mirrors.id();
            NDArray weight = mirrors.weight();
            arrays.put(
                    UPDATES + path,
                    new long[] {optimizer.updates(id, weight), optimizer.clearedAt(id, weight)});
            List<float[]> state =
                    optimizer.state(id, weight).stream().map(Transfers::floats).toList();
            Snapshots.put(arrays, OPTIMIZER + path, state);
        }
    }

    /** Lets the optimizer continue from what it kept. */
    static void loadOptimizer(PrunedNetwork network, OptimizerState optimizer, SafeTensors file)
            throws IOException {
        for (Mirrors mirrors : network.mirrors()) {
            ParameterInfo info = mirrors.info();
            List<float[]> state =
                    ((List<?>) Snapshots.get(file, OPTIMIZER + info.path(), info.size()))
                            .stream().map(float[].class::cast).toList();
            long[] updates = file.longs(UPDATES + info.path(), 2);
            int clearedAt = updates.length < 2 ? 0 : Math.toIntExact(updates[1]);
            optimizer.restore(mirrors.id(), state, Math.toIntExact(updates[0]), clearedAt);
        }
    }
}
