package io.flipout.cli.network;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import com.fasterxml.jackson.databind.JsonNode;
import io.flipout.cli.option.YamlDefaults;
import io.flipout.cli.run.RunCheckpoints.Found;
import io.flipout.cli.run.RunFolder;
import io.flipout.cli.run.SeenImages;
import io.flipout.cli.terminal.Errors;
import io.flipout.cli.terminal.Failure;
import io.flipout.djl.NetworkState;
import io.flipout.djl.torchscript.ScriptMetadata;
import io.flipout.djl.torchscript.TorchScriptFile;
import io.flipout.djl.torchscript.TorchScriptModels;
import io.flipout.djl.training.LoopPosition;
import io.flipout.models.Models;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Consumer;
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

    /** Of a run that has not come to its end. */
    private final Optional<Found> checkpoint;

    private SavedModel(
            Path file, String prefix, Optional<JsonNode> config, Optional<Found> checkpoint) {
        this.file = file;
        this.prefix = prefix;
        this.config = config;
        this.checkpoint = checkpoint;
    }

    public static SavedModel find(Path path) throws IOException {
        return find(path, note -> {});
    }

    /** Finds the model that a user names by a run folder or a file, and tells what it is of. */
    static SavedModel find(Path path, Consumer<String> log) throws IOException {
        if (Files.isDirectory(path)) {
            Path config = path.resolve(RunFolder.CONFIG);
            Path folder = path.resolve(RunFolder.MODEL);
            if (!Files.isRegularFile(config)) {
                throw Failure.misuse(path + " is no run: it has no " + RunFolder.CONFIG + ".");
            }
            RunFolder run = new RunFolder(path);
            if (run.isInterrupted() || !Files.isDirectory(folder)) {
                Optional<Found> found = run.checkpoints().newest(log);
                return unfinished(run, YamlDefaults.tree(config), found, log);
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

    /** The network of a run that has not come to its end, as it was last saved. */
    private static SavedModel unfinished(
            RunFolder run, JsonNode config, Optional<Found> newest, Consumer<String> log) {
        Found found = newest.orElseThrow(run::unfinished);
        LoopPosition position = found.position();
        log.accept(
                String.format(
                        Locale.ROOT,
                        "%s has not come to its end: this is its network after epoch %d, batch %d,"
                                + " of %d epochs. Go on with it:  ./flipout resume %s",
                        run.path(),
                        position.epochs(),
                        position.batches(),
                        found.epochs(),
                        run.path()));
        return new SavedModel(
                found.module().orElse(found.file()),
                found.summary()
                        .map(summary -> summary.path("model").asText())
                        .orElse(config.path("model").asText()),
                Optional.of(config),
                newest);
    }

    /** Finds a model that a user names, where a fault in reading is one of his. */
    static SavedModel named(Path path) {
        try {
            return find(path);
        } catch (IOException e) {
            throw Failure.of(Errors.sentence(e), e);
        }
    }

    /** Whether a name is that of parameters or a TorchScript file. */
    static boolean isModel(Path path) {
        return isScript(path) || PARAMS.matcher(name(path)).matches();
    }

    /** Returns the name of the network, which exists. */
    String networkName() {
        return isScript() ? prefix : network(Optional.empty()).id();
    }

    private Models network(Optional<String> modelName) {
        return Models.get(
                modelName
                        .or(() -> option("model").filter(name -> Models.names().contains(name)))
                        .orElse(prefix));
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
            return new SavedModel(params, stem(params), config, Optional.empty());
        }
        refuseOtherPython(params);
        Matcher matcher = PARAMS.matcher(name(params));
        if (!matcher.matches()) {
            throw Failure.misuse(
                    params
                            + " is no model: a run folder, DJL parameters (NAME-0000.params) or"
                            + " TorchScript (NAME.pt) are needed.");
        }
        return new SavedModel(params, matcher.group(1), config, Optional.empty());
    }

    /** Whether a text is a name that a list with one a line can hold. */
    private static boolean isName(String text) {
        return text != null && text.chars().noneMatch(Character::isISOControl);
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
        if (checkpoint.isPresent()) {
            return checkpoint.flatMap(Found::images).map(SeenImages::classes);
        }
        if (isScript()) {
            Optional<List<String>> own =
                    TorchScriptFile.open(file).metadata().map(ScriptMetadata::classes);
            if (own.isPresent() && !own.get().stream().allMatch(SavedModel::isName)) {
                throw Failure.of(
                        file
                                + " names a class in its extra/flipout.json by nothing, or by more"
                                + " than a line: export it anew.",
                        null);
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

    /** A line too few or too many would give classes the names of others. */
    private void checkNames(int count) throws IOException {
        int names = classes().map(List::size).orElse(count);
        if (names != count) {
            throw Failure.of(
                    file.resolveSibling(RunFolder.CLASSES)
                            + " names "
                            + names
                            + " classes, the network tells "
                            + count
                            + " apart: remove it, or write the names of the classes into it, one a"
                            + " line.",
                    null);
        }
    }

    public Path file() {
        return file;
    }

    public boolean isScript() {
        return isScript(file);
    }

    /** Loads the network to go on training it; the caller closes it. */
    Model loadToTrain(Device device) throws IOException {
        return isScript() ? TorchScriptModels.load(file, device) : load(Optional.empty(), device);
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
        if (checkpoint.isPresent()) {
            JsonNode image = summary(checkpoint.get()).path("image");
            return new Shape(image.path(0).asInt(), image.path(1).asInt(), image.path(2).asInt());
        }
        Models network = network(modelName);
        try (ParametersFile parameters = new ParametersFile(file, layers(network))) {
            return parameters.image();
        } catch (IOException | RuntimeException e) {
            throw unreadable(network, e);
        }
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
        if (checkpoint.isPresent()) {
            return load(checkpoint.get(), network, device);
        }
        Model model = Model.newInstance(prefix, device);
        try (ParametersFile parameters = new ParametersFile(file, layers(network))) {
            int channels = Math.toIntExact(parameters.image().get(0));
            int classes = Math.toIntExact(parameters.last().get(0));
            checkNames(classes);
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

    private JsonNode summary(Found saved) {
        return saved.summary()
                .orElseThrow(
                        () ->
                                Failure.of(
                                        file
                                                + " is of an earlier version: it can be gone on"
                                                + " with, by ./flipout resume, and not looked at.",
                                        null));
    }

    private Model load(Found saved, Models network, Device device) throws IOException {
        JsonNode image = summary(saved).path("image");
        int channels = image.path(0).asInt();
        int classes = saved.images().map(images -> images.classes().size()).orElse(USUAL_CLASSES);
        Model model = Model.newInstance(prefix, device);
        try {
            Block block =
                    option("width")
                            .map(
                                    width ->
                                            network.newBlock(
                                                    channels, classes, Integer.parseInt(width)))
                            .orElseGet(() -> network.newBlock(channels, classes));
            model.setBlock(block);
            Shape one = new Shape(1, channels, image.path(1).asInt(), image.path(2).asInt());
            block.initialize(model.getNDManager(), DataType.FLOAT32, one);
            NetworkState.load(block, saved.file());
            return model;
        } catch (IOException | RuntimeException e) {
            model.close();
            throw e;
        }
    }
}
