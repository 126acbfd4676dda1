package io.flipout.djl.torchscript;

import ai.djl.Device;
import ai.djl.MalformedModelException;
import ai.djl.Model;
import ai.djl.engine.Engine;
import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.SymbolBlock;
import ai.djl.training.ParameterStore;
import ai.djl.util.Pair;
import io.flipout.djl.data.Normalization;
import io.flipout.djl.torchscript.SizeSolver.Unsolvable;
import io.flipout.graph.Graph;
import io.flipout.graph.Passes;
import io.flipout.tensor.Transfers;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Writes any network of DJL blocks as a TorchScript file, which Python, C++ and DJL load.
 *
 * <pre>{@code
 * TorchScriptExporter.builder()
 *         .optCompression(Compression.SPARSE)
 *         .build()
 *         .export(model.getBlock(), Path.of("pruned.pt"), new Shape(1, 3, 32, 32));
 * }</pre>
 *
 * <p>The block is run a few times on arrays that write down what it does (see {@link Tracer}), with
 * inputs of different sizes: the size of the batch stays free, and height and width stay free where
 * the network allows it and are checked by the module where it does not. Batch norm and dropout
 * follow the module's {@code training}, so the module can be fine-tuned in Python. What a block
 * decides in Java while it is traced stays as it was decided.
 *
 * <p>A file is written beside the target and takes its place only at the end. Before, it is loaded
 * through DJL and its outputs compared with the block's.
 */
public final class TorchScriptExporter {

    /** How far outputs may be apart, by the largest output. */
    private static final float TOLERANCE = 1e-5f;

    /** The same where weights were multiplied and added up anew. */
    private static final float COMPACTED_TOLERANCE = 1e-4f;

    /** How many times as fast a product with a sparse matrix must be. */
    private static final double SPARSE_FROM = 2.5;

    /** What is added to the sizes of an image: a multiple of what networks divide it by. */
    private static final long STRETCH = 32;

    private final Compression compression;
    private final ScriptMetadata metadata;
    private final Normalization preprocessing; // null: none
    private final boolean verify;
    private final boolean compact;
    private final boolean allChannels;
    private final double sparseFrom;
    private final DataType[] inputTypes;
    private final Operations operations;

    private TorchScriptExporter(Builder builder) {
        compression = builder.compression;
        metadata = builder.metadata;
        preprocessing = builder.preprocessing;
        verify = builder.verify;
        compact = builder.compact || builder.folded;
        allChannels = !builder.compact;
        sparseFrom = builder.compact ? builder.sparseFrom : Double.POSITIVE_INFINITY;
        inputTypes = builder.inputTypes;
        operations = new Operations(builder.operations);
    }

    /**
     * Creates a builder.
     *
     * @return a new builder
     */
    public static Builder builder() {
        return new Builder();
    }

    /**
     * Exports a block.
     *
     * @param block the network, initialised
     * @param target the file to write; an existing one is replaced at the end
     * @param inputShapes the shape of each input, the batch first (of any size); if none are given,
     *     those that the block was initialised with
     * @return what is left of each layer, if the export is compacted; else empty
     * @throws TorchScriptException if the network does what TorchScript cannot express, or what
     *     compaction does not know, or the file does not compute what the block does
     * @throws IOException if the file cannot be written
     */
    public List<CompactedLayer> export(Block block, Path target, Shape... inputShapes)
            throws IOException {
        Shape[] shapes = checked(block, inputShapes);
        List<Tracer> tracers = new ArrayList<>();
        try {
            Traced traced = trace(block, shapes, tracers);
            if (compact) {
                return exportCompacted(block, traced, target);
            }
            ScriptWriter writer =
                    new ScriptWriter(
                            ModuleTree.of(block), traced.merged(), traced.checks(), compression);
            write(writer, target, traced.traces());
            return List.of();
        } finally {
            tracers.forEach(Tracer::close);
        }
    }

