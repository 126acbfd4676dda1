package io.flipout.cli.bench;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import io.flipout.cli.network.SavedModel;
import io.flipout.cli.option.CommonOptions;
import io.flipout.cli.terminal.Failure;
import io.flipout.cli.terminal.Terminal;
import io.flipout.djl.torchscript.Compression;
import io.flipout.djl.torchscript.TorchScriptException;
import io.flipout.djl.torchscript.TorchScriptExporter;
import io.flipout.inference.Network;
import io.flipout.mask.WeightSelector;
import io.flipout.models.Models;
import io.flipout.report.SparsityReport;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code flipout bench infer}: the time of a prediction by each engine. */
@Command(
        name = "infer",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Time of a prediction: LibTorch with all weights and batch norm folded, LibTorch"
                    + " without the channels that do nothing, and FlipOut's engine, in turns. A"
                    + " TorchScript file is taken as it is, without the second.",
            "ratio: the median of 'pytorch' over this engine's. difference: the largest of the"
                    + " outputs, relative to the largest output."
        })
final class BenchInferCommand implements Callable<Integer> {

    private static final int CLASSES = 10;
    private static final long SEED = 1;

    @Spec private CommandSpec spec;

    @Parameters(
            index = "0",
            arity = "0..1",
            paramLabel = "RUN_OR_MODEL",
            description = "Folder of a run, a NAME-0000.params or a TorchScript NAME.pt file.")
    private Path path;

    @Option(
            names = "--model",
            paramLabel = "NAME",
            description = "A network with random weights instead (or the file's network).")
    private String modelName;

    @Option(
            names = "--width",
            paramLabel = "N",
            description = "Channels of resnet18's first layer (default: 64).")
    private Integer width;

    @Option(
            names = "--sparsity",
            paramLabel = "S",
            description = "Share of each layer's weights that is removed, at random (default: 0).")
    private Double sparsity;

    @Option(
            names = "--batch",
            split = ",",
            paramLabel = "N",
            defaultValue = "1",
            description = "Images a prediction (default: ${DEFAULT-VALUE}).")
    private List<Integer> batches;

    @Option(
            names = "--threads",
            split = ",",
            paramLabel = "N",
            defaultValue = "1",
            description = "Threads a prediction (default: ${DEFAULT-VALUE}).")
    private List<Integer> threads;

    @Option(
            names = "--repeat",
            paramLabel = "N",
            defaultValue = "101",
            description = "Predictions to measure (default: ${DEFAULT-VALUE}).")
    private int repeat;

    @Option(
            names = "--warm-up",
            paramLabel = "SECONDS",
            defaultValue = "2",
            description =
                    "Of processor time that each engine computes before, so that Java has compiled"
                            + " it (default: ${DEFAULT-VALUE}).")
    private double warmUp;

    @Option(
            names = "--startup",
            paramLabel = "N",
            description =
                    "Measure instead, N times, how long it takes from the start of Java to the"
                            + " first answer, with each engine.")
    private Integer startup;

    @Option(names = "--verbose", description = "Tell more, and show stack traces.")
    @SuppressWarnings("UnusedVariable") // Looked for before the options are parsed.
    private boolean verbose;

    /**
     * What is measured: a network in a file that every engine reads, and, where it comes from
     * blocks, in LibTorch's fastest forms, with all channels and without those that do nothing.
     */
    private record Subject(String name, double sparsity, int[] shape, boolean isFromBlocks) {}

    private static final String FILE = "network.pt";
    private static final String FOLDED = "folded.pt";
    private static final String COMPACT = "compact.pt";

    @Override
    public Integer call() throws Exception {
        check();
        CommonOptions.startPyTorch();
        Path folder = Files.createTempDirectory("flipout-infer");
        try {
            Subject subject = write(folder);
            if (startup != null) {
                measureStart(subject, folder);
                return 0;
            }
            for (int number : threads) {
                for (int batch : batches) {
                    measure(subject, folder, batch, number);
                }
            }
        } finally {
            delete(folder);
        }
        return 0;
    }

