package io.flipout.cli.network;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.ndarray.types.Shape;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Options that name a network on disk. */
public final class ModelOptions {

    @Parameters(
            index = "0",
            paramLabel = "RUN_OR_MODEL",
            description = "Folder of a run, a NAME-0000.params or a TorchScript NAME.pt file.")
    private Path path;

    @Option(
            names = "--model",
            paramLabel = "NAME",
            description = "Network of the parameters (default: the run's, or the file's name).")
    private String modelName;

    public Path path() {
        return path;
    }

    public SavedModel find() throws IOException {
        return SavedModel.find(path);
    }

    /** Returns the shape of the images that DJL parameters are for, without loading them. */
    Shape imageShape(SavedModel saved) throws IOException {
        return saved.imageShape(Optional.ofNullable(modelName));
    }

    /** Loads the network; the caller closes it. */
    public Model load(SavedModel saved, Device device) throws IOException {
        return saved.load(Optional.ofNullable(modelName), device);
    }
}