    /** The shapes of the inputs, after a look at the block. */
    private static Shape[] checked(Block block, Shape[] inputShapes) {
        refuseModules("", block);
        if (!block.isInitialized()) {
            throw new TorchScriptException(
                    "The network is not initialised: call block.initialize(...), or train it.");
        }
        Shape[] shapes = inputShapes.length > 0 ? inputShapes : block.getInputShapes();
        if (shapes == null || shapes.length == 0) {
            throw new TorchScriptException(
                    "The network does not tell what input it takes: give the shapes,"
                            + " export(block, path, new Shape(1, 3, 32, 32)).");
        }
        return shapes;
    }

    /**
     * Traces a block as for an export, and makes a network of it that can be computed without
     * PyTorch. Its weights are those of now.
     *
     * @param block the network, initialised
     * @param inputShape the shape of its input, the batch first (of any size)
     * @return the network
     * @throws TorchScriptException if the network does what a trace cannot follow or what only
     *     PyTorch computes
     */
    public TorchScriptGraph graph(Block block, Shape inputShape) {
        Shape[] shapes = checked(block, new Shape[] {inputShape});
        List<Tracer> tracers = new ArrayList<>();
        try {
            return graph(block, trace(block, shapes, tracers), BlockTensors::new);
        } finally {
            tracers.forEach(Tracer::close);
        }
    }

    /** Makes the graph of a block for images of one size, of other numbers than its own. */
    Graph graph(Block block, Shape inputShape, Numbers numbers) {
        Shape[] shapes = checked(block, new Shape[] {inputShape});
        List<Tracer> tracers = new ArrayList<>();
        try {
            return graph(block, trace(block, shapes, tracers), numbers).graph(axes(inputShape));
        } finally {
            tracers.forEach(Tracer::close);
        }
    }

    /** Where a graph takes its numbers from: modules, and constants of the code. */
    interface Numbers {
        ScriptGraph.Tensors of(ModuleTree tree, List<Value> constants);
    }

    private List<CompactedLayer> exportCompacted(Block block, Traced traced, Path target)
            throws IOException {
        if (!allChannels) {
            refuseOldPyTorch();
        }
        Value input = traced.merged().inputs().get(0);
        Graph graph = graph(block, traced, BlockTensors::new).graph(axes(input.shape()));
        try (NDManager manager = NDManager.newBaseManager(Device.cpu())) {
            Graph small = allChannels ? Passes.folded(graph) : Passes.forPyTorch(graph);
            CompactedModule module = new CompactedModule(graph, small, input, sparseFrom, manager);
            ScriptWriter writer =
                    new ScriptWriter(module.tree(), module.trace(), traced.checks(), compression);
            write(writer, target, traced.traces());
            return module.layers();
        }
    }

    /** What LibTorch 2.0 makes of such code when it has run it twice ends in a crash. */
    private static void refuseOldPyTorch() {
        String version = Engine.getEngine("PyTorch").getVersion();
        if (version.startsWith("2.0.") || version.startsWith("1.")) {
            throw new TorchScriptException(
                    "LibTorch "
                            + version
                            + " crashes on compacted files: export with PyTorch 2.1 or newer, or"
                            + " without compaction.");
        }
    }

    private static int[] axes(Shape shape) {
        int[] axes = new int[shape.dimension() - 1];
        for (int i = 0; i < axes.length; i++) {
            axes[i] = Math.toIntExact(shape.get(i + 1));
        }
        return axes;
    }

    private static TorchScriptGraph graph(Block block, Traced traced, Numbers numbers) {
        ModuleTree tree = ModuleTree.of(block);
        ModuleCode code = new ModuleCode(tree, traced.merged(), traced.checks(), Map.of());
        return TorchScriptGraph.of(
                "The network",
                code.text(),
                code.className(tree.root()),
                numbers.of(tree, code.constants()));
    }

    /** What a TorchScript module computes cannot be seen from its calls. */
    private static void refuseModules(String path, Block block) {
        if (block instanceof SymbolBlock) {
            throw new TorchScriptException(
                    path.isEmpty()
                            ? "The network is TorchScript already: write it by"
                                    + " TorchScriptModels.save(model, path)."
                            : "The block "
                                    + path
                                    + " is a TorchScript module, which cannot be written into"
                                    + " another: write it by TorchScriptModels.save and export the"
                                    + " blocks after it by themselves.");
        }
        for (Pair<String, Block> child : block.getChildren()) {
            refuseModules(
                    path.isEmpty() ? child.getKey() : path + "." + child.getKey(),
                    child.getValue());
        }
    }

