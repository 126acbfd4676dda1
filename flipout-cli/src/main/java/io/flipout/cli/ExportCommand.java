package io.flipout.cli;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.engine.Engine;
import ai.djl.ndarray.types.Shape;
import io.flipout.cli.network.ModelOptions;
import io.flipout.cli.network.SavedModel;
import io.flipout.cli.option.CommonOptions;
import io.flipout.cli.terminal.Failure;
import io.flipout.cli.terminal.Terminal;
import io.flipout.djl.data.DataSets;
import io.flipout.djl.data.Normalization;
import io.flipout.djl.torchscript.CompactedLayer;
import io.flipout.djl.torchscript.Compression;
import io.flipout.djl.torchscript.ScriptMetadata;
import io.flipout.djl.torchscript.TorchScriptExporter;
import io.flipout.djl.torchscript.TorchScriptModels;
import io.flipout.mask.WeightSelector;
import io.flipout.report.SparsityReport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code flipout export}: writes a network as TorchScript. */
@Command(
        name = "export",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Writes a run or a model as a TorchScript file, for Python, C++ or DJL.",
            "The file is checked: its outputs are those of the network."
        })
final class ExportCommand implements Callable<Integer> {

    @Spec private CommandSpec spec;

    @Mixin private ModelOptions network;

    @Option(
            names = "--out",
            required = true,
            paramLabel = "FILE.pt",
            description = "The file to write; an existing one is replaced at the end.")
    private Path out;

    @Option(
            names = "--compress",
            paramLabel = "none|deflate|sparse",
            defaultValue = "none",
            description =
                    "How weights are stored: as they are, with the zeros packed away, or only"
                            + " those that are not 0 (default: ${DEFAULT-VALUE}).")
    private Compression compression;

    @Option(
            names = "--input-shape",
            split = ",",
            paramLabel = "C,H,W",
            description = "Shape of an image (default: that of the training).")
    private List<Long> inputShape;

    @Option(
            names = "--with-preprocessing",
            description = "Let the module take raw pixels, 0 to 255, and normalise them itself.")
    private boolean preprocessing;

    @Option(
            names = "--compact",
            description =
                    "Make the module smaller and faster, for inference: batch norm goes into the"
                            + " layers before it, channels that are pruned away, or the same for"
                            + " every image, are gone from the weights, and convolutions with few"
                            + " weights left multiply by those alone.")
    private boolean compact;

    @Option(
            names = "--no-sparse-products",
            description =
                    "With --compact, compute all convolutions densely: where many threads share an"
                            + " image, as PyTorch uses one thread for products with few weights.")
    private boolean noSparseProducts;

    @Option(names = "--no-verify", description = "Do not load the file and compare its outputs.")
    private boolean noVerify;

    @Option(
            names = "--dataset",
            paramLabel = "NAME",
            description = "Data set whose mean and deviation apply (default: the run's).")
    private String dataset;

    @Mixin private CommonOptions common;

    @Override
    public Integer call() throws Exception {
        SavedModel saved = network.find();
        Optional<Normalization> normalization =
                Optional.ofNullable(dataset)
                        .or(() -> saved.option("dataset"))
                        .map(name -> DataSets.named(name).normalization());
        checkOptions(saved, normalization);
        common.startEngine();
        try (Model model = network.load(saved, Device.cpu())) {
            if (saved.isScript()) {
                describe(saved, model, normalization);
                TorchScriptModels.save(model, out, compression);
            } else {
                export(saved, model, normalization);
            }
        }
        new Terminal(spec.commandLine()).line("%s: %,d bytes.", out, Files.size(out));
        return 0;
    }

