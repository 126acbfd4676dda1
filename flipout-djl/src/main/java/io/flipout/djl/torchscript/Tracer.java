package io.flipout.djl.torchscript;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.training.ParameterStore;
import io.flipout.mask.BlockPaths;
import io.flipout.tensor.Transfers;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Runs a block on arrays that compute as usual and write down every call.
 *
 * <p>DJL's arrays and managers are interfaces, so a proxy can stand in for them whatever the block
 * is made of; nothing is read from inside a block.
 */
final class Tracer implements AutoCloseable {

    private final Block block;
    private final Operations operations;
    private final boolean training;
    private final NDManager manager;
    private final NDManager tracedManager;
    private final Map<String, String> pathsById = new HashMap<>();
    private final Map<String, NDArray> parameters = new LinkedHashMap<>();
    private final Map<String, NDArray> constants = new HashMap<>();
    private final Set<Integer> known = new HashSet<>();
    private final List<Value> values = new ArrayList<>();
    private final List<Statement> statements = new ArrayList<>();
    private String lastParameter = "";

    /** Traces what the block does when it is evaluated. */
    Tracer(Block block, Operations operations, Device device) {
        this(block, operations, device, false);
    }

    /**
     * Makes a tracer.
     *
     * @param training whether the block is to do what it does when it is trained. Its parameters
     *     are then inputs of the trace, after the others, and the block's own stay as they are.
     */
    Tracer(Block block, Operations operations, Device device, boolean training) {
        this.block = block;
        this.operations = operations;
        this.training = training;
        manager = NDManager.newBaseManager(device);
        tracedManager =
                (NDManager)
                        Proxy.newProxyInstance(
                                Tracer.class.getClassLoader(),
                                new Class<?>[] {NDManager.class},
                                new TracedManager(this, manager));
        BlockPaths.parameters(block)
                .forEach((path, parameter) -> pathsById.put(parameter.getId(), path));
    }

    /** The manager of real arrays, which live as long as the tracer. */
    NDManager manager() {
        return manager;
    }

    /** The manager that the block sees. */
    NDManager tracedManager() {
        return tracedManager;
    }

    Operations operations() {
        return operations;
    }

    /**
     * Traces the block.
     *
     * @param inputs real inputs, which this tracer's manager owns
     * @param preprocessing what comes before the block
     */
    Trace trace(NDList inputs, UnaryOperator<NDList> preprocessing) {
        NDList traced = inputs(inputs);
        NDList given = new NDList(traced); // DJL's recurrent blocks put their states into it.
        return finished(traced, block.forward(store(), preprocessing.apply(given), false));
    }

    /**
     * Traces the block as it is trained.
     *
     * @param data real inputs, which this tracer's manager owns
     * @param labels as the data; null where the block is not shown any
     */
    Trace trace(NDList data, NDList labels) {
        NDList inputs = inputs(data);
        NDList given = new NDList(inputs);
        NDList outputs;
        if (labels == null) {
            outputs = block.forward(store(), given, true);
        } else {
            NDList shown = inputs(labels);
            outputs = block.forward(store(), given, new NDList(shown), null);
            inputs.addAll(shown);
        }
        return finished(inputs.addAll(new NDList(parameters.values())), outputs);
    }

    private NDList inputs(NDList reals) {
        NDList traced = new NDList();
        for (NDArray input : reals) {
            NDArray array = TracedArray.of(this, value(Value.Kind.INPUT, null, input));
            array.setName(input.getName());
            traced.add(array);
        }
        return traced;
    }

    private Trace finished(NDList inputs, NDList outputs) {
        List<Value> inputValues = inputs.stream().map(TracedArray::valueOf).toList();
        List<Value> outputValues = outputs.stream().map(this::valueOf).toList();
        forgetSteps(outputValues);
        return new Trace(inputValues, statements, outputValues, values);
    }

    /** The paths of the parameters that have been used, in the order of their use. */
    List<String> usedParameters() {
        return List.copyOf(parameters.keySet());
    }

    /** Whether the block is traced as it is trained. */
    boolean isTraining() {
        return training;
    }

    /** Only their shapes are still of use, and they are many. */
    private void forgetSteps(List<Value> outputs) {
        Set<String> kept =
                Stream.concat(
                                outputs.stream(),
                                values.stream().filter(v -> v.kind() != Value.Kind.RESULT))
                        .map(value -> value.array().getUid())
                        .collect(Collectors.toSet());
        values.stream()
                .map(Value::array)
                .filter(array -> !kept.contains(array.getUid()))
                .forEach(NDArray::close);
    }

