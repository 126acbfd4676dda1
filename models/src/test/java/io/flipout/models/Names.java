package io.flipout.models;

import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import java.util.LinkedHashMap;
import java.util.Map;

/** Walks a block and names what it finds by the block path joined by dots, in block order. */
final class Names {

    private Names() {}

    static Map<String, Block> layers(Block block) {
        Map<String, Block> found = new LinkedHashMap<>();
        layers("", block, found);
        return found;
    }

    /** Convolutions and linear layers only. */
    static Map<String, Block> weighted(Block block) {
        Map<String, Block> found = layers(block);
        found.values().removeIf(layer -> !layer.getDirectParameters().contains("weight"));
        return found;
    }

    static Map<String, Parameter> parameters(Block block) {
        Map<String, Parameter> found = new LinkedHashMap<>();
        layers(block)
                .forEach(
                        (path, layer) ->
                                layer.getDirectParameters()
                                        .forEach(
                                                p ->
                                                        found.put(
                                                                path + "." + p.getKey(),
                                                                p.getValue())));
        return found;
    }

    static Map<String, Parameter> trainable(Block block) {
        Map<String, Parameter> found = parameters(block);
        found.values().removeIf(parameter -> !parameter.requiresGradient());
        return found;
    }

    private static void layers(String path, Block block, Map<String, Block> found) {
        if (block.getChildren().isEmpty()) {
            found.put(path, block);
        }
        block.getChildren()
                .forEach(
                        child ->
                                layers(
                                        path.isEmpty()
                                                ? child.getKey()
                                                : path + "." + child.getKey(),
                                        child.getValue(),
                                        found));
    }
}
