package io.flipout.examples;

import ai.djl.Model;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.convolutional.Conv2d;
import ai.djl.nn.core.Linear;
import ai.djl.nn.norm.BatchNorm;
import ai.djl.nn.pooling.Pool;
import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.EasyTrain;
import ai.djl.training.Trainer;
import ai.djl.training.loss.Loss;
import ai.djl.training.optimizer.Optimizer;
import io.flipout.djl.Pruner;
import io.flipout.djl.torchscript.Precision;
import io.flipout.djl.torchscript.ScriptedTrainer;
import io.flipout.method.FlipOut;
import io.flipout.schedule.Schedule;

/** A network that is computed in one call a step, its convolutions in bfloat16. */
public final class OneCallAStep {

    public static void main(String... folder) throws Exception {
        Pruner pruner =
                Pruner.builder()
                        .setMethod(FlipOut.builder().build())
                        .setSchedule(Schedule.toSparsity(0.9).overEpochs(4))
                        .build();
        DefaultTrainingConfig config = new DefaultTrainingConfig(Loss.softmaxCrossEntropyLoss());
        pruner.attach(config, Optimizer.adam().build());
        try (Model model = Model.newInstance("scripted")) {
            model.setBlock(network());
            try (Trainer trainer =
                    ScriptedTrainer.builder()
                            .setModel(model)
                            .setConfig(config)
                            .optPrecision(Precision.BFLOAT16)
                            .build()) {
                trainer.initialize(new Shape(1, 3, 28, 28));
                EasyTrain.fit(trainer, 4, Toy.images(trainer.getManager()), null);
                System.out.println(pruner.report());
            }
        }
    }

    private static SequentialBlock network() {
        return new SequentialBlock()
                .add(Conv2d.builder().setKernelShape(new Shape(3, 3)).setFilters(8).build())
                .add(BatchNorm.builder().build())
                .add(Activation::relu)
                .add(Pool.globalAvgPool2dBlock())
                .add(Linear.builder().setUnits(Toy.CLASSES).build());
    }
}
