package io.flipout.examples;

import ai.djl.Model;
import ai.djl.basicmodelzoo.nlp.SimpleTextEncoder;
import ai.djl.modality.nlp.DefaultVocabulary;
import ai.djl.modality.nlp.embedding.TrainableTextEmbedding;
import ai.djl.modality.nlp.embedding.TrainableWordEmbedding;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.core.Linear;
import ai.djl.nn.recurrent.GRU;
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

/** The text encoder of DJL's model zoo, an embedding and a GRU, with scores of two classes. */
public final class TextNetwork {

    public static void main(String... folder) throws Exception {
        Path file = Path.of(folder[0], "text.pt");
        Shape sentence = new Shape(1, Toy.LENGTH);
        Pruner pruner =
                Pruner.builder()
                        .setMethod(FlipOut.builder().build())
                        .setSchedule(Schedule.toSparsity(0.9).overEpochs(4))
                        .build();
        DefaultTrainingConfig config = new DefaultTrainingConfig(Loss.softmaxCrossEntropyLoss());
        pruner.attach(config, Optimizer.adam().build());
        TrainableWordEmbedding words =
                new TrainableWordEmbedding(new DefaultVocabulary(Toy.words()), 16);
        GRU gru = GRU.builder().setStateSize(32).setNumLayers(1).optReturnState(false).build();
        try (Model model = Model.newInstance("text")) {
            model.setBlock(
                    new SequentialBlock()
                            .add(new SimpleTextEncoder(new TrainableTextEmbedding(words), gru))
                            .addSingleton(states -> states.mean(new int[] {1}))
                            .add(Linear.builder().setUnits(Toy.CLASSES).build()));
            try (Trainer trainer = model.newTrainer(config)) {
                trainer.initialize(sentence);
                ArrayDataset data = Toy.sentences(trainer.getManager());
                EasyTrain.fit(trainer, 4, data, null);
                System.out.println(pruner.report());
                TorchScriptExporter.builder()
                        .optInputTypes(DataType.INT64)
                        .build()
                        .export(model.getBlock(), file, sentence);
                Compare.outputs(model, file, Toy.some(data, trainer.getManager()));
            }
        }
    }
}
