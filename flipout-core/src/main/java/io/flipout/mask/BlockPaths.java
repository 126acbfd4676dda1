package io.flipout.mask;

import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.util.Pair;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Names the parameters of a network by their path through its blocks.
 *
 * <p>DJL's parameter ids are random and its {@link Block#getParameters()} joins names by
 * underscores, which occur in names too. A path here is made of the names of the blocks and the
 * parameter, joined by dots, and is the same in every run.
 */
public final class BlockPaths {

    private BlockPaths() {}

    /** A parameter, the block that holds it, and its name there. */
    record Entry(Block block, String name, Parameter parameter) {}

    /**
     * Returns every parameter of a block and its children.
     *
     * @param block the network
     * @return parameters by path, in block order; a parameter shared by several blocks appears
     *     once, under its first path
     */
    public static Map<String, Parameter> parameters(Block block) {
        Map<String, Parameter> parameters = new LinkedHashMap<>();
        entries(block).forEach((path, entry) -> parameters.put(path, entry.parameter()));
        return parameters;
    }

    /**
     * Returns the block that each parameter belongs to.
     *
     * @param block the network
     * @return the owning blocks by the path of the parameter, in block order
     */
    public static Map<String, Block> owners(Block block) {
        Map<String, Block> owners = new LinkedHashMap<>();
        entries(block).forEach((path, entry) -> owners.put(path, entry.block()));
        return owners;
    }

    static Map<String, Entry> entries(Block block) {
        Map<String, Entry> found = new LinkedHashMap<>();
        collect("", block, new LinkedHashMap<>(), found);
        return found;
    }

    private static void collect(
            String prefix, Block block, Map<String, String> seen, Map<String, Entry> found) {
        for (Pair<String, Parameter> pair : block.getDirectParameters()) {
            String path = prefix + pair.getKey();
            if (seen.putIfAbsent(pair.getValue().getId(), path) == null) {
                found.put(path, new Entry(block, pair.getKey(), pair.getValue()));
            }
        }
        for (Pair<String, Block> child : block.getChildren()) {
            collect(prefix + child.getKey() + ".", child.getValue(), seen, found);
        }
    }
}
