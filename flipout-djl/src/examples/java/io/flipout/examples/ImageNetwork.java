package io.flipout.examples;

import ai.djl.Model;
import ai.djl.basicmodelzoo.cv.classification.ResNetV1;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.EasyTrain;
import ai.djl.training.Trainer;
import ai.djl.training.dataset.ArrayDataset;
import ai.djl.training.loss.Loss;
import ai.djl.training.optimizer.Optimizer;
import io.flipout.djl.Pruner;
import io.flipout.djl.torchscript.TorchScriptExporter;
import io.flipout.method.FlipOut;
import io.flipout.schedule.Schedule;
import java.nio.file.Path;

/** A ResNet of DJL's model zoo, pruned to 90 % while it trains, and deployed as TorchScript. */
public final class ImageNetwork {

    public static void main(String... folder) throws Exception {
        Path file = Path.of(folder[0], "resnet.pt");
        Shape image = new Shape(1, 3, 28, 28);
        Pruner pruner =
                Pruner.builder()
                        .setMethod(FlipOut.builder().build())
                        .setSchedule(Schedule.toSparsity(0.9).overEpochs(4))
                        .build();
        DefaultTrainingConfig config = new DefaultTrainingConfig(Loss.softmaxCrossEntropyLoss());
        pruner.attach(config, Optimizer.adam().build());
        try (Model model = Model.newInstance("resnet")) {
            model.setBlock(
                    ResNetV1.builder()
                            .setImageShape(image.slice(1))
                            .setNumLayers(20)
                            .setOutSize(Toy.CLASSES)
                            .build());
            try (Trainer trainer = model.newTrainer(config)) {
                trainer.initialize(image);
                ArrayDataset data = Toy.images(trainer.getManager());
                EasyTrain.fit(trainer, 4, data, null);
                System.out.println(pruner.report());
                TorchScriptExporter.builder().build().export(model.getBlock(), file, image);
                Compare.outputs(model, file, Toy.some(data, trainer.getManager()));
            }
        }
    }
}