    private void checkOptions(SavedModel saved, Optional<Normalization> normalization) {
        if (inputShape != null
                && (inputShape.size() != 3 || inputShape.stream().anyMatch(size -> size < 1))) {
            throw Failure.misuse(
                    "--input-shape needs channels, height and width, such as 3,32,32.");
        }
        if (preprocessing && normalization.isEmpty()) {
            throw Failure.misuse(
                    "--with-preprocessing needs the --dataset that the network was trained on.");
        }
        if (noSparseProducts && !compact) {
            throw Failure.misuse("--no-sparse-products is about --compact, which is not given.");
        }
        if (saved.isScript() && (preprocessing || compact || inputShape != null)) {
            throw Failure.misuse(
                    "--with-preprocessing, --compact and --input-shape are for networks of this"
                            + " project; "
                            + saved.file()
                            + " is TorchScript already.");
        }
        Terminal terminal = new Terminal(spec.commandLine());
        if (saved.isScript() && noVerify) {
            terminal.note("--no-verify does not apply to TorchScript: it is not used.");
        }
        if (saved.isScript() && dataset != null) {
            terminal.note("--dataset does not apply to TorchScript: it is not used.");
        }
        Path folder = out.toAbsolutePath().getParent();
        if (!Files.isDirectory(folder)) {
            throw Failure.misuse("There is no folder " + folder + " to export to.");
        }
        if (Files.isDirectory(out)) {
            throw Failure.misuse(out + " is a folder, not a file: choose another --out.");
        }
        if (!SavedModel.isScript(out)) {
            throw Failure.misuse(
                    "export writes TorchScript: the name of --out must end in .pt, which "
                            + out
                            + " does not.");
        }
    }

    private void export(SavedModel saved, Model model, Optional<Normalization> normalization)
            throws IOException {
        Shape shape = model.getBlock().getInputShapes()[0].slice(1);
        if (inputShape != null) {
            shape = new Shape(inputShape);
        }
        TorchScriptExporter.Builder exporter =
                TorchScriptExporter.builder()
                        .optCompression(compression)
                        .optVerify(!noVerify)
                        .optCompact(compact)
                        .optSparseProducts(!noSparseProducts)
                        .optMetadata(
                                metadata(
                                        saved,
                                        model,
                                        Arrays.stream(shape.getShape()).boxed().toList(),
                                        normalization,
                                        preprocessing));
        if (preprocessing) {
            exporter.optPreprocessing(normalization.orElseThrow());
        }
        Shape input = new Shape(1).addAll(shape);
        tell(exporter.build().export(model.getBlock(), out, input));
    }

    /** Prints what went of each layer. */
    private void tell(List<CompactedLayer> layers) {
        Terminal terminal = new Terminal(spec.commandLine());
        for (CompactedLayer layer : layers) {
            terminal.line(
                    "%s: %,d of %,d filters, which read %,d of %,d channels%s.",
                    layer.name(),
                    layer.filtersLeft(),
                    layer.filters(),
                    layer.channelsLeft(),
                    layer.channels(),
                    layer.isSparse() ? ", as a sparse product" : "");
        }
    }

    /** Lets a module tell what is known of it: by itself from before, or by its run. */
    private void describe(SavedModel saved, Model model, Optional<Normalization> normalization)
            throws IOException {
        Optional<ScriptMetadata> before =
                Optional.ofNullable(model.getProperty(ScriptMetadata.NAME))
                        .map(ScriptMetadata::fromJson);
        if (before.isEmpty() && saved.classes().isEmpty()) {
            return; // It is of other origin.
        }
        ScriptMetadata now = metadata(saved, model, null, normalization, false);
        ScriptMetadata whole =
                before.map(
                                b ->
                                        new ScriptMetadata(
                                                b.inputShape(),
                                                b.mean(),
                                                b.std(),
                                                now.classes(),
                                                now.method() == null ? b.method() : now.method(),
                                                now.sparsity(),
                                                b.preprocessed(),
                                                now.versions()))
                        .orElse(now);
        model.setProperty(ScriptMetadata.NAME, whole.toJson());
    }

    private ScriptMetadata metadata(
            SavedModel saved,
            Model model,
            List<Long> shape,
            Optional<Normalization> normalization,
            boolean preprocessed)
            throws IOException {
        SparsityReport report = SparsityReport.ofZeros(model, WeightSelector.builder().build());
        Map<String, String> versions = new LinkedHashMap<>();
        versions.put("flipout", Version.NUMBER);
        versions.put("djl", Engine.getDjlVersion());
        versions.put("pytorch", Engine.getInstance().getVersion());
        return new ScriptMetadata(
                shape,
                normalization.map(n -> list(n.mean())).orElse(null),
                normalization.map(n -> list(n.std())).orElse(null),
                saved.classes().orElse(null),
                saved.option("method").orElse(null),
                report.sparsity(),
                preprocessed,
                versions);
    }

    private static List<Float> list(float[] values) {
        List<Float> list = new ArrayList<>();
        for (float value : values) {
            list.add(value);
        }
        return list;
    }
}
