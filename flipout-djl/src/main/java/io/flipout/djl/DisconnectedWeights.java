package io.flipout.djl;

import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import io.flipout.djl.torchscript.LayerGraph;
import io.flipout.graph.Convolution;
import io.flipout.graph.Paths;
import io.flipout.mask.Connections;
import io.flipout.mask.Mask;
import io.flipout.mask.ParameterInfo;
import java.util.BitSet;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Finds the weights that lie on no path from a network's input to its output. */
final class DisconnectedWeights {

    private final Optional<LayerGraph> layers;
    private final Map<String, ParameterInfo> infosById = new HashMap<>();

    /** Follows the network, as its layers lie now. */
    DisconnectedWeights(Block block, List<ParameterInfo> parameters) {
        layers = LayerGraph.of(block);
        parameters.stream()
                .filter(ParameterInfo::prunable)
                .forEach(info -> infosById.put(info.parameter().getId(), info));
    }

    /**
     * Finds them.
     *
     * @param masks of the prunable tensors, by their paths
     * @return of each tensor whose layer is known the positions of those that are alive, and
     *     disconnected wherever the tensor is used, by its path; none if no path is left at all
     */
    Map<String, BitSet> find(Map<String, Mask> masks) {
        Map<String, BitSet> disconnected = new HashMap<>();
        if (layers.isEmpty() || masks.values().stream().allMatch(Mask::isDense)) {
            return disconnected;
        }
        Map<Convolution, boolean[]> links = new IdentityHashMap<>();
        Paths paths =
                Paths.of(
                        layers.get().graph(),
                        layer -> links.computeIfAbsent(layer, one -> links(one, masks)));
        if (!paths.isAny()) {
            return disconnected; // All are alike.
        }
        for (Convolution layer : links.keySet()) {
            ParameterInfo info = info(layer);
            BitSet here = find(layer, info, masks.get(info.path()), paths);
            disconnected.computeIfAbsent(info.path(), path -> here).and(here);
        }
        return disconnected;
    }

    /** Null of what is not prunable, or lies otherwise than its layer: it has all weights. */
    private boolean[] links(Convolution layer, Map<String, Mask> masks) {
        ParameterInfo info = info(layer);
        if (info == null) {
            return null;
        }
        Connections connections = info.connections();
        int inputs = layer.weights().channels();
        if (connections.inputs() != inputs || connections.outputs() != layer.weights().filters()) {
            return null;
        }
        byte[] alive = masks.get(info.path()).bytes();
        boolean[] links = new boolean[connections.outputs() * inputs];
        int area = layer.weights().area();
        for (int first = 0; first < alive.length; first += area) {
            if (isAnyAlive(alive, first, area)) {
                links[connections.output(first) * inputs + connections.input(first)] = true;
            }
        }
        return links;
    }

    private static boolean isAnyAlive(byte[] alive, int first, int count) {
        for (int i = first; i < first + count; i++) {
            if (alive[i] != 0) {
                return true;
            }
        }
        return false;
    }

    private ParameterInfo info(Convolution layer) {
        Parameter weight = layers.orElseThrow().weight(layer);
        return weight == null ? null : infosById.get(weight.getId());
    }

    private static BitSet find(Convolution layer, ParameterInfo info, Mask mask, Paths paths) {
        BitSet disconnected = new BitSet();
        if (paths.passAll(layer)) {
            return disconnected;
        }
        Connections connections = info.connections();
        int area = layer.weights().area();
        for (int first = 0; first < mask.size(); first += area) {
            if (!paths.pass(layer, connections.output(first), connections.input(first))) {
                for (int i = first; i < first + area; i++) {
                    if (mask.isAlive(i)) {
                        disconnected.set(i);
                    }
                }
            }
        }
        return disconnected;
    }
}