    /** The traces, what they merge to, and the sizes that are not free. */
    private record Traced(List<Trace> traces, Trace merged, List<SizeCheck> checks) {}

    private Traced trace(Block block, Shape[] shapes, List<Tracer> tracers) {
        Trace two;
        Trace three;
        try {
            two = run(block, tracers, shapes, 2, Axes.NONE);
            three = run(block, tracers, shapes, 3, Axes.NONE);
        } catch (EngineException e) {
            throw new TorchScriptException(
                    "The network does not take input of shape "
                            + Arrays.toString(shapes)
                            + ": "
                            + EngineMessages.reason(e)
                            + ". Give the shapes of its training, and where inputs are no float32,"
                            + " such as tokens, their types by optInputTypes(DataType.INT64).",
                    e);
        }
        Trace batchFree;
        try {
            batchFree = SizeSolver.merge(List.of(two, three));
        } catch (Unsolvable e) {
            throw new TorchScriptException(
                    "The network cannot be exported for any size of the batch, as with another"
                            + " one "
                            + e.getMessage()
                            + ".");
        }
        for (Axes free : Axes.ATTEMPTS) {
            try {
                Trace stretched = run(block, tracers, shapes, 2, free);
                List<Trace> all = List.of(two, three, stretched);
                Trace merged = SizeSolver.merge(all);
                if (sameBatch(two, stretched)) {
                    return new Traced(all, merged, checks(two, free));
                }
            } catch (Unsolvable | RuntimeException e) {
                // The network takes no other sizes along these axes.
            }
        }
        return new Traced(List.of(two, three), batchFree, checks(two, Axes.NONE));
    }

    /** Which axes of the inputs, beside the batch, may have another size. */
    private enum Axes {
        /** Height and width, or whatever comes after the channels. */
        AFTER_CHANNELS,
        /** The axis after the batch, as that of the time steps of a sequence. */
        AFTER_BATCH,
        /** None. */
        NONE;

        static final List<Axes> ATTEMPTS = List.of(AFTER_CHANNELS, AFTER_BATCH);

        boolean contains(int axis) {
            return this == AFTER_CHANNELS ? axis >= 2 : this == AFTER_BATCH && axis == 1;
        }
    }

    private Trace run(Block block, List<Tracer> tracers, Shape[] shapes, int batch, Axes free) {
        Tracer tracer = new Tracer(block, operations, Device.cpu());
        tracers.add(tracer);
        NDList inputs = new NDList();
        boolean stretched = false;
        for (int i = 0; i < shapes.length; i++) {
            long[] sizes = shapes[i].getShape().clone();
            sizes[0] = batch;
            for (int axis = 1; axis < sizes.length; axis++) {
                if (free.contains(axis)) {
                    sizes[axis] += STRETCH * Math.max(1, axis - 1); // Height and width differ.
                    stretched = true;
                }
            }
            inputs.add(example(tracer.manager(), new Shape(sizes), type(i)));
        }
        if (free != Axes.NONE && !stretched) {
            throw new IllegalArgumentException("No input has such an axis.");
        }
        try {
            return tracer.trace(inputs, this::preprocess);
        } catch (RuntimeException e) {
            tracer.close(); // Its arrays are of no more use.
            throw e;
        }
    }

    /** Turns pixels of 0 to 255 into what the network was trained on. */
    private NDList preprocess(NDList inputs) {
        if (preprocessing == null) {
            return inputs;
        }
        NDArray pixels = inputs.get(0);
        NDManager manager = pixels.getManager();
        Shape channels = new Shape(1, preprocessing.mean().length, 1, 1);
        NDList processed = new NDList(inputs);
        processed.set(
                0,
                pixels.toType(DataType.FLOAT32, false)
                        .div(255)
                        .sub(manager.create(preprocessing.mean(), channels))
                        .div(manager.create(preprocessing.std(), channels)));
        return processed;
    }