    private void check() {
        if (path == null && modelName == null) {
            throw Failure.misuse("Give a run, a model or a network by --model, such as resnet18.");
        }
        if (path != null && (width != null || sparsity != null)) {
            throw Failure.misuse(
                    path + " has its width and sparsity: leave out --width and --sparsity.");
        }
        if (sparsity != null && !(sparsity >= 0 && sparsity < 1)) {
            throw Failure.misuse("--sparsity must be in [0, 1), got " + sparsity + ".");
        }
        if (repeat < 1 || Stream.concat(batches.stream(), threads.stream()).anyMatch(n -> n < 1)) {
            throw Failure.misuse("--batch, --threads, --repeat and --startup must be at least 1.");
        }
    }

    private Subject write(Path folder) throws IOException {
        if (path == null) {
            return random(folder);
        }
        SavedModel saved = SavedModel.find(path);
        String name = path.toAbsolutePath().getFileName().toString();
        try (Model model = saved.load(Optional.ofNullable(modelName), Device.cpu())) {
            double zeros =
                    SparsityReport.ofZeros(model, WeightSelector.builder().build()).sparsity();
            if (!saved.isScript()) {
                Shape image = model.getBlock().getInputShapes()[0].slice(1);
                export(model, folder, image);
                return new Subject(name, zeros, ints(image), true);
            }
            Path file = Files.copy(saved.file(), folder.resolve(FILE));
            try (Network network = Network.load(file)) {
                int[] shape = network.inputShape();
                if (shape.length == 0 || Arrays.stream(shape).anyMatch(size -> size < 0)) {
                    throw Failure.misuse(
                            saved.file()
                                    + " does not say what size its images have: export it with"
                                    + " --input-shape.");
                }
                return new Subject(name, zeros, shape, false);
            }
        }
    }

    private Subject random(Path folder) throws IOException {
        Models network = Models.get(modelName);
        double share = sparsity == null ? 0 : sparsity;
        try (Model model = Model.newInstance(network.id(), Device.cpu())) {
            int channels = (int) network.inputShape().get(0);
            model.setBlock(
                    width == null
                            ? network.newBlock(channels, CLASSES)
                            : network.newBlock(channels, CLASSES, width));
            Shape input = new Shape(1).addAll(network.inputShape());
            model.getBlock().initialize(model.getNDManager(), DataType.FLOAT32, input);
            RandomPruning.apply(model.getBlock(), share);
            export(model, folder, network.inputShape());
            return new Subject(network.id(), share, ints(network.inputShape()), true);
        }
    }

    private void export(Model model, Path folder, Shape image) throws IOException {
        Shape one = new Shape(1).addAll(image);
        exporter()
                .optCompression(Compression.SPARSE)
                .build()
                .export(model.getBlock(), folder.resolve(FILE), one);
        exporter().optFolded(true).build().export(model.getBlock(), folder.resolve(FOLDED), one);
        try {
            exporter()
                    .optCompact(true)
                    .build()
                    .export(model.getBlock(), folder.resolve(COMPACT), one);
        } catch (TorchScriptException e) { // An old LibTorch; the others are measured.
            new Terminal(spec.commandLine()).note(e.getMessage());
        }
    }

    private static TorchScriptExporter.Builder exporter() {
        return TorchScriptExporter.builder().optVerify(false);
    }

    private static int[] ints(Shape shape) {
        return Arrays.stream(shape.getShape()).mapToInt(Math::toIntExact).toArray();
    }

