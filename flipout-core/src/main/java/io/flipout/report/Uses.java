package io.flipout.report;

import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractSymbolBlock;
import ai.djl.nn.Block;
import ai.djl.nn.ParallelBlock;
import ai.djl.nn.Parameter;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.convolutional.Deconvolution;
import ai.djl.nn.core.Linear;
import ai.djl.nn.transformer.ScaledDotProductAttentionBlock;
import ai.djl.util.Pair;
import ai.djl.util.PairList;
import io.flipout.mask.Connections;
import io.flipout.mask.ModuleBlock;
import io.flipout.mask.ParameterInfo;
import java.util.Collections;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * How often each weight of a tensor is multiplied in a forward pass of one sample: at every
 * position of a convolution's output or a sequence, by every block that shares it.
 */
final class Uses {

    private final Map<String, ParameterInfo> infosById = new HashMap<>();
    private final Map<String, Long> usesById = new HashMap<>();
    private final Set<Block> seen = Collections.newSetFromMap(new IdentityHashMap<>());
    private boolean isShared;

    Uses(Block network, List<ParameterInfo> parameters) {
        parameters.forEach(info -> infosById.put(info.parameter().getId(), info));
        lookForShared(network);
        visit(network, described(network));
    }

    /** Returns how often a weight of a parameter is used; -1 where the block does not tell. */
    long of(ParameterInfo info) {
        return usesById.getOrDefault(info.parameter().getId(), -1L);
    }

    private void lookForShared(Block block) {
        isShared = isShared || !seen.add(block);
        block.getChildren().values().forEach(this::lookForShared);
    }

    /** Visits a block as often as it stands in the network; inputs are null where unknown. */
    private void visit(Block block, Shape[] inputs) {
        for (Pair<String, Parameter> pair : block.getDirectParameters()) {
            Parameter parameter = pair.getValue();
            ParameterInfo info = infosById.get(parameter.getId());
            if (info != null) {
                long uses =
                        block instanceof ModuleBlock module
                                ? told(module, pair.getKey(), info)
                                : uses(block, info, inputs);
                usesById.merge(parameter.getId(), uses, (a, b) -> Math.min(a, b) < 0 ? -1 : a + b);
            }
        }
        if (block instanceof ScaledDotProductAttentionBlock && inputs != null) {
            visitAttention(block, inputs);
            return;
        }
        Shape[] shapes = isShared ? inputs : null;
        for (Block child : block.getChildren().values()) {
            boolean isKnown = block instanceof SequentialBlock || block instanceof ParallelBlock;
            Shape[] given = isKnown ? shapes : null;
            visit(child, given == null ? described(child) : given);
            if (block instanceof SequentialBlock && given != null) {
                shapes = outputs(child, given);
            }
        }
    }

    /**
     * The projections of keys, queries and values, and of the result, which is as long as the
     * queries. They describe their inputs without the length of the sequence.
     */
    private void visitAttention(Block attention, Shape[] inputs) {
        int[] lengths = inputs.length < 3 ? new int[4] : new int[] {0, 1, 2, 1};
        for (int i = 0; i < lengths.length; i++) {
            Block projection = attention.getChildren().valueAt(i);
            visit(projection, new Shape[] {inputs[lengths[i]]});
        }
    }

    /** A shared block describes its last input only, which is that of its last place. */
    private static Shape[] described(Block block) {
        if (block instanceof AbstractSymbolBlock) {
            return null; // A loaded module does not know.
        }
        PairList<String, Shape> inputs;
        try {
            inputs = block.describeInput();
        } catch (IllegalStateException | IllegalArgumentException e) {
            return null; // It has not been initialised.
        }
        if (inputs == null || inputs.isEmpty()) {
            return null;
        }
        Shape[] shapes = inputs.values().toArray(new Shape[0]);
        if (block.getClass() == Linear.class) {
            // DJL's own tells its input without the features.
            long features = block.getDirectParameters().valueAt(0).getArray().getShape().get(1);
            shapes[0] = shapes[0].add(features);
        }
        return shapes;
    }

    private static Shape[] outputs(Block block, Shape[] inputs) {
        if (block instanceof AbstractSymbolBlock) {
            return null; // A loaded module would compute.
        }
        try {
            return block.getOutputShapes(inputs);
        } catch (RuntimeException e) {
            return null; // What a function of the user's own makes of arrays of zeros.
        }
    }

    private static long told(ModuleBlock module, String name, ParameterInfo info) {
        return isSummed(info) ? module.uses(name).orElse(-1) : 0;
    }

    private static boolean isSummed(ParameterInfo info) {
        return switch (info.role().kind()) {
            case BIAS, NORM, OTHER -> false; // What is added, or multiplied and not summed.
            case EMBEDDING -> false; // Looked up.
            default -> true;
        };
    }

    private static long uses(Block owner, ParameterInfo info, Shape[] inputs) {
        if (!isSummed(info)) {
            return 0;
        }
        return switch (info.role().kind()) {
            case WEIGHT_COLLECTION -> 1;
            default -> inputs == null || inputs.length == 0 ? -1 : uses(owner, info, inputs[0]);
        };
    }

    private static long uses(Block owner, ParameterInfo info, Shape input) {
        Connections connections = info.connections();
        long values = input.size() / Math.max(1, input.get(0));
        return switch (info.role().kind()) {
            case RECURRENT_WEIGHT -> input.dimension() == 3 ? input.get(1) : -1; // Steps.
            case TRANSPOSED_WEIGHT -> quotient(values, connections.inputs());
            default -> {
                if (owner instanceof Linear || owner instanceof Deconvolution) {
                    yield quotient(values, connections.inputs());
                }
                if (owner.getDirectParameters().size() > 2) {
                    yield -1;
                }
                Shape output = owner.getOutputShapes(new Shape[] {input})[0];
                yield quotient(output.size() / Math.max(1, output.get(0)), connections.outputs());
            }
        };
    }

    private static long quotient(long values, long channels) {
        return values > 0 && channels > 0 && values % channels == 0 ? values / channels : -1;
    }
}
