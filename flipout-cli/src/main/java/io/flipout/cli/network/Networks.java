package io.flipout.cli.network;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.Trainer;
import io.flipout.cli.option.DataOptions;
import io.flipout.cli.run.RunFolder;
import io.flipout.cli.terminal.Failure;
import io.flipout.djl.data.ImageSet;
import io.flipout.djl.torchscript.TorchScriptModels;
import io.flipout.models.Models;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** The networks that {@code --model} names: this project's, or a user's own TorchScript. */
public final class Networks {

    private Networks() {}

    /**
     * Returns the short name of a network, and checks that it exists, in this width, before
     * anything is loaded.
     */
    public static String shortName(String name, Optional<Integer> width) {
        Path path = Path.of(name);
        if (!SavedModel.isScript(path)) {
            Models network = Models.get(name);
            width.ifPresent(channels -> network.newBlock(1, 1, channels));
            return network.id();
        }
        if (width.isPresent()) {
            throw Failure.misuse("A TorchScript file has its width: leave out --width.");
        }
        if (!Files.isRegularFile(path)) {
            throw Failure.misuse("There is no TorchScript file " + path + ".");
        }
        return SavedModel.stem(path);
    }

    /** Returns the classes that a network tells apart already, if it is a file that names them. */
    public static Optional<List<String>> classes(String name) throws IOException {
        Path path = Path.of(name);
        return SavedModel.isScript(path) ? SavedModel.find(path).classes() : Optional.empty();
    }

    /** Makes the network for a set of images; the caller closes it. */
    public static Model open(String name, Optional<Integer> width, ImageSet images, Device device)
            throws IOException {
        Path path = Path.of(name);
        if (SavedModel.isScript(path)) {
            return TorchScriptModels.load(path, device);
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

    /**
     * Shows a network one image.
     *
     * @return the shape of what it returns; empty if it does not take such images
     */
    public static Optional<Shape> tryOn(Trainer trainer, ImageSet images) {
        Shape one = new Shape(1, images.channels(), images.height(), images.width());
        try (NDManager manager = trainer.getManager().newSubManager()) {
            NDList outputs = trainer.evaluate(new NDList(manager.zeros(one)));
            outputs.attach(manager);
            return Optional.of(outputs.head().getShape());
        } catch (EngineException e) {
            return Optional.empty();
        }
    }

    /** Checks that a network of unknown inside takes the images and tells their classes apart. */
    public static void checkFits(Trainer trainer, String name, ImageSet images) {
        int classes = images.classes().size();
        Shape scores =
                tryOn(trainer, images)
                        .orElseThrow(
                                () ->
                                        Failure.misuse(
                                                name
                                                        + " does not take images of shape "
                                                        + images.channels()
                                                        + "×"
                                                        + DataOptions.size(images)
                                                        + ": give the --dataset and --image-size of"
                                                        + " its training."));
        if (scores.dimension() != 2 || scores.get(1) < classes) {
            throw Failure.misuse(
                    name
                            + " returns "
                            + scores
                            + " for an image, which are no scores of the "
                            + classes
                            + " classes of the data set.");
        }
    }

    /** Checks that a network that does not name its classes has as many as the images. */
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
