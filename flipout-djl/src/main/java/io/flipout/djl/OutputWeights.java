package io.flipout.djl;

import ai.djl.nn.Block;
import ai.djl.nn.ParallelBlock;
import io.flipout.mask.ParameterInfo;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The weights that make a network's outputs, of whose filters none can be done without. */
final class OutputWeights {

    private final Map<String, ParameterInfo> byId = new HashMap<>();

    private OutputWeights(List<ParameterInfo> parameters) {
        parameters.forEach(info -> byId.put(info.parameter().getId(), info));
    }

    static Set<ParameterInfo> of(Block block, List<ParameterInfo> parameters) {
        return new OutputWeights(parameters).of(block);
    }

    /** Returns the last weight of a block, or that of each branch. */
    private Set<ParameterInfo> of(Block part) {
        Set<ParameterInfo> found = new HashSet<>();
        List<Block> children = new ArrayList<>(part.getChildren().values());
        Collections.reverse(children);
        for (Block child : children) {
            found.addAll(of(child));
            if (!found.isEmpty() && !(part instanceof ParallelBlock)) {
                return found;
            }
        }
        if (found.isEmpty()) {
            part.getDirectParameters().values().stream()
                    .map(parameter -> byId.get(parameter.getId()))
                    .filter(info -> info != null && info.role().kind().isWeight())
                    .reduce((earlier, later) -> later)
                    .ifPresent(found::add);
        }
        return found;
    }
}
