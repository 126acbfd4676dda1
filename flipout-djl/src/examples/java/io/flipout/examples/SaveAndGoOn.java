package io.flipout.examples;

import ai.djl.Model;
import ai.djl.basicmodelzoo.basic.Mlp;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.EasyTrain;
import ai.djl.training.Trainer;
import ai.djl.training.loss.Loss;
import ai.djl.training.tracker.Tracker;
import io.flipout.djl.Pruner;
import io.flipout.djl.training.Sgd;
import io.flipout.method.FlipOut;
import io.flipout.schedule.Schedule;
import java.nio.file.Path;
import java.util.Map;

/** A training in two halves, the second in another process: it ends as if it had been one. */
public final class SaveAndGoOn {

    public static void main(String... folder) throws Exception {
        Path file = Path.of(folder[0], "half.safetensors");
        train(2, null, file);
        train(2, file, null);
    }

    private static void train(int epochs, Path from, Path to) throws Exception {
        Pruner pruner =
                Pruner.builder()
                        .setMethod(FlipOut.builder().build())
                        .setSchedule(Schedule.toSparsity(0.9).overEpochs(4))
                        .build();
        DefaultTrainingConfig config = new DefaultTrainingConfig(Loss.softmaxCrossEntropyLoss());
        pruner.attach(
                config,
                Sgd.builder()
                        .setLearningRateTracker(Tracker.fixed(0.1f))
                        .optMomentum(0.9f)
                        .build());
        try (Model model = Model.newInstance("mlp")) {
            model.setBlock(new Mlp(3 * 28 * 28, Toy.CLASSES, new int[] {32, 16}));
            try (Trainer trainer = model.newTrainer(config)) {
                trainer.initialize(new Shape(1, 3, 28, 28));
                if (from != null) {
                    Map<String, String> notes = pruner.load(from);
                    System.out.println("Going on after epoch " + notes.get("epoch"));
                }
                EasyTrain.fit(trainer, epochs, Toy.images(trainer.getManager()), null);
                if (to != null) {
                    pruner.save(to, Map.of("epoch", "2"));
                }
                System.out.println(pruner.report());
            }
        }
    }
}
