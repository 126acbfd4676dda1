package io.flipout.djl.torchscript;

import ai.djl.Device;
import ai.djl.MalformedModelException;
import ai.djl.Model;
import ai.djl.engine.EngineException;
import ai.djl.nn.Block;
import ai.djl.pytorch.engine.PtSymbolBlock;
import ai.djl.pytorch.jni.JniUtils;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

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
 * <p>Parameters have their Python names. A batch norm's weight has rank 1, so the pruner leaves it
 * alone by default, as it does biases. It needs {@code ai.djl.pytorch:pytorch-engine} at run time.
 */
public final class TorchScriptModels {

    private TorchScriptModels() {}

    /**
     * Loads a module to the CPU or the first GPU, whichever DJL prefers.
     *
     * @param path the file, of {@code torch.jit.script(module).save(path)} or this project's export
     * @return the model; the caller closes it
     * @throws TorchScriptException if the file is not sound, or nothing in it can be trained
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
     * @throws TorchScriptException if the file is not sound, or nothing in it can be trained
     * @throws IOException if the file cannot be read
     */
    public static Model load(Path path, Device device) throws IOException {
        TorchScriptFile file = TorchScriptFile.open(path);
        Model model = read(path, device);
        try {
            check(path, file, model.getBlock());
            // DJL believes a loaded module to be training, whatever it was saved as.
            JniUtils.enableTrainingMode((PtSymbolBlock) model.getBlock());
            keepMetadata(model, file);
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
        TorchScriptFile file = TorchScriptFile.open(path);
        Model model = read(path, device);
        try {
            keepMetadata(model, file);
            return model;
        } catch (IOException | RuntimeException e) {
            model.close();
            throw e;
        }
    }

    private static void keepMetadata(Model model, TorchScriptFile file) throws IOException {
        file.metadata().ifPresent(m -> model.setProperty(ScriptMetadata.NAME, m.toJson()));
    }

    private static Model read(Path path, Device device) throws IOException {
        Model model = Model.newInstance(TorchScriptFile.stem(path), device, "PyTorch");
        // From a stream: loaded from a path, parameters could not take gradients.
        try (InputStream in = Files.newInputStream(path)) {
            model.load(in, Map.of("mapLocation", "true"));
            model.getBlock().freezeParameters(false);
            return model;
        } catch (MalformedModelException | EngineException e) {
            model.close();
            throw new TorchScriptException(
                    "PyTorch cannot load " + path + ": " + firstLine(e) + ".", e);
        } catch (IOException | RuntimeException e) {
            model.close();
            throw e;
        }
    }

    private static void check(Path path, TorchScriptFile file, Block block) throws IOException {
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
    }

    private static String firstLine(Throwable e) {
        String message = e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
        return message.lines()
                .map(String::strip)
                .filter(line -> !line.isEmpty())
                .findFirst()
                .orElse("")
                .replaceAll("\\.$", "");
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
        String metadata = model.getProperty(ScriptMetadata.NAME);
        TorchScriptFile.replace(
                target,
                path -> {
                    if (metadata == null) {
                        write(module, path, compression);
                        return;
                    }
                    Path bare = path.resolveSibling(path.getFileName() + ".bare");
                    try {
                        write(module, bare, compression);
                        MetadataRecord.add(bare, metadata, path);
                    } finally {
                        Files.deleteIfExists(bare);
                    }
                });
    }

    private static void write(PtSymbolBlock module, Path path, Compression compression)
            throws IOException {
        if (compression == Compression.NONE) {
            write(module, path);
            return;
        }
        // PyTorch writes records as they are; a copy deflates them.
        Path written = path.resolveSibling(path.getFileName() + ".none");
        try {
            write(module, written);
            TorchScriptFile.open(written).deflate(path);
        } finally {
            Files.deleteIfExists(written);
        }
    }

    private static void write(PtSymbolBlock module, Path path) throws IOException {
        try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(path))) {
            JniUtils.writeModule(module, out, false);
        }
    }
}