    private DataType type(int input) {
        return input < inputTypes.length ? inputTypes[input] : DataType.FLOAT32;
    }

    private NDArray example(NDManager manager, Shape shape, DataType type) {
        if (type.isFloating()) {
            NDArray values =
                    preprocessing == null
                            ? manager.randomNormal(shape)
                            : manager.randomUniform(0f, 255f, shape);
            return values.toType(type, false);
        }
        return manager.randomUniform(0f, 2f, shape).toType(type, false); // Valid as indices.
    }

    private static boolean sameBatch(Trace one, Trace other) {
        for (int i = 0; i < one.outputs().size(); i++) {
            Shape a = one.outputs().get(i).shape();
            Shape b = other.outputs().get(i).shape();
            if (a.dimension() != b.dimension() || (a.dimension() > 0 && a.get(0) != b.get(0))) {
                return false;
            }
        }
        return true;
    }

    private static List<SizeCheck> checks(Trace trace, Axes free) {
        List<SizeCheck> checks = new ArrayList<>();
        for (Value input : trace.inputs()) {
            StringBuilder shape = new StringBuilder("(batch");
            for (int axis = 1; axis < input.shape().dimension(); axis++) {
                shape.append(", ");
                shape.append(free.contains(axis) ? "any" : input.shape().get(axis));
            }
            shape.append(')');
            for (int axis = 1; axis < input.shape().dimension(); axis++) {
                if (!free.contains(axis)) {
                    checks.add(new SizeCheck(input, axis, shape.toString()));
                }
            }
        }
        return checks;
    }

