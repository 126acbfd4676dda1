package io.flipout.cli.bench;

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
import ai.djl.training.TrainingConfig;
import ai.djl.training.loss.Loss;
import io.flipout.djl.Pruner;
import io.flipout.djl.training.Milestones;
import io.flipout.djl.training.Sgd;
import io.flipout.djl.training.StepServer;
import io.flipout.method.PruningMethod;
import io.flipout.models.Models;
import io.flipout.schedule.PruningEvent.Unit;
import io.flipout.schedule.Schedule;
import io.flipout.tensor.Transfers;
import java.util.function.BiFunction;
import java.util.function.Consumer;

/** A network with its optimizer and one batch of noise. */
final class BenchTraining implements AutoCloseable {

    private final Model model;
    private final Trainer trainer;
    private final NDList images;
    private final NDList labels;
    private Pruner pruner;

    /**
     * Makes the network.
     *
     * @param method what prunes it; null for plain training
     * @param sparsity to which it is pruned after the first step
     */
    BenchTraining(
            Models network, Device where, PruningMethod method, int batchSize, double sparsity) {
        this(BenchNetwork.of(network), where, method, batchSize, sparsity, Model::newTrainer);
    }

    /** Makes the network, and the trainer by a way of its own. */
    BenchTraining(
            BenchNetwork network,
            Device where,
            PruningMethod method,
            int batchSize,
            double sparsity,
            BiFunction<Model, TrainingConfig, Trainer> trainers) {
        model = Model.newInstance(network.name(), where);
        model.setBlock(network.block().get());
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
            pruner =
                    Pruner.builder()
                            .setMethod(method)
                            .setSchedule(
                                    sparsity == 0
                                            ? Schedule.none()
                                            : Schedule.oneShot(sparsity, Unit.STEP, 1))
                            .build();
            config.optOptimizer(pruner.wrap(sgd)).addTrainingListeners(pruner.listener());
        }
        trainer = trainers.apply(model, config);
        StepServer.serve(trainer); // As the training loop does.
        Shape shape = new Shape(batchSize).addAll(network.input());
        trainer.initialize(shape);
        NDManager manager = trainer.getManager();
        images =
                new NDList(
                        network.words() == 0
                                ? manager.randomNormal(shape)
                                : manager.randomInteger(0, network.words(), shape, DataType.INT64));
        Shape batch = new Shape(batchSize);
        labels = new NDList(manager.randomInteger(0, BenchNetwork.CLASSES, batch, DataType.INT64));
    }

    /** Returns the pruner; null for plain training. */
    Pruner pruner() {
        return pruner;
    }

    /** Takes a step, and waits until it is done. */
    double step() {
        return step(Runnable::run, Runnable::run);
    }

    /**
     * Takes a step, and waits until it is done.
     *
     * @param pass runs the forward and backward pass
     * @param update runs what the optimizer and the pruner do
     */
    double step(Consumer<Runnable> pass, Consumer<Runnable> update) {
        long begin = System.nanoTime();
        try (NDManager scratch = trainer.getManager().newSubManager()) {
            images.attach(scratch); // Its descendants are freed with the step.
            pass.accept(this::pass);
            update.accept(trainer::step);
            NDArray parameter = model.getBlock().getParameters().valueAt(0).getArray();
            try (NDArray sum = parameter.sum()) {
                Transfers.floats(sum);
            }
            images.attach(trainer.getManager());
        }
        return (System.nanoTime() - begin) / 1e9;
    }

    private void pass() {
        try (GradientCollector collector = trainer.newGradientCollector()) {
            NDList outputs = trainer.forward(images, labels);
            collector.backward(trainer.getLoss().evaluate(labels, outputs));
        }
    }

    @Override
    public void close() {
        trainer.close();
        model.close();
    }
}
