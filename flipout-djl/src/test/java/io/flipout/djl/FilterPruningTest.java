package io.flipout.djl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.Model;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.Blocks;
import ai.djl.nn.ParallelBlock;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.core.Linear;
import ai.djl.nn.norm.LayerNorm;
import ai.djl.nn.recurrent.LSTM;
import ai.djl.nn.transformer.IdEmbedding;
import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.Trainer;
import ai.djl.training.loss.Loss;
import io.flipout.allocation.Allocation;
import io.flipout.mask.Mask;
import io.flipout.method.FilterPruning;
import io.flipout.schedule.PruningEvent.Unit;
import io.flipout.schedule.Schedule;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** What filter pruning takes for filters, in networks that have more than convolutions. */
class FilterPruningTest {

    /** Prunes a network before training and returns how many weights of each tensor are alive. */
    private static Map<String, Integer> prune(Block block, double sparsity, Shape input) {
        Pruner pruner =
                Pruner.builder()
                        .setMethod(new FilterPruning())
                        .setSchedule(Schedule.oneShot(sparsity, Unit.EPOCH, 0))
                        .optAllocation(Allocation.perFilter())
                        .build();
        try (Model model = Model.newInstance("net")) {
            model.setBlock(block);
            DefaultTrainingConfig config =
                    new DefaultTrainingConfig(Loss.softmaxCrossEntropyLoss())
                            .optOptimizer(pruner.wrap(TinyTraining.sgd()))
                            .addTrainingListeners(pruner.listener());
            try (Trainer trainer = model.newTrainer(config)) {
                trainer.initialize(input);
                pruner.pruneBeforeTraining();
                return pruner.masks().entrySet().stream()
                        .collect(Collectors.toMap(Map.Entry::getKey, e -> remaining(e.getValue())));
            }
        }
    }

    private static int remaining(Mask mask) {
        return mask.remaining();
    }

    private static Linear linear(int units) {
        return Linear.builder().setUnits(units).build();
    }

    /** 20·6 of tokens, 16·6 + 16·4 of an LSTM, 8·4 of a hidden layer and 3·8 of the output. */
    private static SequentialBlock text() {
        return new SequentialBlock()
                .add(new IdEmbedding.Builder().setDictionarySize(20).setEmbeddingSize(6).build())
                .add(LSTM.builder().setStateSize(4).setNumLayers(1).build())
                .add(linear(8))
                .add(linear(3));
    }

    @Test
    void tokensAndGatesAreNoFilters() {
        // A twentieth of 336 weights is 17, and four neurons of 4 are 16.
        Map<String, Integer> left = prune(text(), .05, new Shape(2, 5));

        assertThat(left)
                .containsEntry("01IdEmbedding.embedding", 120)
                .containsEntry("02LSTM.l_0_i2h_WEIGHT", 96)
                .containsEntry("02LSTM.l_0_h2h_WEIGHT", 64)
                .containsEntry("03Linear.weight", 16)
                .containsEntry("04Linear.weight", 24);
    }

    @Test
    void aSparsityThatTheseDoNotAllowIsRefusedWithWhatIsKept() {
        assertThatThrownBy(() -> prune(text(), .5, new Shape(2, 5)))
                .hasMessageContaining(
                        "every layer keeps one and output layers, embeddings and recurrent layers"
                                + " all of them: 308 weights");
    }

    /** Two heads of 3·8 and 2·8 weights on 8 neurons of 6, of which half go. */
    @Test
    void everyOutputLayerKeepsAll() {
        ParallelBlock heads =
                new ParallelBlock(
                        outputs -> new NDList(outputs.get(0).head(), outputs.get(1).head()),
                        List.of(linear(3), linear(2)));
        Map<String, Integer> left =
                prune(new SequentialBlock().add(linear(8)).add(heads), 24 / 88d, new Shape(2, 6));

        assertThat(left)
                .containsEntry("01Linear.weight", 24)
                .containsEntry("02ParallelBlock.01Linear.weight", 24)
                .containsEntry("02ParallelBlock.02Linear.weight", 16);
    }

    /** The scale behind the output layer has two axes and is no layer. */
    @Test
    void whatComesBehindTheOutputLayerIsNone() {
        SequentialBlock block =
                new SequentialBlock()
                        .add(linear(8))
                        .add(linear(3))
                        .add(LayerNorm.builder().build())
                        .add(Blocks.identityBlock());
        Map<String, Integer> left = prune(block, 12 / 56d, new Shape(2, 5, 4));

        assertThat(left).containsEntry("01Linear.weight", 20).containsEntry("02Linear.weight", 24);
    }
}
