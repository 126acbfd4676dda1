package io.flipout.djl.torchscript;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Parameter;
import io.flipout.djl.torchscript.ModuleTree.Node;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Writes a traced block as the records of a TorchScript archive. */
final class ScriptWriter {

    /** From this share of zeros on, gaps and values are smaller than deflated zeros. */
    private static final double WORTHWHILE = 0.5;

    private final ModuleTree tree;
    private final ModuleCode code;
    private final Compression compression;
    private int storages;

    ScriptWriter(ModuleTree tree, Trace trace, List<SizeCheck> checks, Compression compression) {
        this.tree = tree;
        this.compression = compression;
        Map<Node, Set<String>> sparse = new HashMap<>();
        if (compression == Compression.SPARSE) {
            collectSparse(tree.root(), sparse);
        }
        code = new ModuleCode(tree, trace, checks, sparse);
    }

    /** A module's state is rebuilt as a whole, so only modules without children qualify. */
    private static void collectSparse(Node node, Map<Node, Set<String>> sparse) {
        Set<String> names = new LinkedHashSet<>();
        node.tensors()
                .forEach(
                        (name, parameter) -> {
                            if (node.children().isEmpty() && isSparse(parameter, name)) {
                                names.add(name);
                            }
                        });
        if (!names.isEmpty()) {
            sparse.put(node, names);
        }
        node.children().values().forEach(child -> collectSparse(child, sparse));
    }

    private static boolean isSparse(Parameter parameter, String name) {
        NDArray array = parameter.getArray();
        if (array.getDataType() != DataType.FLOAT32
                || array.getShape().dimension() < 2
                || !ModuleTree.isIdentifier(name)) {
            return false;
        }
        return SparseState.Entries.of(array).values().length < WORTHWHILE * array.size();
    }

    void write(OutputStream out, String root, Map<String, byte[]> extras) throws IOException {
        try (ArchiveWriter archive = new ArchiveWriter(out, root)) {
            boolean deflate = compression != Compression.NONE;
            PickleWriter data = new PickleWriter();
            module(tree.root(), data, archive);
            archive.write("data.pkl", data.finish(), deflate);
            archive.write(
                    "code/__torch__/flipout.py",
                    code.text().getBytes(StandardCharsets.UTF_8),
                    deflate);
            constants(archive, deflate);
            for (Map.Entry<String, byte[]> extra : extras.entrySet()) {
                archive.write("extra/" + extra.getKey(), extra.getValue(), deflate);
            }
            archive.write("byteorder", "little".getBytes(StandardCharsets.US_ASCII), false);
            String version = code.version() + "\n";
            archive.write("version", version.getBytes(StandardCharsets.US_ASCII), false);
        }
    }

    private void module(Node node, PickleWriter pickle, ArchiveWriter archive) throws IOException {
        pickle.global(ModuleCode.PACKAGE, code.className(node)).newObject();
        if (code.sparse(node).isEmpty()) {
            pickle.emptyDict().mark();
            for (Map.Entry<String, Parameter> entry : node.tensors().entrySet()) {
                pickle.string(entry.getKey());
                tensor(pickle, archive, entry.getValue());
            }
            pickle.string("training").bool(false);
            for (Map.Entry<String, Node> child : node.children().entrySet()) {
                pickle.string(child.getKey());
                module(child.getValue(), pickle, archive);
            }
            pickle.setItems();
        } else {
            state(node, pickle, archive);
        }
        pickle.build();
    }

    private void state(Node node, PickleWriter pickle, ArchiveWriter archive) throws IOException {
        pickle.mark();
        for (Map.Entry<String, Parameter> entry : node.tensors().entrySet()) {
            Parameter parameter = entry.getValue();
            if (code.sparse(node).contains(entry.getKey())) {
                SparseState.Entries entries = SparseState.Entries.of(parameter.getArray());
                Shape shape = new Shape(entries.gaps().length);
                tensor(
                        pickle,
                        archive,
                        "data",
                        DataType.INT32,
                        shape,
                        false,
                        Content.of(entries.gapBytes()));
                tensor(
                        pickle,
                        archive,
                        "data",
                        DataType.FLOAT32,
                        shape,
                        false,
                        Content.of(entries.valueBytes()));
                pickle.global("torch.jit._pickle", "build_intlist");
                pickle.mark().emptyList().mark();
                for (long size : parameter.getArray().getShape().getShape()) {
                    pickle.integer(size);
                }
                pickle.appends().tuple().reduce();
            } else {
                tensor(pickle, archive, parameter);
            }
        }
        pickle.bool(false).tuple();
    }

    private void constants(ArchiveWriter archive, boolean deflate) throws IOException {
        PickleWriter pickle = new PickleWriter();
        if (code.constants().isEmpty()) {
            pickle.emptyTuple();
        } else {
            pickle.mark();
            storages = 0;
            for (Value constant : code.constants()) {
                NDArray array = constant.array();
                tensor(
                        pickle,
                        archive,
                        "constants",
                        array.getDataType(),
                        array.getShape(),
                        false,
                        Content.of(array));
            }
            pickle.tuple();
        }
        archive.write("constants.pkl", pickle.finish(), deflate);
    }

    private void tensor(PickleWriter pickle, ArchiveWriter archive, Parameter parameter)
            throws IOException {
        NDArray array = parameter.getArray();
        tensor(
                pickle,
                archive,
                "data",
                array.getDataType(),
                array.getShape(),
                parameter.requiresGradient(),
                Content.of(array));
    }

    /** Writes a tensor's numbers as a record, and what they mean to the pickle. */
    private void tensor(
            PickleWriter pickle,
            ArchiveWriter archive,
            String folder,
            DataType type,
            Shape shape,
            boolean requiresGradient,
            Content content)
            throws IOException {
        String key = Integer.toString(storages++);
        archive.write(folder + "/" + key, content, compression != Compression.NONE);
        long[] strides = new long[shape.dimension()];
        long stride = 1;
        for (int i = strides.length - 1; i >= 0; i--) {
            strides[i] = stride;
            stride *= shape.get(i);
        }
        pickle.global("torch._utils", "_rebuild_tensor_v2").mark();
        pickle.mark().string("storage").global("torch", ScalarTypes.storage(type));
        pickle.string(key).string("cpu").integer(shape.size()).tuple().persistentId();
        pickle.integer(0).integers(shape.getShape()).integers(strides).bool(requiresGradient);
        pickle.global("collections", "OrderedDict").emptyTuple().reduce();
        pickle.tuple().reduce();
    }
}
