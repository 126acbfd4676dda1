package io.flipout.examples;

import ai.djl.Model;
import ai.djl.basicmodelzoo.basic.Mlp;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.EasyTrain;
import ai.djl.training.Trainer;
import ai.djl.training.loss.Loss;
import ai.djl.training.optimizer.Optimizer;
import io.flipout.criterion.Criterion;
import io.flipout.djl.Pruner;
import io.flipout.method.PruningMethod;
import io.flipout.schedule.Schedule;

/** A method is what ranks weights: here |θ| beside the mean |θ| of its layer. */
public final class MethodOfYourOwn {

    private static final class RelativeMagnitude implements PruningMethod {

        @Override
        public String name() {
            return "relative-magnitude";
        }

        @Override
        public Criterion criterion() {
            return tensor -> {
                double[] scores = new double[tensor.weights().length];
                double sum = 0;
                for (float weight : tensor.weights()) {
                    sum += Math.abs(weight); // Pruned weights are 0.
                }
                double mean = sum / tensor.mask().remaining();
                for (int i = 0; i < scores.length; i++) {
                    scores[i] = Math.abs(tensor.weights()[i]) / mean;
                }
                return scores;
            };
        }
    }

    public static void main(String... args) throws Exception {
        Pruner pruner =
                Pruner.builder()
                        .setMethod(new RelativeMagnitude())
                        .setSchedule(Schedule.toSparsity(0.9).overEpochs(4))
                        .build();
        DefaultTrainingConfig config = new DefaultTrainingConfig(Loss.softmaxCrossEntropyLoss());
        pruner.attach(config, Optimizer.adam().build());
        try (Model model = Model.newInstance("mlp")) {
            model.setBlock(new Mlp(3 * 28 * 28, Toy.CLASSES, new int[] {32, 16}));
            try (Trainer trainer = model.newTrainer(config)) {
                trainer.initialize(new Shape(1, 3, 28, 28));
                EasyTrain.fit(trainer, 4, Toy.images(trainer.getManager()), null);
                System.out.println(pruner.report());
            }
        }
    }
}
