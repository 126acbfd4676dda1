package io.flipout.cli.bench;

import ai.djl.Device;
import ai.djl.Model;
import io.flipout.cli.method.MethodOptions;
import io.flipout.cli.option.CommonOptions;
import io.flipout.cli.option.Devices;
import io.flipout.cli.option.ForwardOptions;
import io.flipout.cli.terminal.Failure;
import io.flipout.method.FlipOut;
import io.flipout.method.PruningMethod;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * {@code flipout bench step}: whole training steps (forward, backward, update) of plain SGD, of
 * FlipOut without noise and of FlipOut, or of other methods, in turn, so that a machine that slows
 * down slows all of them.
 */
@Command(
        name = "step",
        mixinStandardHelpOptions = true,
        description = "Median seconds of a training step, plain and with FlipOut, interleaved.")
final class BenchStepCommand implements Callable<Integer> {

    private static final int WARM_UP = 3;

    @Spec private CommandSpec spec;
    @Mixin private CommonOptions common;

    @Option(
            names = "--model",
            paramLabel = "NAME",
            defaultValue = "resnet18",
            description =
                    "Network of 'train', or of DJL's blocks: "
                            + BenchNetwork.BLOCKS
                            + " (default: ${DEFAULT-VALUE}).")
    private String modelName;

    @Option(
            names = "--batch-size",
            paramLabel = "N",
            defaultValue = "128",
            description = "Images in a batch (default: ${DEFAULT-VALUE}).")
    private int batchSize;

    @Option(
            names = "--steps",
            paramLabel = "N",
            defaultValue = "11",
            description = "Steps to measure of each kind (default: ${DEFAULT-VALUE}).")
    private int steps;

    @Option(
            names = "--sparsity",
            paramLabel = "S",
            defaultValue = "0",
            description =
                    "Prune the networks with FlipOut to this sparsity before the steps that are"
                            + " measured (default: ${DEFAULT-VALUE}).")
    private double sparsity;

    @Option(
            names = "--methods",
            paramLabel = "NAME,...",
            split = ",",
            description =
                    "Methods to measure beside plain training, with the defaults of 'train' (default:"
                            + " FlipOut without noise and with it).")
    private List<String> methods = List.of();

    @Option(
            names = "--script",
            paramLabel = "float32|bf16,...",
            split = ",",
            description = "Measure plain training by '--forward script' in these precisions, too.")
    private List<ForwardOptions.Type> scripts = List.of();

    @Option(
            names = "--device",
            paramLabel = "auto|cpu|gpu[N]",
            defaultValue = "auto",
            description = "Where to compute (default: ${DEFAULT-VALUE}).")
    private String device;

    @Override
    public Integer call() throws Exception {
        if (batchSize < 1 || steps < 1) {
            throw Failure.misuse("--batch-size and --steps must be at least 1.");
        }
        BenchNetwork network = BenchNetwork.get(modelName);
        common.startEngine();
        Device where = Devices.parse(device)[0];
        Map<String, Object> result = new LinkedHashMap<>();
        result.put("bench", "step");
        result.put("model", modelName);
        result.put("batch", batchSize);
        Map<String, BenchTraining> trainings = new LinkedHashMap<>();
        try {
            trainings.put("plain", training(network, where, null));
            measured()
                    .forEach(
                            (name, method) ->
                                    trainings.put(name, training(network, where, method)));
            for (ForwardOptions.Type type : scripts) {
                trainings.put(
                        "script_" + type.name().toLowerCase(Locale.ROOT),
                        new BenchTraining(
                                network, where, null, batchSize, sparsity, type::newTrainer));
            }
            Map<String, double[]> seconds = new LinkedHashMap<>();
            trainings.keySet().forEach(name -> seconds.put(name, new double[steps]));
            for (int i = -WARM_UP; i < steps; i++) {
                for (Map.Entry<String, BenchTraining> entry : trainings.entrySet()) {
                    double time = entry.getValue().step();
                    if (i >= 0) {
                        seconds.get(entry.getKey())[i] = time;
                    }
                }
            }
            seconds.forEach((name, times) -> result.put(name, Figures.median(times)));
        } finally {
            trainings.values().forEach(BenchTraining::close);
        }
        Figures.print(spec, result);
        return 0;
    }

    private BenchTraining training(BenchNetwork network, Device where, PruningMethod method) {
        return new BenchTraining(network, where, method, batchSize, sparsity, Model::newTrainer);
    }

    private Map<String, PruningMethod> measured() {
        Map<String, PruningMethod> measured = new LinkedHashMap<>();
        if (methods.isEmpty()) {
            measured.put("flipout_no_noise", FlipOut.builder().optNoise(0).build());
            measured.put("flipout", FlipOut.builder().build());
        }
        methods.forEach(name -> measured.put(name, MethodOptions.byDefault(name)));
        return measured;
    }
}
