package io.flipout.djl.torchscript;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.DataType;
import ai.djl.nn.Parameter;
import io.flipout.tensor.Transfers;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;

/** Copies of the numbers of a block, by the attributes that its code knows them by. */
final class BlockTensors implements ScriptGraph.Tensors {

    private final Map<List<String>, LayerTensor> attributes = new HashMap<>();
    private final List<LayerTensor> constants = new ArrayList<>();

    BlockTensors(ModuleTree tree, List<Value> constants) {
        add(tree.root(), List.of());
        constants.forEach(constant -> this.constants.add(stored(constant.array())));
    }

    private void add(ModuleTree.Node node, List<String> path) {
        for (Map.Entry<String, Parameter> entry : node.tensors().entrySet()) {
            attributes.put(append(path, entry.getKey()), stored(entry.getValue().getArray()));
        }
        for (Map.Entry<String, ModuleTree.Node> child : node.children().entrySet()) {
            add(child.getValue(), append(path, child.getKey()));
        }
    }

    private static List<String> append(List<String> path, String name) {
        List<String> longer = new ArrayList<>(path);
        longer.add(name);
        return longer;
    }

    private static LayerTensor stored(NDArray array) {
        if (array.getDataType() != DataType.FLOAT32) {
            return null;
        }
        return new LayerTensor(sizes(array), Transfers.floats(array), null);
    }

    static int[] sizes(NDArray array) {
        return LongStream.of(array.getShape().getShape()).mapToInt(Math::toIntExact).toArray();
    }

    @Override
    public LayerTensor attribute(List<String> path) {
        return attributes.get(path);
    }

    @Override
    public LayerTensor constant(int index) {
        return index < constants.size() ? constants.get(index) : null;
    }
}
