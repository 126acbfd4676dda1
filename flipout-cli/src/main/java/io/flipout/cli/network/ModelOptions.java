package io.flipout.cli.network;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.ndarray.types.Shape;
import io.flipout.cli.terminal.Terminal;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

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

    @Spec(Spec.Target.MIXEE)
    private CommandSpec command;

    public Path path() {
        return path;
    }

    public SavedModel find() throws IOException {
        Terminal terminal = new Terminal(command.commandLine());
        SavedModel saved = SavedModel.find(path, terminal::note);
        if (saved.isScript() && modelName != null) {
            terminal.note("--model does not apply to TorchScript: it is not used.");
        }
        return saved;
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
