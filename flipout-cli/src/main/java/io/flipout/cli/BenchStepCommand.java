package io.flipout.cli;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.GradientCollector;
import ai.djl.training.Trainer;
import ai.djl.training.loss.Loss;
import ai.djl.training.optimizer.Optimizer;
import io.flipout.djl.Milestones;
import io.flipout.djl.Pruner;
import io.flipout.djl.Sgd;
import io.flipout.method.FlipOut;
import io.flipout.models.Models;
import io.flipout.schedule.Schedule;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * {@code flipout bench step}: whole training steps (forward, backward, update) of plain SGD, of
 * FlipOut without noise and of FlipOut, in turn, so that a machine that slows down slows all three.
 */
@Command(
        name = "step",
        mixinStandardHelpOptions = true,
        description = "Median seconds of a training step, plain and with FlipOut, interleaved.")
final class BenchStepCommand implements Callable<Integer> {

    private static final int CLASSES = 10;

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
            names = "--device",
            paramLabel = "auto|cpu|gpu[N]",
            defaultValue = "auto",
            description = "Where to compute (default: ${DEFAULT-VALUE}).")
    private String device;

    @Override
    public Integer call() {
        return 0;
    }
}
