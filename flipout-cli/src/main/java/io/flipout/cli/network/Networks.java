package io.flipout.cli.network;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.GradientCollector;
import ai.djl.training.Trainer;
import ai.djl.training.loss.Loss;
import ai.djl.util.Pair;
import io.flipout.cli.option.ImageOptions;
import io.flipout.cli.option.Relocated;
import io.flipout.cli.run.RunFolder;
import io.flipout.cli.terminal.Failure;
import io.flipout.djl.data.ImageSet;
import io.flipout.djl.torchscript.EngineMessages;
import io.flipout.djl.torchscript.ScriptMetadata;
import io.flipout.djl.torchscript.TorchScriptModels;
import io.flipout.models.Models;
import io.flipout.tensor.Transfers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/**
 * The networks that {@code --model} names: this project's, new, or one that was trained before, in
 * a run folder, DJL parameters or TorchScript.
 */
public final class Networks {

    private Networks() {}

    /** Whether a name is that of a run folder or a file, not of a new network. */
    public static boolean isSaved(String name) {
        Path path = Relocated.path(name);
        return !Models.names().contains(name.toLowerCase(Locale.ROOT))
                && (SavedModel.isModel(path) || Files.isDirectory(path));
    }

    /** Returns the whole path of a run folder or a file; the name of a new network as it is. */
    public static String place(String name) {
        return isSaved(name) ? Path.of(name).toAbsolutePath().normalize().toString() : name;
    }

    /**
     * Returns the short name of a network, and checks that it exists, in this width, before
     * anything is loaded.
     *
     * @param saved whether a TorchScript module is at hand already, as in a checkpoint
     */
    public static String shortName(String name, Optional<Integer> width, boolean saved) {
        Path path = Relocated.path(name);
        if (!isSaved(name)) {
            SavedModel.refuseOtherPython(path);
            Models network = Models.get(name);
            width.ifPresent(channels -> network.newBlock(1, 1, channels));
            return network.id();
        }
        if (!SavedModel.isScript(path)) {
            if (width.isPresent()) {
                throw Failure.misuse(path + " has its width: leave out --width.");
            }
            return SavedModel.named(path).networkName();
        }
        if (width.isPresent()) {
            throw Failure.misuse("A TorchScript file has its width: leave out --width.");
        }
        if (!saved && !Files.isRegularFile(path)) {
            throw Failure.misuse("There is no TorchScript file " + path + ".");
        }
        return SavedModel.stem(path);
    }

    /** Returns the classes that a network tells apart already, if it is a file that names them. */
    public static Optional<List<String>> classes(String name) throws IOException {
        return isSaved(name) ? SavedModel.find(Relocated.path(name)).classes() : Optional.empty();
    }

    /** Makes the network for a set of images; the caller closes it. */
    public static Model open(String name, Optional<Integer> width, ImageSet images, Device device)
            throws IOException {
        if (isSaved(name)) {
            return SavedModel.find(Relocated.path(name)).loadToTrain(device);
        }
        Models network = Models.get(name);
        Model model = Model.newInstance(network.id(), device);
        int channels = images.channels();
        int classes = images.classes().size();
        model.setBlock(
                width.map(w -> network.newBlock(channels, classes, w))
                        .orElseGet(() -> network.newBlock(channels, classes)));
        return model;
    }

    /** Says which parameters of a module have several names, a line each. */
    public static List<String> otherNames(Model model) {
        return TorchScriptModels.otherNames(model.getBlock()).entrySet().stream()
                .map(
                        entry ->
                                entry.getKey()
                                        + " is "
                                        + String.join(", ", entry.getValue())
                                        + " too, one parameter.")
                .toList();
    }

    /** Whether a network normalises images itself, as an export with preprocessing does. */
    public static boolean takesPixels(Model model) {
        return TorchScriptModels.metadata(model).map(ScriptMetadata::preprocessed).orElse(false);
    }

    /** Whether a network takes the images of a set. */
    public static boolean takes(Trainer trainer, ImageSet images) {
        try (NDManager manager = trainer.getManager().newSubManager()) {
            evaluate(trainer, images, manager);
            return true;
        } catch (EngineException e) {
            return false;
        }
    }

    /** Shows a network one image. */
    private static NDList evaluate(Trainer trainer, ImageSet images, NDManager manager) {
        NDList outputs = trainer.evaluate(new NDList(manager.zeros(shape(images, 1))));
        outputs.attach(manager);
        return outputs;
    }

    private static Shape shape(ImageSet images, int batch) {
        return new Shape(batch, images.channels(), images.height(), images.width());
    }

