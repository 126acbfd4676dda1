package io.flipout.cli.bench;

import ai.djl.Device;
import io.flipout.cli.option.CommonOptions;
import io.flipout.cli.option.Devices;
import io.flipout.cli.terminal.Failure;
import io.flipout.method.FlipOut;
import io.flipout.models.Models;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * {@code flipout bench launches}: how many operations of PyTorch a training step calls, as each is
 * a launch on a GPU.
 */
@Command(
        name = "launches",
        mixinStandardHelpOptions = true,
        description =
                "Operations that a training step calls, which are launches on a GPU: forward and"
                        + " backward pass, the update by SGD, and the update by FlipOut on SGD.")
final class BenchLaunchesCommand implements Callable<Integer> {

    private static final String DIRECT = "flipout.direct";

    /** Steps before the one that is counted: in them the optimizer and the masks come about. */
    private static final int WARM_UP = 3;

    private static final double SPARSITY = 0.5;

    @Spec private CommandSpec spec;
    @Mixin private CommonOptions common;

    @Option(
            names = "--model",
            paramLabel = "NAME",
            defaultValue = "resnet18",
            description = "Network (default: ${DEFAULT-VALUE}).")
    private String modelName;

    @Option(
            names = "--batch-size",
            paramLabel = "N",
            defaultValue = "2",
            description =
                    "Images in a batch, which changes nothing but the time (default:"
                            + " ${DEFAULT-VALUE}).")
    private int batchSize;

    @Option(
            names = "--host",
            description =
                    "Count what is called where weights lie in the host's memory, in place of what a"
                            + " GPU is asked for.")
    private boolean host;

    @Override
    public Integer call() throws Exception {
        if (batchSize < 2) {
            throw Failure.misuse("--batch-size must be at least 2.");
        }
        Models network = Models.get(modelName);
        common.startEngine();
        Map<String, Object> result = new LinkedHashMap<>();
        result.put("bench", "launches");
        result.put("model", modelName);
        String before = System.getProperty(DIRECT);
        System.setProperty(DIRECT, Boolean.toString(host));
        try {
            count(network, result);
        } finally {
            if (before == null) {
                System.clearProperty(DIRECT);
            } else {
                System.setProperty(DIRECT, before);
            }
        }
        Figures.print(spec, result);
        return 0;
    }

    private void count(Models network, Map<String, Object> result) {
        Device where = Devices.parse("cpu")[0];
        try (BenchTraining plain = new BenchTraining(network, where, null, batchSize, 0)) {
            warmUp(plain);
            plain.step(into(result, "forward_backward"), into(result, "sgd"));
        }
        FlipOut method = FlipOut.builder().build();
        try (BenchTraining pruned =
                new BenchTraining(network, where, method, batchSize, SPARSITY)) {
            warmUp(pruned);
            pruned.step(Runnable::run, into(result, "flipout"));
        }
    }

    private static void warmUp(BenchTraining training) {
        for (int i = 0; i < WARM_UP; i++) {
            training.step();
        }
    }

    private static Consumer<Runnable> into(Map<String, Object> result, String name) {
        return work -> result.put(name, Launches.of(work));
    }
}
