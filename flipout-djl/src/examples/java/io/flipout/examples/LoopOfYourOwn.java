package io.flipout.examples;

import ai.djl.Model;
import ai.djl.basicmodelzoo.basic.Mlp;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.GradientCollector;
import ai.djl.training.Trainer;
import ai.djl.training.dataset.ArrayDataset;
import ai.djl.training.dataset.Batch;
import ai.djl.training.loss.Loss;
import ai.djl.training.optimizer.Optimizer;
import io.flipout.djl.Pruner;
import io.flipout.method.FlipOut;
import io.flipout.schedule.Schedule;

/** A training loop written out; the end of each epoch is what the pruner has to be told. */
public final class LoopOfYourOwn {

    private static final int EPOCHS = 4;

    public static void main(String... args) throws Exception {
        Pruner pruner =
                Pruner.builder()
                        .setMethod(FlipOut.builder().build())
                        .setSchedule(Schedule.toSparsity(0.9).overEpochs(EPOCHS))
                        .build();
        DefaultTrainingConfig config = new DefaultTrainingConfig(Loss.softmaxCrossEntropyLoss());
        pruner.attach(config, Optimizer.adam().build());
        try (Model model = Model.newInstance("mlp")) {
            model.setBlock(new Mlp(3 * 28 * 28, Toy.CLASSES, new int[] {32, 16}));
            try (Trainer trainer = model.newTrainer(config)) {
                trainer.initialize(new Shape(1, 3, 28, 28));
                ArrayDataset data = Toy.images(trainer.getManager());
                for (int epoch = 0; epoch < EPOCHS; epoch++) {
                    for (Batch batch : trainer.iterateDataset(data)) {
                        try (batch;
                                GradientCollector collector = trainer.newGradientCollector()) {
                            NDList scores = trainer.forward(batch.getData(), batch.getLabels());
                            collector.backward(
                                    trainer.getLoss().evaluate(batch.getLabels(), scores));
                        }
                        trainer.step();
                    }
                    trainer.notifyListeners(listener -> listener.onEpoch(trainer));
                    System.out.printf("Epoch %d: %s%n", epoch + 1, pruner.report().sparsity());
                }
            }
        }
    }
}
