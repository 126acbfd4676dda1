package io.flipout.djl.torchscript;

import ai.djl.Device;
import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.engine.PtSymbolBlock;
import ai.djl.pytorch.jni.IValueUtils;
import ai.djl.pytorch.jni.JniUtils;
import ai.djl.training.ParameterStore;
import io.flipout.djl.torchscript.SizeSolver.Unsolvable;
import io.flipout.mask.BlockPaths;
import io.flipout.tensor.Transfers;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The forward pass of a block that is trained, as one call into a TorchScript module. The module
 * holds no weights: the parameters are arguments of the call, and so are those that the block has,
 * running statistics included.
 *
 * <p>The block is traced when it is shown its first batch, and again for inputs of other shapes,
 * other sizes of the batch excepted.
 */
final class ScriptedForward {

    /**
     * The sizes of the batches that are traced. That of two is there again, to notice a block that
     * does something else every time.
     */
    private static final int[] TRACED = {2, 3, 2};

    private final Block block;
    private final Precision precision;
    private final Map<String, Operation> operations;
    private final Map<Key, Script> scripts = new HashMap<>();

    ScriptedForward(Block block, Precision precision, Map<String, Operation> operations) {
        this.block = block;
        this.precision = precision;
        this.operations = operations;
    }

    /** What one module is for. */
    private record Key(Device device, List<String> inputs) {

        static Key of(NDList inputs) {
            long batch = batch(inputs);
            List<String> shapes = new ArrayList<>();
            for (NDArray input : inputs) {
                String shape = input.getShape().toString();
                shapes.add(
                        input.getDataType()
                                + (hasBatch(input, batch)
                                        ? " batch " + input.getShape().slice(1)
                                        : shape));
            }
            return new Key(inputs.head().getDevice(), shapes);
        }
    }

    /** A module and the parameters that it takes after the inputs. */
    private record Script(PtSymbolBlock module, List<Parameter> parameters) {}

    /**
     * Computes the block's outputs, from which gradients go back as from the block's own.
     *
     * @param store hands out the parameters
     * @param data the inputs
     * @param labels the labels; null where there are none
     */
    NDList forward(ParameterStore store, NDList data, NDList labels) {
        NDList inputs = labels == null ? data : new NDList(data).addAll(labels);
        Device device = inputs.head().getDevice();
        Script script;
        synchronized (scripts) {
            Key key = Key.of(inputs);
            script = scripts.get(key);
            if (script == null) {
                script = trace(store.getManager(), device, data, labels);
                scripts.put(key, script);
            }
        }
        NDList arguments = new NDList(inputs);
        for (Parameter parameter : script.parameters()) {
            arguments.add(store.getValue(parameter, device, true));
        }
        return run(script.module(), arguments);
    }

    /**
     * Runs the module as it is written: what PyTorch's optimizer makes of it after the first runs
     * would compute with other roundings and other random numbers than the block, and a training
     * that is resumed begins anew with it.
     */
    private static NDList run(PtSymbolBlock module, NDList arguments) {
        List<String> names = arguments.stream().map(NDArray::getName).toList();
        arguments.forEach(array -> array.setName(null)); // DJL packs arrays by their names.
        JniUtils.setGraphExecutorOptimize(false);
        try {
            return IValueUtils.forward(module, arguments, true);
        } finally {
            JniUtils.setGraphExecutorOptimize(true);
            for (int i = 0; i < names.size(); i++) {
                arguments.get(i).setName(names.get(i));
            }
        }
    }

    private Script trace(NDManager owner, Device device, NDList data, NDList labels) {
        List<Tracer> tracers = new ArrayList<>();
        try {
            List<Trace> traces = new ArrayList<>();
            for (int size : TRACED) {
                Tracer tracer = new Tracer(block, operations(device), Device.cpu(), true);
                tracers.add(tracer);
                long batch = batch(data);
                NDList shown = examples(data, batch, size, tracer.manager());
                NDList shownLabels =
                        labels == null ? null : examples(labels, batch, size, tracer.manager());
                traces.add(tracer.trace(shown, shownLabels));
            }
            Tracer first = tracers.get(0);
            for (Tracer other : tracers) {
                if (!other.usedParameters().equals(first.usedParameters())) {
                    throw new Unsolvable("the block takes other steps");
                }
            }
            return script(owner, device, SizeSolver.merge(traces), first.usedParameters());
        } catch (Unsolvable e) {
            throw refused(
                    "with another batch "
                            + e.getMessage()
                            + ", such as by what it draws at random in Java",
                    e);
        } catch (TorchScriptException e) {
            throw refused(e.getMessage().replaceFirst("\\.$", ""), e);
        } finally {
            tracers.forEach(Tracer::close);
        }
    }

    private static TorchScriptException refused(String reason, Exception cause) {
        return new TorchScriptException(
                "The network cannot be trained as a script: "
                        + reason
                        + "; or train it by model.newTrainer(...), block by block.",
                cause);
    }

    private Operations operations(Device device) {
        Operations usual = new Operations(operations);
        if (precision == Precision.FLOAT32) {
            return usual;
        }
        Map<String, Operation> all = new HashMap<>(operations);
        BFloat16.operations(usual, device.isGpu()).forEach(all::putIfAbsent);
        return new Operations(all);
    }

    private Script script(NDManager owner, Device device, Trace trace, List<String> used) {
        ScriptWriter writer =
                new ScriptWriter(new ModuleTree("Forward"), trace, List.of(), Compression.NONE);
        ByteArrayOutputStream archive = new ByteArrayOutputStream();
        try {
            writer.write(archive, "forward", Map.of());
            PtNDManager manager = (PtNDManager) owner.newSubManager(device);
            PtSymbolBlock module =
                    new PtSymbolBlock(
                            manager,
                            JniUtils.loadModuleHandle(
                                    new ByteArrayInputStream(archive.toByteArray()),
                                    device,
                                    true,
                                    false));
            JniUtils.enableTrainingMode(module);
            Map<String, Parameter> parameters = BlockPaths.parameters(block);
            return new Script(module, used.stream().map(parameters::get).toList());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (EngineException e) {
            throw refused("PyTorch does not take it: " + EngineMessages.reason(e), e);
        }
    }

    private static long batch(NDList inputs) {
        NDArray first = inputs.head();
        return first.getShape().dimension() == 0 ? -1 : first.getShape().get(0);
    }

    /** Whether the first axis of an array is that of the examples. */
    private static boolean hasBatch(NDArray array, long batch) {
        return array.getShape().dimension() > 0 && array.getShape().get(0) == batch;
    }

    /** The first example as often as asked: numbers that the network takes. */
    private static NDList examples(NDList arrays, long batch, int size, NDManager manager) {
        NDList examples = new NDList();
        for (NDArray array : arrays) {
            NDArray own;
            if (hasBatch(array, batch)) {
                try (NDArray first = array.get(new NDIndex(":1"))) {
                    own = first.repeat(0, size);
                }
            } else {
                own = array.duplicate();
            }
            own = Transfers.move(own, manager.getDevice(), manager);
            own.setName(array.getName());
            examples.add(own);
        }
        return examples;
    }
}
