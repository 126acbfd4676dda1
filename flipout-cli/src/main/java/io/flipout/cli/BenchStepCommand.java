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
import io.flipout.cli.method.MethodOptions;
import io.flipout.djl.Milestones;
import io.flipout.djl.Pruner;
import io.flipout.djl.Sgd;
import io.flipout.method.FlipOut;
import io.flipout.method.PruningMethod;
import io.flipout.models.Models;
import io.flipout.schedule.PruningEvent.Unit;
import io.flipout.schedule.Schedule;
import java.util.LinkedHashMap;
import java.util.List;
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

    private static final int CLASSES = 10;
    private static final int WARM_UP = 3;

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
            names = "--methods",
            paramLabel = "NAME,...",
            split = ",",
            description =
                    "Methods to measure beside plain training, with the defaults of 'train' (default:"
                            + " FlipOut without noise and with it).")
    private List<String> methods = List.of();

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
        Models network = Models.get(modelName);
        common.startEngine();
        Device where = Devices.parse(device)[0];
        Map<String, Object> result = new LinkedHashMap<>();
        result.put("bench", "step");
        result.put("model", modelName);
        result.put("batch", batchSize);
        Map<String, Training> trainings = new LinkedHashMap<>();
        try {
            trainings.put("plain", new Training(network, where, null));
            measured().forEach((n, m) -> trainings.put(n, new Training(network, where, m)));
            Map<String, double[]> seconds = new LinkedHashMap<>();
            trainings.keySet().forEach(name -> seconds.put(name, new double[steps]));
            for (int i = -WARM_UP; i < steps; i++) {
                for (Map.Entry<String, Training> entry : trainings.entrySet()) {
                    double time = entry.getValue().step();
                    if (i >= 0) {
                        seconds.get(entry.getKey())[i] = time;
                    }
                }
            }
            seconds.forEach((name, times) -> result.put(name, BenchCommand.median(times)));
        } finally {
            trainings.values().forEach(Training::close);
        }
        BenchCommand.print(spec, result);
        return 0;
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

    /** A network with its optimizer and one batch of noise. */
    private final class Training implements AutoCloseable {

        private final Model model;
        private final Trainer trainer;
        private final NDList images;
        private final NDList labels;

        Training(Models network, Device where, PruningMethod method) {
            int channels = (int) network.inputShape().get(0);
            model = Model.newInstance(network.id(), where);
            model.setBlock(network.newBlock(channels, CLASSES));
            Sgd sgd =
                    Sgd.builder()
                            .setLearningRateTracker(new Milestones(0.001f, 1f))
                            .optMomentum(0.9f)
                            .optWeightDecays(5e-4f)
                            .build();
            DefaultTrainingConfig config =
                    new DefaultTrainingConfig(Loss.softmaxCrossEntropyLoss())
                            .optDevices(new Device[] {where});
            if (method == null) {
                config.optOptimizer(sgd);
            } else {
                // Pruned after the first of the steps that warm up.
                Pruner pruner =
                        Pruner.builder()
                                .setMethod(method)
                                .setSchedule(
                                        sparsity == 0
                                                ? Schedule.none()
                                                : Schedule.oneShot(sparsity, Unit.STEP, 1))
                                .build();
                config.optOptimizer(pruner.wrap(sgd)).addTrainingListeners(pruner.listener());
            }
            trainer = model.newTrainer(config);
            Shape shape = new Shape(batchSize).addAll(network.inputShape());
            trainer.initialize(shape);
            NDManager manager = trainer.getManager();
            images = new NDList(manager.randomNormal(shape));
            labels =
                    new NDList(
                            manager.randomInteger(
                                    0, CLASSES, new Shape(batchSize), DataType.INT64));
        }

        /** Takes a step, and waits until it is done. */
        double step() {
            long begin = System.nanoTime();
            try (NDManager scratch = trainer.getManager().newSubManager()) {
                images.attach(scratch); // Its descendants are freed with the step.
                try (GradientCollector collector = trainer.newGradientCollector()) {
                    NDList outputs = trainer.forward(images, labels);
                    collector.backward(trainer.getLoss().evaluate(labels, outputs));
                }
                trainer.step();
                NDArray parameter = model.getBlock().getParameters().valueAt(0).getArray();
                try (NDArray sum = parameter.sum()) {
                    sum.getFloat();
                }
                images.attach(trainer.getManager());
            }
            return (System.nanoTime() - begin) / 1e9;
        }

        @Override
        public void close() {
            trainer.close();
            model.close();
        }
    }
}
