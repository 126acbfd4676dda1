package io.flipout.cli.report;

import com.fasterxml.jackson.databind.JsonNode;
import io.flipout.cli.comparison.RunFiles;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** What {@code summary.json} tells of a run beside its accuracy. */
record Summary(String model, String dataset, int epochs, long weights, List<Layer> layers) {

    /** A prunable parameter at the end of a run. */
    record Layer(String name, long weights, long remaining) {

        double density() {
            return (double) remaining / weights;
        }
    }

    static Summary read(Path runFolder) throws IOException {
        JsonNode node = RunFiles.json(runFolder.resolve("summary.json"));
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
                node.path("prunable_weights").asLong(),
                layers);
    }
}
