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

/**
 * Finds the weights that lie on no path from a network's input to its output: what they lead from
 * is the same for every input, or nothing leads on from where they lead to.
 */
final class IdleWeights {

    private final Optional<LayerGraph> layers;
    private final Map<String, ParameterInfo> infosById = new HashMap<>();

    /** The network is followed now, as its layers lie. */
    IdleWeights(Block block, List<ParameterInfo> parameters) {
        layers = LayerGraph.of(block);
        parameters.stream()
                .filter(ParameterInfo::prunable)
                .forEach(info -> infosById.put(info.parameter().getId(), info));
    }

    /**
     * Finds them as masks are now.
     *
     * @param masks of the prunable tensors, by their paths
     * @return of tensors whose layers are known the weights alive that are idle, wherever the
     *     tensor is used; by the paths of the tensors
     */
    Map<String, BitSet> find(Map<String, Mask> masks) {
        Map<String, BitSet> idle = new HashMap<>();
        if (layers.isEmpty() || masks.values().stream().allMatch(Mask::isDense)) {
            return idle;
        }
        Map<Convolution, boolean[]> links = new IdentityHashMap<>();
        Paths paths =
                Paths.of(
                        layers.get().graph(),
                        layer -> links.computeIfAbsent(layer, one -> links(one, masks)));
        links.forEach(
                (layer, linked) -> {
                    ParameterInfo info = info(layer);
                    BitSet here = idle(layer, info, masks.get(info.path()), paths);
                    idle.computeIfAbsent(info.path(), path -> here).and(here);
                });
        return idle;
    }

    /** What is not prunable, or lies otherwise than its layer, has all weights. */
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
        Mask mask = masks.get(info.path());
        boolean[] linked = new boolean[connections.outputs() * inputs];
        for (int i = 0; i < mask.size(); i++) {
            if (mask.isAlive(i)) {
                linked[connections.output(i) * inputs + connections.input(i)] = true;
            }
        }
        return linked;
    }

    private ParameterInfo info(Convolution layer) {
        Parameter weight = layers.orElseThrow().weight(layer);
        return weight == null ? null : infosById.get(weight.getId());
    }

    private static BitSet idle(Convolution layer, ParameterInfo info, Mask mask, Paths paths) {
        Connections connections = info.connections();
        BitSet idle = new BitSet();
        if (paths.passAll(layer)) {
            return idle;
        }
        for (int i = 0; i < mask.size(); i++) {
            if (mask.isAlive(i)
                    && !paths.pass(layer, connections.output(i), connections.input(i))) {
                idle.set(i);
            }
        }
        return idle;
    }
}