    private void write(ScriptWriter writer, Path target, List<Trace> traces) throws IOException {
        Map<String, byte[]> extras = new LinkedHashMap<>();
        ScriptMetadata told = metadata;
        if (compact) {
            told = told == null ? ScriptMetadata.NONE.ofCompacted() : told.ofCompacted();
        }
        if (told != null) {
            extras.put(ScriptMetadata.NAME, told.toJson().getBytes(StandardCharsets.UTF_8));
        }
        String root = TorchScriptFile.stem(target).replaceAll("[^A-Za-z0-9_-]", "_");
        TorchScriptFile.replace(
                target,
                path -> {
                    try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(path))) {
                        writer.write(out, root, extras);
                    }
                    if (verify) {
                        verify(path, target, traces);
                    }
                });
    }

    private void verify(Path file, Path target, List<Trace> traces) throws IOException {
        try (Model model = Model.newInstance("export", Device.cpu(), "PyTorch")) {
            model.load(file); // From a path: a stream would be held in memory as a whole.
            for (Trace trace : traces) {
                verify(model, target, trace);
            }
        } catch (MalformedModelException e) {
            throw new TorchScriptException(
                    "PyTorch cannot load what was exported to " + target + ": " + e.getMessage(),
                    e);
        }
    }

    private void verify(Model model, Path target, Trace trace) {
        try (NDManager manager = model.getNDManager().newSubManager()) {
            NDList inputs = new NDList();
            for (Value input : trace.inputs()) {
                NDArray copy = input.array().duplicate();
                copy.attach(manager);
                inputs.add(copy);
            }
            NDList outputs =
                    model.getBlock().forward(new ParameterStore(manager, false), inputs, false);
            outputs.attach(manager);
            for (int i = 0; i < outputs.size(); i++) {
                float difference = difference(trace.outputs().get(i).array(), outputs.get(i));
                if (!(difference <= (compact ? COMPACTED_TOLERANCE : TOLERANCE))) {
                    throw new TorchScriptException(
                            String.format(
                                    Locale.ROOT,
                                    "The export to %s computes something else than the network:"
                                            + " output %d differs by %.2g of its largest value. The"
                                            + " network may decide in Java what to compute.",
                                    target,
                                    i,
                                    difference));
                }
            }
        }
    }

    /** The largest difference, by the largest value. */
    static float difference(NDArray expected, NDArray actual) {
        if (!expected.getShape().equals(actual.getShape())) {
            return Float.POSITIVE_INFINITY;
        }
        float[] a = Transfers.floats(expected);
        float[] b = Transfers.floats(actual);
        float largest = 0;
        float difference = 0;
        for (int i = 0; i < a.length; i++) {
            if (Float.floatToIntBits(a[i]) != Float.floatToIntBits(b[i])) {
                float apart = Math.abs(a[i] - b[i]);
                if (Float.isNaN(apart)) {
                    return apart;
                }
                difference = Math.max(difference, apart);
            }
            largest = Math.max(largest, Math.abs(a[i]));
        }
        return difference == 0 ? 0 : difference / largest;
    }

    /** Builds a {@link TorchScriptExporter}. */
    public static final class Builder {

        private Compression compression = Compression.NONE;
        private ScriptMetadata metadata;
        private Normalization preprocessing;
        private boolean verify = true;
        private boolean compact;
        private boolean folded;
        private double sparseFrom = SPARSE_FROM;
        private DataType[] inputTypes = {};
        private final Map<String, Operation> operations = new HashMap<>();

        private Builder() {}

        /**
         * Sets how weights are stored.
         *
         * @param compression the way, default {@link Compression#NONE}
         * @return this builder
         */
        public Builder optCompression(Compression compression) {
            this.compression = compression;
            return this;
        }

        /**
         * Sets what travels along in the file.
         *
         * @param metadata the metadata, default none
         * @return this builder
         */
        public Builder optMetadata(ScriptMetadata metadata) {
            this.metadata = metadata;
            return this;
        }

        /**
         * Puts scaling and normalisation inside the module, so that it takes images of raw pixels,
         * 0 to 255, as floats.
         *
         * @param normalization the mean and deviation of each channel
         * @return this builder
         */
        public Builder optPreprocessing(Normalization normalization) {
            preprocessing = normalization;
            return this;
        }

        /**
         * Sets whether the module is made smaller for inference: batch norm goes into the layers
         * before it, and channels that are pruned away, or that are the same for every input, are
         * gone from the weights. It computes the same, faster, and can no longer be trained as the
         * network can.
         *
         * @param compact true to make it smaller, default false
         * @return this builder
         */
        public Builder optCompact(boolean compact) {
            this.compact = compact;
            return this;
        }

        /**
         * Sets whether a compact module multiplies by those weights alone that are not 0, in
         * convolutions where that is some two and a half times as fast on one thread of a CPU, or
         * more. PyTorch uses one thread for it, however many there are: leave it out where many are
         * to share one image. On a GPU all are computed densely anyway.
         *
         * @param sparse false for dense convolutions only, default true
         * @return this builder
         */
        public Builder optSparseProducts(boolean sparse) {
            return optSparseFrom(sparse ? SPARSE_FROM : Double.POSITIVE_INFINITY);
        }

        /** Sets how many times as fast they must be, by {@link SparseProduct#gain}. */
        Builder optSparseFrom(double gain) {
            sparseFrom = gain;
            return this;
        }

        /**
         * Sets whether batch norm goes into the layers before it, with all channels and weights as
         * they are: what a pruned network is measured by. A compact module has it anyway.
         *
         * @param folded true to fold it, default false
         * @return this builder
         */
        public Builder optFolded(boolean folded) {
            this.folded = folded;
            return this;
        }

        /**
         * Sets whether the file is loaded and compared with the block.
         *
         * @param verify false to skip it, default true
         * @return this builder
         */
        public Builder optVerify(boolean verify) {
            this.verify = verify;
            return this;
        }

        /**
         * Sets the types of the inputs.
         *
         * @param types the type of each input, default float32
         * @return this builder
         */
        public Builder optInputTypes(DataType... types) {
            inputTypes = Arrays.copyOf(types, types.length);
            return this;
        }

        /**
         * Registers how a method is written in TorchScript, in place of a translation that exists.
         *
         * @param method the name of a method of {@link NDArray} or {@link
         *     ai.djl.ndarray.internal.NDArrayEx}
         * @param operation its translation
         * @return this builder
         */
        public Builder optOperation(String method, Operation operation) {
            operations.put(method, operation);
            return this;
        }

        /**
         * Builds the exporter.
         *
         * @return the exporter
         */
        public TorchScriptExporter build() {
            return new TorchScriptExporter(this);
        }
    }
}
