package io.flipout.examples;

import ai.djl.Model;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.core.Linear;
import ai.djl.nn.transformer.BertBlock;
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

/** DJL's BERT, a small one, with scores of two classes on top. */
public final class TransformerNetwork {

    public static void main(String... folder) throws Exception {
        Path file = Path.of(folder[0], "bert.pt");
        Shape words = new Shape(1, Toy.LENGTH);
        DataType id = DataType.INT64;
        Pruner pruner =
                Pruner.builder()
                        .setMethod(FlipOut.builder().build())
                        .setSchedule(Schedule.toSparsity(0.9).overEpochs(4))
                        .build();
        DefaultTrainingConfig config = new DefaultTrainingConfig(Loss.softmaxCrossEntropyLoss());
        pruner.attach(config, Optimizer.adamW().build());
        BertBlock.Builder bert = BertBlock.builder().nano().setTokenDictionarySize(Toy.WORDS);
        try (Model model = Model.newInstance("bert")) {
            model.setBlock(
                    new SequentialBlock()
                            .add(bert.optMaxSequenceLength(Toy.LENGTH).build())
                            .add(outputs -> new NDList(outputs.get(1))) // What BERT pools.
                            .add(Linear.builder().setUnits(Toy.CLASSES).build()));
            try (Trainer trainer = model.newTrainer(config)) {
                trainer.initialize(words, words, words);
                ArrayDataset data = Toy.sentencesForBert(trainer.getManager());
                EasyTrain.fit(trainer, 4, data, null);
                System.out.println(pruner.report());
                TorchScriptExporter.builder()
                        .optInputTypes(id, id, id)
                        .build()
                        .export(model.getBlock(), file, words, words, words);
                Compare.outputs(model, file, Toy.some(data, trainer.getManager()));
            }
        }
    }
}
