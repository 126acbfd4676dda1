package io.flipout.djl.torchscript;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import io.flipout.graph.Convolution;
import io.flipout.graph.Graph;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the layers of a block read of each other. It is a {@link Graph} without the numbers: all
 * weights, biases and statistics are 0 in it.
 */
public final class LayerGraph {

    private static final Logger logger = LoggerFactory.getLogger(LayerGraph.class);

    private final Graph graph;
    private final Map<String, Parameter> weights;

    private LayerGraph(Graph graph, Map<String, Parameter> weights) {
        this.graph = graph;
        this.weights = weights;
    }

    /**
     * Follows a block in evaluation mode, with two and three zeros of the input that it was
     * initialised for.
     *
     * @param block the network, initialised
     * @return its layers; empty if the block does not tell its input, or does what no graph has
     */
    public static Optional<LayerGraph> of(Block block) {
        try {
            Shape[] inputs = block.getInputShapes();
            if (inputs == null || inputs.length != 1) {
                return Optional.empty();
            }
            Map<List<String>, Parameter> tensors = new HashMap<>();
            Graph graph =
                    TorchScriptExporter.builder()
                            .build()
                            .graph(
                                    block,
                                    inputs[0],
                                    (tree, constants) -> new Sizes(tree, constants, tensors));
            Map<String, Parameter> weights = new HashMap<>();
            tensors.forEach((path, tensor) -> weights.put(String.join(".", path), tensor));
            return Optional.of(new LayerGraph(graph, weights));
        } catch (RuntimeException e) {
            // A block may do what it likes in Java, and trains though it cannot be followed.
            logger.debug("The paths through the network are not known: {}", e.getMessage());
            return Optional.empty();
        }
    }

    /**
     * Returns the layers and what is between them.
     *
     * @return the graph
     */
    public Graph graph() {
        return graph;
    }

    /**
     * Returns the parameter that a layer's weights are.
     *
     * @param layer a layer of the graph
     * @return the parameter
     */
    public Parameter weight(Convolution layer) {
        return weights.get(layer.name() + ".weight");
    }

    /** Tensors of a block of which nothing is kept but their sizes. */
    private static final class Sizes implements ScriptGraph.Tensors {

        private final List<Value> constants;
        private final Map<List<String>, Parameter> tensors;

        Sizes(ModuleTree tree, List<Value> constants, Map<List<String>, Parameter> tensors) {
            this.constants = constants;
            this.tensors = tensors;
            add(tree.root(), List.of());
        }

        private void add(ModuleTree.Node node, List<String> path) {
            node.tensors().forEach((name, tensor) -> tensors.put(append(path, name), tensor));
            node.children().forEach((name, child) -> add(child, append(path, name)));
        }

        private static List<String> append(List<String> path, String name) {
            return Stream.concat(path.stream(), Stream.of(name)).toList();
        }

        @Override
        public LayerTensor attribute(List<String> path) {
            Parameter tensor = tensors.get(path);
            return tensor == null ? null : zeros(tensor.getArray());
        }

        @Override
        public LayerTensor constant(int index) {
            return index < constants.size() ? zeros(constants.get(index).array()) : null;
        }

        private static LayerTensor zeros(NDArray array) {
            return array.getDataType() == DataType.FLOAT32
                    ? new LayerTensor(BlockTensors.sizes(array), new float[0], new int[0])
                    : null;
        }
    }
}
