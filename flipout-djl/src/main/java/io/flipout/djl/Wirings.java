package io.flipout.djl;

import io.flipout.djl.checkpoint.SafeTensors;
import io.flipout.djl.checkpoint.Snapshots;
import io.flipout.mask.ParameterInfo;
import io.flipout.rewiring.Rewiring;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** The wirings of a network's parameters, where the method rewires. */
final class Wirings {

    private static final String WIRING = "wiring/";

    private final Optional<Rewiring> rewiring;
    private final long seed;
    private final Map<String, RewiredTensor> byPath = new HashMap<>();

    Wirings(Optional<Rewiring> rewiring, long seed) {
        this.rewiring = rewiring;
        this.seed = seed;
    }

    /** Returns the wiring of a parameter; none where it is not rewired. */
    Optional<RewiredTensor> of(ParameterInfo info, PrunedNetwork network) {
        Optional<Rewiring> own = info.prunable() ? rewiring : Optional.empty();
        return own.map(
                r ->
                        byPath.computeIfAbsent(
                                        info.path(),
                                        path ->
                                                new RewiredTensor(
                                                        r, network.masks().get(path), seed))
                                .in(network));
    }

    void save(PrunedNetwork network, Map<String, Object> arrays) {
        for (ParameterInfo info : network.parameters()) {
            RewiredTensor wiring = byPath.get(info.path());
            if (wiring != null && wiring.snapshot() != null) {
                Snapshots.put(arrays, WIRING + info.path(), wiring.snapshot());
            }
        }
    }

    void load(PrunedNetwork network, SafeTensors file) throws IOException {
        for (ParameterInfo info : network.parameters()) {
            String name = WIRING + info.path();
            if (Snapshots.contains(file, name)) {
                of(info, network).orElseThrow().restore(Snapshots.get(file, name, info.size()));
            }
        }
    }

    void leaveDevices() {
        byPath.values().forEach(RewiredTensor::leaveDevices);
    }
}
