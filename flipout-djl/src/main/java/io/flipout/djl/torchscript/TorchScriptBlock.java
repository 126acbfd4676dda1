package io.flipout.djl.torchscript;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Parameter;
import ai.djl.nn.ParameterList;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.engine.PtSymbolBlock;
import ai.djl.pytorch.jni.IValueUtils;
import ai.djl.pytorch.jni.JniUtils;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;
import io.flipout.djl.training.PassStore;
import io.flipout.mask.ModuleBlock;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.LongStream;

/**
 * A TorchScript module as a block that is true to its file where DJL's own is not: a parameter of
 * several names is one, what was frozen is frozen, and an evaluation whose gradients are collected
 * has some.
 */
final class TorchScriptBlock extends PtSymbolBlock implements ModuleBlock {

    private final PtNDManager manager;
    private final Map<String, String> firstNames;
    private final Map<String, Submodule> submodules;
    private final Map<String, byte[]> extras;
    private final Optional<LayerUses.Source> source;
    private Map<String, Parameter> parameters;

    /** How often weights are used, of one sample of the shapes; null if not counted yet. */
    private Map<List<Shape>, Optional<Map<String, Long>>> uses = Map.of();

    private PairList<String, Shape> inputDescription;
    private PairList<String, Shape> outputDescription;
    private boolean trains;

    /**
     * Creates the block.
     *
     * @param manager owns the module
     * @param handle the loaded module
     * @param firstNames by each name of a tensor the first that it has
     * @param submodules by the name of a tensor what holds it
     * @param extras what travels in the file beside the module, by name
     * @param source its code, to count how often weights are used
     */
    TorchScriptBlock(
            PtNDManager manager,
            long handle,
            Map<String, String> firstNames,
            Map<String, Submodule> submodules,
            Map<String, byte[]> extras,
            Optional<LayerUses.Source> source) {
        super(manager, handle);
        this.manager = manager;
        this.firstNames = firstNames;
        this.submodules = submodules;
        this.extras = extras;
        this.source = source;
        setMode(true); // Whatever it was saved in, as DJL has it.
    }

    @Override
    public ParameterList getDirectParameters() {
        if (parameters == null) {
            parameters = new LinkedHashMap<>();
            for (NDArray array : JniUtils.moduleGetParams(this, manager)) {
                String name = array.getName();
                if (firstNames.getOrDefault(name, name).equals(name)) {
                    parameters.put(name, parameter(name, array));
                } else {
                    array.close();
                }
            }
        }
        return new ParameterList(parameters);
    }

    private static Parameter parameter(String name, NDArray array) {
        boolean isTrained = array.hasGradient();
        boolean isBias = name.substring(name.lastIndexOf('.') + 1).contains("bias");
        Parameter parameter =
                Parameter.builder()
                        .setName(name)
                        .setType(isBias ? Parameter.Type.BIAS : Parameter.Type.WEIGHT)
                        .optArray(array)
                        .optRequiresGrad(isTrained)
                        .build();
        parameter.freeze(!isTrained);
        return parameter;
    }

    @Override
    public Optional<Submodule> submodule(String parameter) {
        return Optional.ofNullable(submodules.get(parameter));
    }

    @Override
    public OptionalLong uses(String parameter) {
        List<long[]> inputs = samples();
        if (source.isEmpty() || inputs.isEmpty()) {
            return OptionalLong.empty();
        }
        List<Shape> key = inputs.stream().map(Shape::new).toList();
        if (!uses.containsKey(key)) {
            Map<String, long[]> shapes = new HashMap<>();
            getDirectParameters()
                    .forEach(
                            p ->
                                    shapes.put(
                                            p.getKey(),
                                            p.getValue().getArray().getShape().getShape()));
            uses = Map.of(key, LayerUses.count(source.get(), shapes, firstNames, inputs));
        }
        // What the code does not come across is not multiplied at all.
        long times = uses.get(key).map(counted -> counted.getOrDefault(parameter, 0L)).orElse(-1L);
        return times < 0 ? OptionalLong.empty() : OptionalLong.of(times);
    }

    /** The shapes of inputs of one sample; none if they are not known. */
    private List<long[]> samples() {
        List<long[]> samples = new ArrayList<>();
        if (inputShapes != null) {
            for (Shape shape : inputShapes) {
                if (shape.dimension() == 0) {
                    return List.of();
                }
                long[] sizes = shape.getShape().clone();
                sizes[0] = 1;
                samples.add(sizes);
            }
        } else if (extras.containsKey(ScriptMetadata.NAME)) {
            String json = new String(extras.get(ScriptMetadata.NAME), StandardCharsets.UTF_8);
            List<Long> image = ScriptMetadata.fromJson(json).inputShape();
            if (image != null && image.stream().allMatch(Objects::nonNull)) {
                samples.add(
                        LongStream.concat(
                                        LongStream.of(1), image.stream().mapToLong(Long::longValue))
                                .toArray());
            }
        }
        return samples;
    }

    /** Returns the further names of the parameters that have several, by their first. */
    Map<String, List<String>> otherNames() {
        Map<String, List<String>> others = new LinkedHashMap<>();
        firstNames.forEach(
                (name, first) -> {
                    if (!name.equals(first)) {
                        others.computeIfAbsent(first, f -> new ArrayList<>()).add(name);
                    }
                });
        return others;
    }

    /** Returns what travelled in the file beside the module. */
    Map<String, byte[]> extras() {
        return extras;
    }

    /**
     * Computes in the mode that is asked for, and leaves it to the thread whether gradients are
     * recorded, as of any other block. DJL's own evaluates in a way of PyTorch that has none, and
     * that fails on what PyTorch has made of the module while it trained.
     */
    @Override
    protected NDList forwardInternal(
            ParameterStore store,
            NDList inputs,
            boolean training,
            PairList<String, Object> arguments) {
        if (store instanceof PassStore passes) {
            passes.beginPass(inputs.head().getDevice(), training);
        }
        synchronized (this) {
            if (trains != training) {
                setMode(training);
            }
        }
        NDList outputs = IValueUtils.forward(this, inputs, true);
        if (outputDescription == null) {
            inputDescription = shapes(inputs);
            inputShapes = inputs.getShapes();
            outputDescription = shapes(outputs);
        }
        return outputs;
    }

    private void setMode(boolean training) {
        if (training) {
            JniUtils.enableTrainingMode(this);
        } else {
            JniUtils.enableInferenceMode(this);
        }
        trains = training;
    }

    private static PairList<String, Shape> shapes(NDList arrays) {
        PairList<String, Shape> shapes = new PairList<>();
        arrays.forEach(array -> shapes.add(array.getName(), array.getShape()));
        return shapes;
    }

    @Override
    public PairList<String, Shape> describeInput() {
        return inputDescription;
    }

    @Override
    public PairList<String, Shape> describeOutput() {
        return outputDescription;
    }
}
