package io.flipout.examples;

import ai.djl.Model;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.Blocks;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.core.Linear;
import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.EasyTrain;
import ai.djl.training.Trainer;
import ai.djl.training.loss.Loss;
import ai.djl.training.optimizer.Optimizer;
import io.flipout.djl.Pruner;
import io.flipout.method.FlipOut;
import io.flipout.schedule.Schedule;
import java.nio.file.Path;

/** New layers on a backbone that is frozen: what does not train is not pruned. */
public final class TransferLearning {

    private static final Shape IMAGE = new Shape(1, 3, 28, 28);

    public static void main(String... folder) throws Exception {
        Path path = Path.of(folder[0]);
        DefaultTrainingConfig config = new DefaultTrainingConfig(Loss.softmaxCrossEntropyLoss());
        try (Model model = Model.newInstance("trained")) {
            model.setBlock(backbone().add(Linear.builder().setUnits(10).build()));
            try (Trainer trainer = model.newTrainer(config)) {
                trainer.initialize(IMAGE);
                EasyTrain.fit(trainer, 1, Toy.images(trainer.getManager()), null);
            }
            model.save(path, "trained");
        }

        Pruner pruner =
                Pruner.builder()
                        .setMethod(FlipOut.builder().build())
                        .setSchedule(Schedule.toSparsity(0.9).overEpochs(4))
                        .build();
        config = new DefaultTrainingConfig(Loss.softmaxCrossEntropyLoss());
        pruner.attach(config, Optimizer.adam().build());
        try (Model model = Model.newInstance("trained")) {
            SequentialBlock network = backbone().add(Linear.builder().setUnits(10).build());
            model.setBlock(network);
            model.load(path, "trained");
            network.removeLastBlock();
            try (Trainer trainer = model.newTrainer(config)) {
                network.freezeParameters(true); // Now: newTrainer thaws what was loaded.
                network.add(Linear.builder().setUnits(32).build())
                        .add(Activation::relu)
                        .add(Linear.builder().setUnits(Toy.CLASSES).build());
                trainer.initialize(IMAGE);
                EasyTrain.fit(trainer, 4, Toy.images(trainer.getManager()), null);
                System.out.println(pruner.report());
            }
        }
    }

    private static SequentialBlock backbone() {
        return new SequentialBlock()
                .add(Blocks.batchFlattenBlock())
                .add(Linear.builder().setUnits(64).build())
                .add(Activation::relu);
    }
}
