package io.flipout.cli.bench;

import ai.djl.ndarray.NDManager;
import ai.djl.training.dataset.Batch;
import io.flipout.cli.option.CommonOptions;
import io.flipout.cli.option.DataOptions;
import io.flipout.cli.terminal.Failure;
import io.flipout.cli.terminal.Terminal;
import io.flipout.djl.data.ImageDataset;
import io.flipout.djl.data.ImageSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code flipout bench data}: how fast batches of training images come. */
@Command(
        name = "data",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = "Training images a second, augmented as in training, with nothing trained.")
final class BenchDataCommand implements Callable<Integer> {

    @Spec private CommandSpec spec;
    @Mixin private DataOptions data;

    @Option(
            names = "--batch-size",
            paramLabel = "N",
            defaultValue = "128",
            description = "Images in a batch (default: ${DEFAULT-VALUE}).")
    private int batchSize;

    @Option(
            names = "--repeat",
            paramLabel = "N",
            defaultValue = "5",
            description = "Epochs to measure, after one that is not (default: ${DEFAULT-VALUE}).")
    private int repeat;

    @Mixin private CommonOptions common;

    @Override
    public Integer call() throws Exception {
        if (batchSize < 1 || repeat < 1) {
            throw Failure.misuse("--batch-size and --repeat must be at least 1.");
        }
        data.resolve();
        common.startEngine();
        Terminal terminal = new Terminal(spec.commandLine());
        ImageSet images = data.loadTrain(terminal::note);
        ImageDataset dataset = data.forTraining(images, batchSize, 1);
        double[] speeds = new double[repeat];
        try (NDManager manager = NDManager.newBaseManager()) {
            epoch(dataset, manager);
            for (int i = 0; i < repeat; i++) {
                long begin = System.nanoTime();
                epoch(dataset, manager);
                speeds[i] = images.size() / ((System.nanoTime() - begin) / 1e9);
            }
        }
        Map<String, Object> result = new LinkedHashMap<>();
        result.put("bench", "data");
        result.put("images_per_second", Math.round(Figures.median(speeds)));
        Figures.print(spec, result);
        return 0;
    }

    private static void epoch(ImageDataset dataset, NDManager manager) {
        for (Batch batch : dataset.getData(manager)) {
            batch.close();
        }
    }
}
