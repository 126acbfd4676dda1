package io.flipout.cli.bench;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Parameter;
import io.flipout.cli.option.CommonOptions;
import io.flipout.cli.terminal.Failure;
import io.flipout.djl.torchscript.Compression;
import io.flipout.djl.torchscript.TorchScriptExporter;
import io.flipout.mask.BlockPaths;
import io.flipout.models.Models;
import io.flipout.tensor.Transfers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code flipout bench export}: time, size and memory of an export, its check included. */
@Command(
        name = "export",
        mixinStandardHelpOptions = true,
        description = "Median seconds, bytes and memory of an export to TorchScript.")
final class BenchExportCommand implements Callable<Integer> {

    @Spec private CommandSpec spec;
    @Mixin private CommonOptions common;

    @Option(
            names = "--model",
            paramLabel = "NAME",
            defaultValue = "resnet18",
            description = "Network (default: ${DEFAULT-VALUE}).")
    private String modelName;

    @Option(
            names = "--sparsity",
            paramLabel = "S",
            defaultValue = "0",
            description = "Share of the weights that are 0 (default: ${DEFAULT-VALUE}).")
    private double sparsity;

    @Option(
            names = "--repeat",
            paramLabel = "N",
            defaultValue = "5",
            description = "Exports to measure, after one that is not (default: ${DEFAULT-VALUE}).")
    private int repeat;

    @Override
    public Integer call() throws Exception {
        if (repeat < 1 || !(sparsity >= 0 && sparsity < 1)) {
            throw Failure.misuse("--repeat must be at least 1, and --sparsity in [0, 1).");
        }
        Models network = Models.get(modelName);
        common.startEngine();
        Path folder = Files.createTempDirectory("flipout-export");
        Path file = folder.resolve("export.pt");
        try (Model model = Model.newInstance(network.id(), Device.cpu())) {
            model.setBlock(network.newBlock((int) network.inputShape().get(0), 10));
            Shape input = new Shape(1).addAll(network.inputShape());
            model.getBlock().initialize(model.getNDManager(), DataType.FLOAT32, input);
            prune(model);
            for (Compression compression : Compression.values()) {
                measure(model, file, input, compression);
            }
        } finally {
            Files.deleteIfExists(file);
            Files.delete(folder);
        }
        return 0;
    }

    private void prune(Model model) {
        SplittableRandom random = new SplittableRandom(1);
        for (Parameter parameter : BlockPaths.parameters(model.getBlock()).values()) {
            NDArray array = parameter.getArray();
            if (array.getShape().dimension() >= 2) {
                float[] values = Transfers.floats(array);
                for (int i = 0; i < values.length; i++) {
                    values[i] = random.nextDouble() < sparsity ? 0 : values[i];
                }
                RandomPruning.set(array, values);
            }
        }
    }

    private void measure(Model model, Path file, Shape input, Compression compression)
            throws IOException {
        TorchScriptExporter exporter =
                TorchScriptExporter.builder().optCompression(compression).build();
        exporter.export(model.getBlock(), file, input);
        double[] seconds = new double[repeat];
        long memory = 0;
        for (int i = 0; i < repeat; i++) {
            System.gc();
            long before = ProcessMemory.resident();
            ProcessMemory.resetPeak();
            long begin = System.nanoTime();
            exporter.export(model.getBlock(), file, input);
            seconds[i] = (System.nanoTime() - begin) / 1e9;
            memory = Math.max(memory, ProcessMemory.peak() - before);
        }
        Map<String, Object> result = new LinkedHashMap<>();
        result.put("bench", "export");
        result.put("model", modelName);
        result.put("compress", compression.name().toLowerCase(Locale.ROOT));
        result.put("seconds", Figures.median(seconds));
        result.put("bytes", Files.size(file));
        result.put("memory", ProcessMemory.isKnown() ? memory : null);
        Figures.print(spec, result);
    }
}