    private ParameterStore store() {
        return new ParameterStore(tracedManager, false) {
            @Override
            public NDArray getValue(Parameter parameter, Device device, boolean training) {
                return parameter == null ? null : parameter(parameter);
            }
        };
    }

    private NDArray parameter(Parameter parameter) {
        String path = pathsById.get(parameter.getId());
        if (path == null) {
            throw new TorchScriptException(
                    "The parameter "
                            + parameter.getName()
                            + " is used but belongs to no block: add it to its block with"
                            + " addParameter.");
        }
        lastParameter = path;
        return parameters.computeIfAbsent(
                path,
                p -> {
                    NDArray array = parameter.getArray();
                    if (training) { // A block may change what it is given.
                        try (NDArray numbers = array.stopGradient()) {
                            return TracedArray.of(this, value(Value.Kind.INPUT, p, copy(numbers)));
                        }
                    }
                    if (!array.getDevice().equals(manager.getDevice())) {
                        array = Transfers.copy(array, manager.getDevice(), manager);
                    }
                    return TracedArray.of(this, value(Value.Kind.PARAMETER, p, array));
                });
    }

    /** An array that a block keeps by itself: a parameter taken without the store, or numbers. */
    NDArray adopt(NDArray real) {
        for (Map.Entry<String, Parameter> entry : BlockPaths.parameters(block).entrySet()) {
            Parameter parameter = entry.getValue();
            if (parameter.isInitialized() && parameter.getArray().getUid().equals(real.getUid())) {
                return parameter(parameter);
            }
        }
        return constants.computeIfAbsent(real.getUid(), uid -> constant(copy(real)));
    }

    private NDArray copy(NDArray real) {
        return Transfers.move(real.duplicate(), manager.getDevice(), manager);
    }

    /**
     * Numbers that the block makes without looking at the input. The module reads them afresh every
     * time, on the device of its input: a block may change what it has made.
     */
    NDArray constant(NDArray real) {
        Value constant = value(Value.Kind.CONSTANT, null, copy(real));
        NDArray read =
                result(
                        Expression.of(
                                "torch.to",
                                constant,
                                Expression.of("ops.prim.device", firstInput()),
                                real.getDataType(),
                                false,
                                Expression.COPIES),
                        real);
        known.add(TracedArray.valueOf(read).id());
        return read;
    }

    /** Whether a tensor's numbers are the same whatever the input is. */
    boolean isKnown(Value value) {
        return known.contains(value.id());
    }

    Value valueOf(NDArray array) {
        return TracedArray.isTraced(array)
                ? TracedArray.valueOf(array)
                : TracedArray.valueOf(adopt(array));
    }

    /** Writes down a step that makes new tensors. */
    NDArray result(Expression expression, NDArray real) {
        Value value = value(Value.Kind.RESULT, null, real);
        statements.add(new Statement(expression, List.of(value), false));
        return TracedArray.of(this, value);
    }

    /** Writes down a step that makes several tensors. */
    NDList results(Expression expression, NDList reals, boolean isList) {
        List<Value> results = new ArrayList<>();
        NDList traced = new NDList();
        for (NDArray real : reals) {
            Value value = value(Value.Kind.RESULT, null, real);
            results.add(value);
            traced.add(TracedArray.of(this, value));
        }
        statements.add(new Statement(expression, results, isList));
        return traced;
    }

    /** Writes down a step that changes a tensor. */
    void change(Expression expression) {
        expression.operands().forEach(value -> known.remove(value.id()));
        statements.add(new Statement(expression, List.of(), false));
    }

    private Value value(Value.Kind kind, String name, NDArray array) {
        Value value = new Value(values.size(), kind, name, array, array.getShape());
        values.add(value);
        return value;
    }

    /** The input that other tensors take their device from. */
    Value firstInput() {
        return values.get(0);
    }

    /** The path and class of the block that is at work. */
    String currentBlock() {
        return BlockFinder.current(block, lastParameter);
    }

    TorchScriptException unsupported(String method, String reason) {
        return new TorchScriptException(
                "The block " + currentBlock() + " calls " + method + ", " + reason);
    }

    @Override
    public void close() {
        manager.close();
    }
}
