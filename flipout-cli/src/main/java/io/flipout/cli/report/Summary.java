package io.flipout.cli.report;

import com.fasterxml.jackson.databind.JsonNode;
import io.flipout.cli.comparison.RunFiles;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;

/**
 * What {@code summary.json} tells of a run beside its accuracy; the epochs that were planned, of
 * one that is not finished.
 */
record Summary(
        String model,
        String dataset,
        int epochs,
        OptionalInt planned,
        long weights,
        List<Layer> layers) {

    /** A prunable parameter at the end of a run. */
    record Layer(String name, long weights, long remaining) {

        double density() {
            return (double) remaining / weights;
        }
    }

    static Summary read(Path runFolder) throws IOException {
        JsonNode node = RunFiles.summary(runFolder);
        List<Layer> layers = new ArrayList<>();
        for (JsonNode layer : node.path("layers")) {
            layers.add(
                    new Layer(
                            layer.path("name").asText(),
                            layer.path("weights").asLong(),
                            layer.path("remaining").asLong()));
        }
        return new Summary(
                node.path("model").asText(),
                node.path("dataset").asText(),
                node.path("epochs").asInt(),
                node.has("planned_epochs")
                        ? OptionalInt.of(node.path("planned_epochs").asInt())
                        : OptionalInt.empty(),
                node.path("prunable_weights").asLong(),
                layers);
    }
}
