package io.flipout.cli.bench;

import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractBlock;
import ai.djl.nn.Parameter;
import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.ParameterStore;
import ai.djl.training.Trainer;
import ai.djl.training.initializer.NormalInitializer;
import ai.djl.training.listener.TrainingListener;
import ai.djl.training.loss.Loss;
import ai.djl.training.optimizer.Optimizer;
import ai.djl.util.PairList;
import io.flipout.cli.option.CommonOptions;
import io.flipout.cli.terminal.Failure;
import io.flipout.djl.Pruner;
import io.flipout.djl.training.Milestones;
import io.flipout.djl.training.Sgd;
import io.flipout.method.FlipOut;
import io.flipout.schedule.Schedule;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code flipout bench prune}: the time of one FlipOut pruning, from scores to masked weights. */
@Command(
        name = "prune",
        mixinStandardHelpOptions = true,
        description = "Median seconds of a FlipOut pruning of half the weights.")
final class BenchPruneCommand implements Callable<Integer> {

    private static final int TENSORS = 21;

    @Spec private CommandSpec spec;
    @Mixin private CommonOptions common;

    @Option(
            names = "--weights",
            paramLabel = "N",
            defaultValue = "11164352",
            description = "Weights of the network, in 21 tensors (default: ${DEFAULT-VALUE}).")
    private int weights;

    @Option(
            names = "--repeat",
            paramLabel = "N",
            defaultValue = "11",
            description =
                    "Prunings to measure, each of a fresh network (default: ${DEFAULT-VALUE}).")
    private int repeat;

    @Override
    public Integer call() throws Exception {
        if (weights < TENSORS || repeat < 1) {
            throw Failure.misuse("--weights must be at least 21 and --repeat at least 1.");
        }
        common.startEngine();
        double[] seconds = new double[repeat];
        pruneOnce(); // Compiles the loops.
        pruneOnce();
        for (int i = 0; i < repeat; i++) {
            seconds[i] = pruneOnce();
        }
        Map<String, Object> result = new LinkedHashMap<>();
        result.put("bench", "prune");
        result.put("weights", weights);
        result.put("seconds", Figures.median(seconds));
        Figures.print(spec, result);
        return 0;
    }

    private double pruneOnce() {
        Pruner pruner =
                Pruner.builder()
                        .setMethod(FlipOut.builder().build())
                        .setSchedule(Schedule.atRate(0.5).every(1).overEpochs(2))
                        .build();
        Optimizer optimizer =
                pruner.wrap(
                        Sgd.builder()
                                .setLearningRateTracker(new Milestones(0.1f, 1f))
                                .optMomentum(0.9f)
                                .build());
        TrainingListener listener = pruner.listener();
        try (Model model = Model.newInstance("weights");
                NDManager manager = NDManager.newBaseManager()) {
            model.setBlock(new Weights(weights));
            DefaultTrainingConfig config =
                    new DefaultTrainingConfig(Loss.l2Loss()).addTrainingListeners(listener);
            try (Trainer trainer = model.newTrainer(config)) {
                trainer.initialize(new Shape(1));
                for (Parameter parameter : model.getBlock().getParameters().values()) {
                    NDArray weight = parameter.getArray();
                    NDArray gradient =
                            manager.randomNormal(0f, 1f, weight.getShape(), DataType.FLOAT32);
                    optimizer.update(parameter.getId(), weight, gradient);
                }
                System.gc(); // Of the network before, which is no part of this pruning.
                long begin = System.nanoTime();
                listener.onEpoch(trainer);
                return (System.nanoTime() - begin) / 1e9;
            }
        }
    }

    /** Tensors of about equal size and nothing to compute. */
    private static final class Weights extends AbstractBlock {

        Weights(int size) {
            for (int i = 0; i < TENSORS; i++) {
                long share = (long) size * (i + 1) / TENSORS - (long) size * i / TENSORS;
                addParameter(
                        Parameter.builder()
                                .setName("weight" + i)
                                .setType(Parameter.Type.WEIGHT)
                                .optInitializer(new NormalInitializer(0.05f))
                                .optShape(new Shape(share, 1))
                                .build());
            }
        }

        @Override
        protected NDList forwardInternal(
                ParameterStore store,
                NDList inputs,
                boolean training,
                PairList<String, Object> params) {
            return inputs;
        }

        @Override
        public Shape[] getOutputShapes(Shape[] inputShapes) {
            return inputShapes;
        }
    }
}