    private static void delete(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
        }
        Files.delete(folder);
    }

    private void measure(Subject subject, Path folder, int batch, int number) throws IOException {
        int size = Arrays.stream(subject.shape()).reduce(batch, Math::multiplyExact);
        float[] images = new float[size];
        Random random = new Random(SEED);
        for (int i = 0; i < size; i++) {
            images[i] = (float) random.nextGaussian();
        }
        List<Contender> contenders = new ArrayList<>();
        try {
            int[] shape = subject.shape();
            Path dense = folder.resolve(subject.isFromBlocks() ? FOLDED : FILE);
            contenders.add(Contender.pytorch("pytorch", dense, images, batch, shape, number));
            Path compact = folder.resolve(COMPACT);
            if (Files.exists(compact)) {
                contenders.add(
                        Contender.pytorch(
                                "pytorch-compact", compact, images, batch, shape, number));
            }
            contenders.add(Contender.flipout(folder.resolve(FILE), images, batch, shape, number));
            double[][] seconds = time(contenders);
            float[] expected = contenders.get(0).outputs();
            double base = Figures.median(seconds[0]);
            for (int i = 0; i < contenders.size(); i++) {
                Contender contender = contenders.get(i);
                double median = Figures.median(seconds[i]);
                Map<String, Object> result = new LinkedHashMap<>();
                result.put("bench", "infer");
                result.put("model", subject.name());
                result.put("sparsity", Figures.rounded(subject.sparsity(), 6));
                result.put("batch", batch);
                result.put("threads", number);
                result.put("engine", contender.name());
                result.put("median_ms", Figures.rounded(1e3 * median));
                result.put("p99_ms", Figures.rounded(1e3 * Figures.percentile(seconds[i], 99)));
                result.put("images_per_second", Figures.rounded(batch / median));
                result.put("ratio", Figures.rounded(base / median));
                result.put(
                        "difference", Figures.rounded(difference(expected, contender.outputs())));
                Figures.print(spec, result);
            }
        } finally {
            contenders.forEach(Contender::close);
        }
    }

    private void measureStart(Subject subject, Path folder) throws IOException {
        List<String> engines = List.of("pytorch", "flipout");
        Path file = folder.resolve(FILE);
        double[][] seconds = new double[engines.size()][startup];
        for (int round = 0; round < startup; round++) {
            for (int i = 0; i < engines.size(); i++) {
                seconds[i][round] = FirstAnswer.seconds(engines.get(i), file, subject.shape());
            }
        }
        for (int i = 0; i < engines.size(); i++) {
            Map<String, Object> result = new LinkedHashMap<>();
            result.put("bench", "infer-startup");
            result.put("model", subject.name());
            result.put("sparsity", Figures.rounded(subject.sparsity(), 6));
            result.put("engine", engines.get(i));
            result.put("seconds", Figures.median(seconds[i]));
            result.put(
                    "class_path_bytes", FirstAnswer.bytes(FirstAnswer.classPath(engines.get(i))));
            Figures.print(spec, result);
        }
    }

    /** In turns, so that what disturbs the machine disturbs all. */
    private double[][] time(List<Contender> contenders) {
        for (Contender contender : contenders) {
            // Of the processor's time: on a busy machine the clock runs without us.
            ThreadMXBean clock = ManagementFactory.getThreadMXBean();
            long end = clock.getCurrentThreadCpuTime() + (long) (warmUp * 1e9);
            do {
                contender.run();
            } while (clock.getCurrentThreadCpuTime() < end);
        }
        double[][] seconds = new double[contenders.size()][repeat];
        for (int round = 0; round < repeat; round++) {
            for (int i = 0; i < contenders.size(); i++) {
                long begin = System.nanoTime();
                contenders.get(i).run();
                seconds[i][round] = (System.nanoTime() - begin) / 1e9;
            }
        }
        return seconds;
    }

    /** The largest difference, by the largest output. */
    private static double difference(float[] expected, float[] actual) {
        if (expected.length != actual.length) {
            throw new IllegalStateException("The engines return different numbers of outputs.");
        }
        double largest = 0;
        double difference = 0;
        for (int i = 0; i < expected.length; i++) {
            largest = Math.max(largest, Math.abs(expected[i]));
            difference = Math.max(difference, Math.abs((double) expected[i] - actual[i]));
        }
        return difference == 0 ? 0 : difference / largest;
    }
}
