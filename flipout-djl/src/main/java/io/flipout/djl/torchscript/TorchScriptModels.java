package io.flipout.djl.torchscript;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.engine.EngineException;
import ai.djl.ndarray.types.DataType;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.engine.PtSymbolBlock;
import ai.djl.pytorch.jni.JniUtils;
import ai.djl.util.Pair;
import io.flipout.djl.training.FiniteCheck;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Loads TorchScript modules of any origin so that they can be trained and pruned, and saves them.
 *
 * <pre>{@code
 * try (Model model = TorchScriptModels.load(Path.of("resnet.pt"))) {
 *     // model.newTrainer(config) with pruner.wrap(...) and pruner.listener(), as any other
 *     TorchScriptModels.save(model, Path.of("pruned.pt"), Compression.DEFLATE);
 * }
 * }</pre>
 *
 * <p>Parameters have their Python names; one that has several, as of tied weights and of modules
 * that are used twice, is one parameter under its first name ({@link #otherNames}). What has {@code
 * requires_grad=False} in the file is frozen: it is neither trained nor pruned, and saved so,
 * unless {@code block.freezeParameters(false, ...)} thaws it. The block tells the classes of the
 * modules, so that the scales and shifts of their normalisations, biases and tables of positions
 * stay dense by default. It needs {@code ai.djl.pytorch:pytorch-engine} at run time.
 */
public final class TorchScriptModels {

    private TorchScriptModels() {}

    /**
     * Loads a module to the CPU or the first GPU, whichever DJL prefers.
     *
     * @param path the file, of {@code torch.jit.script(module).save(path)} or this project's export
     * @return the model; the caller closes it
     * @throws TorchScriptException if the file is not sound, is compacted, or has nothing to train
     * @throws IOException if the file cannot be read
     */
    public static Model load(Path path) throws IOException {
        return load(path, null);
    }

    /**
     * Loads a module.
     *
     * @param path the file, of {@code torch.jit.script(module).save(path)} or this project's export
     * @param device where to; null for DJL's choice
     * @return the model; the caller closes it
     * @throws TorchScriptException if the file is not sound, is compacted, or has nothing to train
     * @throws IOException if the file cannot be read
     */
    public static Model load(Path path, Device device) throws IOException {
        TorchScriptFile file = TorchScriptFile.open(path);
        if (file.metadata().map(ScriptMetadata::compacted).orElse(false)) {
            throw new TorchScriptException(
                    path + " is compacted, for inference: train what it was exported from.");
        }
        Model model = read(path, file, device);
        try {
            checkTrainable(path, file, model.getBlock());
            return model;
        } catch (IOException | RuntimeException e) {
            model.close();
            throw e;
        }
    }

    /**
     * Loads a module to compute with, whether it can be trained or not.
     *
     * @param path the file
     * @param device where to; null for DJL's choice
     * @return the model; the caller closes it
     * @throws TorchScriptException if the file is not sound
     * @throws IOException if the file cannot be read
     */
    public static Model open(Path path, Device device) throws IOException {
        return read(path, TorchScriptFile.open(path), device);
    }

    /**
     * Returns the further names of parameters that have several.
     *
     * @param block the block of a loaded module
     * @return the other names, by the first, under which the parameter is found; empty if none has
     *     several or the block is no such
     */
    public static Map<String, List<String>> otherNames(Block block) {
        return block instanceof TorchScriptBlock module ? module.otherNames() : Map.of();
    }

    /**
     * Returns the metadata that this project's export adds to a module.
     *
     * @param model the model of a loaded module
     * @return the metadata; empty if the module is of other origin
     */
    public static Optional<ScriptMetadata> metadata(Model model) {
        return Optional.ofNullable(model.getProperty(ScriptMetadata.NAME))
                .map(ScriptMetadata::fromJson);
    }

    private static Model read(Path path, TorchScriptFile file, Device device) throws IOException {
        Model model = Model.newInstance(TorchScriptFile.stem(path), device, "PyTorch");
        try {
            // Set and not loaded by the model: it would thaw what is frozen in the file.
            model.setBlock(block((PtNDManager) model.getNDManager(), path, file));
            checkNumbers(path, file, model.getBlock());
            file.metadata().ifPresent(m -> model.setProperty(ScriptMetadata.NAME, m.toJson()));
            return model;
        } catch (EngineException e) {
            model.close();
            throw new TorchScriptException(
                    "PyTorch cannot load " + path + ": " + EngineMessages.reason(e) + ".", e);
        } catch (IOException | RuntimeException e) {
            model.close();
            throw e;
        }
    }

    private static TorchScriptBlock block(PtNDManager manager, Path path, TorchScriptFile file)
            throws IOException {
        Path unified = Files.createTempFile("flipout-", ".pt");
        try {
            Path source = file.unify(unified) ? unified : path;
            // From a stream: loaded from a path, parameters could not take gradients.
            try (InputStream in = Files.newInputStream(source)) {
                long handle = JniUtils.loadModuleHandle(in, manager.getDevice(), true, false);
                return new TorchScriptBlock(
                        manager,
                        handle,
                        file.contents().firstNames(),
                        file.submodules(),
                        file.extras(),
                        file.source());
            }
        } finally {
            Files.delete(unified);
        }
    }

    private static void checkTrainable(Path path, TorchScriptFile file, Block block)
            throws IOException {
        if (block.getParameters().isEmpty()) {
            throw new TorchScriptException(
                    path
                            + " has no parameters to train, as after torch.jit.freeze: save the"
                            + " module before it is frozen.");
        }
        if (file.hasFixedMode()) {
            throw new TorchScriptException(
                    path
                            + " has batch norm or dropout fixed in the mode it was traced in: save"
                            + " torch.jit.script(module) instead of torch.jit.trace(...).");
        }
        Map<String, StoredTensor> stored = file.contents().tensors();
        for (Pair<String, Parameter> pair : block.getDirectParameters()) {
            DataType type = pair.getValue().getArray().getDataType();
            if (pair.getValue().requiresGradient() && type != DataType.FLOAT32) {
                // DJL does not know all of PyTorch's types by their names.
                StoredTensor tensor = stored.get(pair.getKey());
                throw new TorchScriptException(
                        path
                                + " has weights of type "
                                + (tensor == null ? type : tensor.storage().typeName())
                                + ", such as "
                                + pair.getKey()
                                + ", and only float32 is trained: save module.float().");
            }
        }
        file.contents().overlap().ifPresent(names -> refuseOverlap(path, names));
    }

    private static void refuseOverlap(Path path, List<String> names) {
        throw new TorchScriptException(
                path
                        + ": "
                        + names.get(0)
                        + " and "
                        + names.get(1)
                        + " are different views of the same memory, where a step of one changes the"
                        + " other: tie them as one parameter and take the view in forward, or give"
                        + " each its own by nn.Parameter(weight.clone()).");
    }

    /** Nothing comes of a weight that is no number, whatever the learning rate. */
    private static void checkNumbers(Path path, TorchScriptFile file, Block block)
            throws IOException {
        for (Pair<String, Parameter> pair : block.getDirectParameters()) {
            Parameter parameter = pair.getValue();
            FiniteCheck.fault(parameter.getArray(), parameter.requiresGradient())
                    .ifPresent(
                            fault -> {
                                throw useless(path, "parameter " + pair.getKey(), fault);
                            });
        }
        for (Map.Entry<String, StoredTensor> entry : file.contents().tensors().entrySet()) {
            String name = entry.getKey();
            boolean isStatistic = name.endsWith("running_mean") || name.endsWith("running_var");
            if (isStatistic && file.holdsNan(entry.getValue())) {
                throw useless(path, "buffer " + name, "NaN");
            }
        }
    }

    private static TorchScriptException useless(Path path, String what, String fault) {
        return new TorchScriptException(
                path
                        + " is of no use: its "
                        + what
                        + " holds "
                        + fault
                        + ". Save the network as it was before its training diverged.");
    }

    /**
     * Saves a module as PyTorch does.
     *
     * @param model a loaded model
     * @param target the file; an existing one is replaced at the end
     * @throws IOException if the file cannot be written
     */
    public static void save(Model model, Path target) throws IOException {
        save(model, target, Compression.NONE);
    }

    /**
     * Saves a module, in the mode (training or not) of its last forward pass, with the {@link
     * ScriptMetadata} that it was loaded with, which are the model's property of that {@link
     * ScriptMetadata#NAME name}.
     *
     * @param model a loaded model
     * @param target the file; an existing one is replaced at the end
     * @param compression how weights are stored. {@link Compression#SPARSE} needs code in the
     *     module that rebuilds the weights, which only an export from blocks has: a module that was
     *     exported so stays sparse whatever is asked for, and another one is refused.
     * @throws IllegalArgumentException if the model holds no TorchScript module, or sparse is asked
     *     for where it cannot be
     * @throws TorchScriptException if the target's folder does not exist
     * @throws IOException if the file cannot be written
     */
    public static void save(Model model, Path target, Compression compression) throws IOException {
        if (!(model.getBlock() instanceof PtSymbolBlock module)) {
            throw new IllegalArgumentException(
                    "The model holds no TorchScript module: export its blocks by"
                            + " TorchScriptExporter.");
        }
        if (compression == Compression.SPARSE) {
            throw new IllegalArgumentException(
                    "A module that was loaded cannot be stored sparse, as it lacks the code to"
                            + " rebuild its weights: use deflate.");
        }
        Map<String, byte[]> extras = new LinkedHashMap<>();
        if (module instanceof TorchScriptBlock loaded) {
            extras.putAll(loaded.extras());
        }
        String metadata = model.getProperty(ScriptMetadata.NAME);
        if (metadata != null) {
            extras.put(ScriptMetadata.NAME, metadata.getBytes(StandardCharsets.UTF_8));
        }
        TorchScriptFile.replace(
                target,
                path -> {
                    if (compression == Compression.NONE && extras.isEmpty()) {
                        write(module, path);
                    } else {
                        // PyTorch writes records as they are; a copy deflates and adds.
                        Path written = path.resolveSibling(path.getFileName() + ".none");
                        try {
                            write(module, written);
                            boolean deflate = compression == Compression.DEFLATE;
                            TorchScriptFile.open(written).copy(path, deflate, extras);
                        } finally {
                            Files.deleteIfExists(written);
                        }
                    }
                });
    }

    private static void write(PtSymbolBlock module, Path path) throws IOException {
        try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(path))) {
            JniUtils.writeModule(module, out, false);
        }
    }
}
