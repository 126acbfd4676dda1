package io.flipout.cli.bench;

import ai.djl.Device;
import io.flipout.cli.option.CommonOptions;
import io.flipout.cli.terminal.Failure;
import io.flipout.method.FlipOut;
import io.flipout.models.Models;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * {@code flipout bench checkpoint}: a checkpoint of a training by FlipOut, and the mere writing and
 * syncing of as many bytes.
 */
@Command(
        name = "checkpoint",
        mixinStandardHelpOptions = true,
        description =
                "Median seconds of a checkpoint, of writing as many bytes, its size and its memory.")
final class BenchCheckpointCommand implements Callable<Integer> {

    private static final int BATCH = 8;
    private static final int WARM_UP = 3;

    @Spec private CommandSpec spec;
    @Mixin private CommonOptions common;

    @Option(
            names = "--model",
            paramLabel = "NAME",
            defaultValue = "lenet300",
            description = "Network (default: ${DEFAULT-VALUE}).")
    private String modelName;

    @Option(
            names = "--sparsity",
            paramLabel = "S",
            defaultValue = "0",
            description = "Share of the weights that are pruned (default: ${DEFAULT-VALUE}).")
    private double sparsity;

    @Option(
            names = "--repeat",
            paramLabel = "N",
            defaultValue = "11",
            description = "Checkpoints to measure (default: ${DEFAULT-VALUE}).")
    private int repeat;

    @Override
    public Integer call() throws Exception {
        if (repeat < 1 || !(sparsity >= 0 && sparsity < 1)) {
            throw Failure.misuse("--repeat must be at least 1, and --sparsity in [0, 1).");
        }
        Models network = Models.get(modelName);
        common.startEngine();
        Path folder = Files.createTempDirectory("flipout-checkpoint");
        Path file = folder.resolve("checkpoint.safetensors");
        Path other = folder.resolve("bytes");
        try (BenchTraining training =
                new BenchTraining(
                        network, Device.cpu(), FlipOut.builder().build(), BATCH, sparsity)) {
            double[] save = new double[repeat];
            double[] write = new double[repeat];
            long memory = 0;
            for (int i = -WARM_UP; i < repeat; i++) {
                training.step();
                System.gc();
                long before = ProcessMemory.resident();
                ProcessMemory.resetPeak();
                long begin = System.nanoTime();
                training.pruner().save(file, Map.of());
                double saved = (System.nanoTime() - begin) / 1e9;
                long taken = ProcessMemory.peak() - before;
                double written = write(other, Files.readAllBytes(file));
                if (i >= 0) {
                    save[i] = saved;
                    write[i] = written;
                    memory = Math.max(memory, taken);
                }
            }
            Map<String, Object> result = new LinkedHashMap<>();
            result.put("bench", "checkpoint");
            result.put("model", modelName);
            result.put("sparsity", sparsity);
            result.put("seconds", Figures.median(save));
            result.put("write_seconds", Figures.median(write));
            result.put("bytes", Files.size(file));
            result.put("memory", ProcessMemory.isKnown() ? memory : null);
            Figures.print(spec, result);
        } finally {
            Files.deleteIfExists(file);
            Files.deleteIfExists(other);
            Files.delete(folder);
        }
        return 0;
    }

    private static double write(Path file, byte[] bytes) throws IOException {
        long begin = System.nanoTime();
        try (FileChannel channel =
                FileChannel.open(
                        file,
                        StandardOpenOption.CREATE,
                        StandardOpenOption.WRITE,
                        StandardOpenOption.TRUNCATE_EXISTING)) {
            ByteBuffer left = ByteBuffer.wrap(bytes);
            while (left.hasRemaining()) {
                channel.write(left);
            }
            channel.force(true);
        }
        return (System.nanoTime() - begin) / 1e9;
    }
}