    /** Checks that a network of unknown inside takes the images and tells their classes apart. */
    public static void checkFits(Trainer trainer, String name, ImageSet images) {
        int classes = images.classes().size();
        try (NDManager manager = trainer.getManager().newSubManager()) {
            NDList outputs = evaluate(trainer, images, manager);
            if (outputs.size() != 1) {
                throw Failure.misuse(
                        name
                                + " returns "
                                + outputs.size()
                                + " tensors, "
                                + outputs.stream()
                                        .map(Networks::describe)
                                        .collect(Collectors.joining(", "))
                                + ", where one is needed, the scores of the classes: wrap it in"
                                + " a module that returns these alone.");
            }
            Shape scores = outputs.head().getShape();
            if (scores.dimension() != 2 || scores.get(1) < classes) {
                throw Failure.misuse(
                        name
                                + " returns "
                                + scores
                                + " for an image, which are no scores of the "
                                + classes
                                + " classes of the data set.");
            }
        } catch (EngineException e) {
            throw Failure.misuse(
                    name
                            + " does not take images of shape "
                            + images.channels()
                            + "×"
                            + ImageOptions.size(images)
                            + ": "
                            + EngineMessages.reason(e)
                            + advice(EngineMessages.reason(e)));
        } catch (IllegalArgumentException
                | UnsupportedOperationException
                | IllegalStateException e) {
            // DJL's ways to say that it has no type for something.
            throw Failure.misuse(
                    name
                            + " returns what is no tensor, where the scores of the classes are needed.");
        }
    }

    private static String describe(NDArray output) {
        return output.getName() == null
                ? output.getShape().toString()
                : output.getName() + " " + output.getShape();
    }

    /** Says how to mend what hinders a module, as far as its reason tells. */
    private static String advice(String reason) {
        if (reason.contains("missing value for argument")) {
            return ". It is given the images alone: wrap it in a module that takes nothing else.";
        }
        if (reason.contains("'forward' is not defined")) {
            return ". Save a module that has one.";
        }
        if (reason.contains("CUDA") || reason.contains("NVIDIA")) {
            return ". Its code asks for a device that is not here: let it make its tensors on"
                    + " x.device.";
        }
        if (reason.contains("dtype") || reason.contains("type")) {
            return ". Images are float32: save module.float().";
        }
        return ". Give the --dataset and --image-size of its training.";
    }

    /**
     * Trains a copy of a module by one step and throws it away, so that what hinders it is known
     * before the run begins.
     */
    public static void rehearse(
            String file, String name, ImageSet images, Device device, Consumer<String> log)
            throws IOException {
        Loss loss = Loss.softmaxCrossEntropyLoss();
        DefaultTrainingConfig config =
                new DefaultTrainingConfig(loss).optDevices(new Device[] {device});
        try (Model copy = TorchScriptModels.load(Relocated.path(file), device);
                Trainer trainer = copy.newTrainer(config)) {
            checkFits(trainer, name, images);
            NDManager manager = trainer.getManager();
            Shape shape = shape(images, 2);
            NDList data = new NDList(manager.arange((float) shape.size()).sin().reshape(shape));
            NDList labels = new NDList(manager.zeros(new Shape(2)));
            try (GradientCollector collector = trainer.newGradientCollector()) {
                collector.backward(loss.evaluate(labels, trainer.forward(data, labels)));
            } catch (EngineException e) {
                String reason = EngineMessages.reason(e);
                throw Failure.misuse(
                        name
                                + " cannot be trained: "
                                + (reason.contains("does not require grad")
                                        ? "what it returns has no gradient, as under"
                                                + " torch.no_grad() or after detach()."
                                        : reason + "."));
            }
            checkGradients(name, copy.getBlock(), log);
        }
    }

    private static void checkGradients(String name, Block block, Consumer<String> log) {
        List<String> unreached = new ArrayList<>();
        for (Pair<String, Parameter> pair : block.getDirectParameters()) {
            NDArray array = pair.getValue().getArray();
            if (!pair.getValue().requiresGradient() || array.size() == 0) {
                continue;
            }
            try (NDArray gradient = array.getGradient()) {
                if (gradient.isSparse()) {
                    throw Failure.misuse(
                            name
                                    + " cannot be trained: the gradients of "
                                    + pair.getKey()
                                    + " are sparse. Save it with nn.Embedding(..., sparse=False).");
                }
                try (NDArray norm = gradient.norm()) {
                    if (Transfers.floats(norm)[0] == 0) {
                        unreached.add(pair.getKey());
                    }
                }
            }
        }
        if (!unreached.isEmpty()) {
            log.accept(
                    "No gradient reaches "
                            + String.join(", ", unreached)
                            + ", as of what is not used or computed under torch.no_grad().");
        }
    }

    /** Checks that a network that does not name its classes has as many as the images. */
    public static void checkCount(Trainer trainer, String name, ImageSet images) {
        long scores;
        try (NDManager manager = trainer.getManager().newSubManager()) {
            scores = evaluate(trainer, images, manager).head().getShape().get(1);
        }
        checkCount(scores, name, images);
    }

    /** The same, of so many outputs. */
    public static void checkCount(long scores, String name, ImageSet images) {
        int classes = images.classes().size();
        if (scores != classes) {
            throw Failure.misuse(
                    name
                            + " tells "
                            + scores
                            + " classes apart, the data set has "
                            + classes
                            + ", and no names say which are which: write those of the network into"
                            + " "
                            + RunFolder.CLASSES
                            + " beside it, one a line.");
        }
    }
}
