package io.flipout.cli;

import ai.djl.Device;
import ai.djl.MalformedModelException;
import ai.djl.Model;
import ai.djl.ndarray.types.DataType;
import ai.djl.nn.Block;
import ai.djl.nn.ParameterList;
import com.fasterxml.jackson.databind.JsonNode;
import io.flipout.djl.torchscript.TorchScriptModels;
import io.flipout.models.Models;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** A model on disk: that of a run, DJL parameters by themselves, or a TorchScript file. */
final class SavedModel {

    /** DJL names files of parameters by model and epoch. */
    private static final Pattern PARAMS = Pattern.compile("(.+)-(\\d{4})\\.params");

    private static final String SCRIPT = ".pt";

    private static final int USUAL_CLASSES = 10;

    private final Path file;
    private final String prefix;
    private final String epoch;
    private final Optional<JsonNode> config;

    private SavedModel(Path file, String prefix, String epoch, Optional<JsonNode> config) {
        this.file = file;
        this.prefix = prefix;
        this.epoch = epoch;
        this.config = config;
    }

    /** Finds the model that a user names by a run folder or a file. */
    static SavedModel find(Path path) throws IOException {
        if (Files.isDirectory(path)) {
            Path config = path.resolve(RunFolder.CONFIG);
            Path folder = path.resolve(RunFolder.MODEL);
            if (!Files.isRegularFile(config)) {
                throw Failure.misuse(path + " is no run: it has no " + RunFolder.CONFIG + ".");
            }
            if (!Files.isDirectory(folder)) {
                throw Failure.misuse(path + " has no model: its training has not come to its end.");
            }
            try (Stream<Path> files = Files.list(folder)) {
                Path model =
                        files.filter(f -> isScript(f) || PARAMS.matcher(name(f)).matches())
                                .max(Comparator.naturalOrder())
                                .orElseThrow(
                                        () ->
                                                Failure.misuse(
                                                        folder + " holds no .params or .pt file."));
                return of(model, Optional.of(YamlDefaults.tree(config)));
            }
        }
        if (!Files.isRegularFile(path)) {
            throw Failure.misuse("There is no run or model " + path + ".");
        }
        return of(path, Optional.empty());
    }

    /** Whether a name is that of a TorchScript file. */
    static boolean isScript(Path path) {
        return name(path).endsWith(SCRIPT);
    }

    /** The name of a TorchScript file without its ending. */
    static String stem(Path script) {
        return name(script).substring(0, name(script).length() - SCRIPT.length());
    }

    private static SavedModel of(Path params, Optional<JsonNode> config) {
        if (isScript(params)) {
            return new SavedModel(params, stem(params), "", config);
        }
        Matcher matcher = PARAMS.matcher(name(params));
        if (!matcher.matches()) {
            throw Failure.misuse(
                    params
                            + " is no model: a run folder, DJL parameters (NAME-0000.params) or"
                            + " TorchScript (NAME.pt) are needed.");
        }
        return new SavedModel(params, matcher.group(1), matcher.group(2), config);
    }

    private static String name(Path path) {
        return path.getFileName().toString();
    }

    /** Returns an option of the run, if the model is that of a run. */
    Optional<String> option(String name) {
        return config.map(c -> c.get(name)).map(JsonNode::asText);
    }

    /** Returns the names of the classes, if they lie beside the model. */
    Optional<List<String>> classes() throws IOException {
        Path names = file.resolveSibling(RunFolder.CLASSES);
        return Files.isRegularFile(names)
                ? Optional.of(Files.readAllLines(names))
                : Optional.empty();
    }

    Path file() {
        return file;
    }

    boolean isScript() {
        return isScript(file);
    }

    /** Loads the network; the caller closes it. */
    Model load(Optional<String> modelName, Device device) throws IOException {
        if (isScript()) {
            return TorchScriptModels.open(file, device);
        }
        String name = modelName.or(() -> option("model")).orElse(prefix);
        Models network = Models.get(name);
        Model model = Model.newInstance(prefix, device);
        try {
            read(model, network.newBlock((int) network.inputShape().get(0), USUAL_CLASSES));
            // The file knows better how many channels and classes there are.
            Block first = model.getBlock();
            int channels = (int) first.getInputShapes()[0].get(1);
            Block block =
                    network.hasWidth()
                            ? network.newBlock(channels, outputs(first), width(first))
                            : network.newBlock(channels, outputs(first));
            first.clear();
            read(model, block);
            // Tells the layers within their shapes; the loaded weights stay.
            block.initialize(model.getNDManager(), DataType.FLOAT32, block.getInputShapes());
            return model;
        } catch (IOException | MalformedModelException | RuntimeException e) {
            model.close();
            throw Failure.of(
                    file
                            + " could not be loaded as "
                            + network.id()
                            + ": it is damaged, or --model must name another network.",
                    e);
        }
    }

    private void read(Model model, Block block) throws IOException, MalformedModelException {
        model.setBlock(block);
        Path folder = file.toAbsolutePath().getParent();
        model.load(folder, prefix, Map.of("epoch", Integer.parseInt(epoch)));
    }

    /** The first parameter is the first layer's weight. */
    private static int width(Block block) {
        return (int) block.getParameters().valueAt(0).getArray().getShape().get(0);
    }

    /** The last parameter is the last layer's bias. */
    private static int outputs(Block block) {
        ParameterList parameters = block.getParameters();
        return (int) parameters.valueAt(parameters.size() - 1).getArray().getShape().get(0);
    }
}
