package io.flipout.cli.network;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import com.fasterxml.jackson.databind.JsonNode;
import io.flipout.cli.option.YamlDefaults;
import io.flipout.cli.run.RunFolder;
import io.flipout.cli.terminal.Failure;
import io.flipout.djl.torchscript.ScriptMetadata;
import io.flipout.djl.torchscript.TorchScriptFile;
import io.flipout.djl.torchscript.TorchScriptModels;
import io.flipout.models.Models;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** A model on disk: that of a run, DJL parameters by themselves, or a TorchScript file. */
public final class SavedModel {

    /** DJL names files of parameters by model and epoch. */
    private static final Pattern PARAMS = Pattern.compile("(.+)-\\d{4}\\.params");

    private static final String SCRIPT = ".pt";

    /** What PyTorch and others save that cannot be run without its Python. */
    private static final Pattern OTHER_PYTHON =
            Pattern.compile(
                    "(.+?)(\\.(?:pth|pth\\.tar|ckpt|bin|pkl|safetensors|h5|keras|onnx))",
                    Pattern.CASE_INSENSITIVE);

    private static final int USUAL_CLASSES = 10;

    private final Path file;
    private final String prefix;
    private final Optional<JsonNode> config;

    private SavedModel(Path file, String prefix, Optional<JsonNode> config) {
        this.file = file;
        this.prefix = prefix;
        this.config = config;
    }

    /** Finds the model that a user names by a run folder or a file. */
    public static SavedModel find(Path path) throws IOException {
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
    public static boolean isScript(Path path) {
        return name(path).toLowerCase(Locale.ROOT).endsWith(SCRIPT);
    }

    /** Refuses other files of Python, and says how to make of them what is taken. */
    static void refuseOtherPython(Path path) {
        Matcher matcher = OTHER_PYTHON.matcher(name(path));
        if (matcher.matches()) {
            throw Failure.misuse(
                    path
                            + " is taken for weights without code, as its name ends in "
                            + matcher.group(2)
                            + ": load it in Python and save the network by"
                            + " torch.jit.script(module).save(\""
                            + matcher.group(1)
                            + ".pt\").");
        }
    }

    /** The name of a TorchScript file without its ending. */
    static String stem(Path script) {
        return name(script).substring(0, name(script).length() - SCRIPT.length());
    }

    private static SavedModel of(Path params, Optional<JsonNode> config) {
        if (isScript(params)) {
            return new SavedModel(params, stem(params), config);
        }
        refuseOtherPython(params);
        Matcher matcher = PARAMS.matcher(name(params));
        if (!matcher.matches()) {
            throw Failure.misuse(
                    params
                            + " is no model: a run folder, DJL parameters (NAME-0000.params) or"
                            + " TorchScript (NAME.pt) are needed.");
        }
        return new SavedModel(params, matcher.group(1), config);
    }

    private static String name(Path path) {
        return path.getFileName().toString();
    }

    /** Returns an option of the run, if the model is that of a run. */
    public Optional<String> option(String name) {
        return config.map(c -> c.get(name)).map(JsonNode::asText);
    }

    /**
     * Returns the names of the classes in the order of the network's outputs, if the file has them
     * or they lie beside it.
     */
    public Optional<List<String>> classes() throws IOException {
        if (isScript()) {
            Optional<List<String>> own =
                    TorchScriptFile.open(file).metadata().map(ScriptMetadata::classes);
            if (own.isPresent() && own.get().contains(null)) {
                throw Failure.of(
                        file + " is damaged: a class in its extra/flipout.json has no name.", null);
            }
            if (own.isPresent()) {
                return own;
            }
        }
        Path names = file.resolveSibling(RunFolder.CLASSES);
        if (!Files.isRegularFile(names)) {
            return Optional.empty();
        }
        try {
            return Optional.of(Files.readAllLines(names));
        } catch (CharacterCodingException e) {
            throw Failure.of(
                    names
                            + " is damaged: remove it, or write the names of the classes into it,"
                            + " one a line.",
                    e);
        }
    }

    public Path file() {
        return file;
    }

    public boolean isScript() {
        return isScript(file);
    }

    /** Whether it is a module that takes pixels of 0 to 255 and normalises them itself. */
    public boolean takesPixels() throws IOException {
        return isScript()
                && TorchScriptFile.open(file)
                        .metadata()
                        .map(ScriptMetadata::preprocessed)
                        .orElse(false);
    }

    /** Returns the shape of the images that DJL parameters are for, without loading them. */
    Shape imageShape(Optional<String> modelName) throws IOException {
        Models network = network(modelName);
        try (ParametersFile parameters = new ParametersFile(file, layers(network))) {
            return parameters.image();
        } catch (IOException | RuntimeException e) {
            throw unreadable(network, e);
        }
    }

    private Models network(Optional<String> modelName) {
        return Models.get(modelName.or(() -> option("model")).orElse(prefix));
    }

    /** What the file is read by has the layers; only the file knows how large they are. */
    private static Block layers(Models network) {
        return network.newBlock((int) network.inputShape().get(0), USUAL_CLASSES);
    }

    private Failure unreadable(Models network, Exception cause) {
        return Failure.of(
                file
                        + " could not be loaded as "
                        + network.id()
                        + ": it is damaged, or --model must name another network.",
                cause);
    }

    /** Loads the network; the caller closes it. */
    public Model load(Optional<String> modelName, Device device) throws IOException {
        if (isScript()) {
            return TorchScriptModels.open(file, device);
        }
        Models network = network(modelName);
        Model model = Model.newInstance(prefix, device);
        try (ParametersFile parameters = new ParametersFile(file, layers(network))) {
            int channels = Math.toIntExact(parameters.image().get(0));
            int classes = Math.toIntExact(parameters.last().get(0));
            Block block =
                    network.hasWidth()
                            ? network.newBlock(
                                    channels, classes, Math.toIntExact(parameters.first().get(0)))
                            : network.newBlock(channels, classes);
            model.setBlock(block);
            parameters.initialize(block, model.getNDManager());
            return model;
        } catch (Failure e) {
            model.close();
            throw e;
        } catch (IOException | RuntimeException e) {
            model.close();
            throw unreadable(network, e);
        }
    }
}
