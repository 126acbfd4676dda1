package io.flipout.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractBlock;
import ai.djl.nn.Activation;
import ai.djl.nn.Block;
import ai.djl.nn.Blocks;
import ai.djl.nn.ParallelBlock;
import ai.djl.nn.Parameter;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.convolutional.Conv2d;
import ai.djl.nn.core.Linear;
import ai.djl.nn.norm.LayerNorm;
import ai.djl.nn.recurrent.LSTM;
import ai.djl.nn.transformer.BertBlock;
import ai.djl.nn.transformer.IdEmbedding;
import ai.djl.nn.transformer.ScaledDotProductAttentionBlock;
import ai.djl.nn.transformer.TransformerEncoderBlock;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;
import io.flipout.Trained;
import io.flipout.mask.Mask;
import io.flipout.mask.ParameterInfo;
import io.flipout.mask.ParameterRole;
import io.flipout.mask.ParameterRole.Kind;
import io.flipout.mask.WeightSelector;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A convolution of 2×3 kernels of 3×3 over 4×5 pixels, then 12 inputs to 4 outputs. */
class SparsityReportTest {

    private static final String CONV = "01Conv2d.weight";
    private static final String LINEAR = "03Linear.weight";

    private Model model;
    private List<ParameterInfo> parameters;
    private final Map<String, Mask> masks = new HashMap<>();

    @BeforeEach
    void createNetwork() {
        SequentialBlock net =
                new SequentialBlock()
                        .add(Conv2d.builder().setKernelShape(new Shape(3, 3)).setFilters(2).build())
                        .add(Blocks.batchFlattenBlock())
                        .add(Linear.builder().setUnits(4).optBias(false).build());
        model = Model.newInstance("net");
        model.setBlock(net);
        net.initialize(model.getNDManager(), DataType.FLOAT32, new Shape(8, 3, 4, 5));
        parameters = WeightSelector.builder().build().select(net);
        for (ParameterInfo info : parameters) {
            if (info.prunable()) {
                masks.put(info.path(), new Mask(info.size()));
            }
        }
        // The first filter is gone, and of the second what looks at the middle channel.
        prune(CONV, 0, 27);
        prune(CONV, 27 + 9, 27 + 18);
        // Two outputs are gone, and the first input of the others.
        prune(LINEAR, 12, 36);
        prune(LINEAR, 0, 1);
        prune(LINEAR, 36, 37);
    }

    @AfterEach
    void close() {
        model.close();
    }

    private void prune(String path, int from, int to) {
        for (int i = from; i < to; i++) {
            masks.get(path).prune(i);
        }
    }

    private SparsityReport report() {
        return SparsityReport.of(model.getBlock(), parameters, masks);
    }

    @Test
    void countsWeightsChannelsAndMultiplyAddsOfEachLayer() {
        // The convolution's output has 2×3 positions, at each of which every weight is used once.
        assertThat(report().layers())
                .containsExactly(
                        new LayerReport(CONV, new Shape(2, 3, 3, 3), 54, 18, 1, 1, 54 * 6, 18 * 6),
                        new LayerReport(LINEAR, new Shape(4, 12), 48, 22, 1, 2, 48, 22));
    }

    @Test
    void aLinearLayerIsUsedAtEveryStepOfASequence() {
        Linear linear = Linear.builder().setUnits(4).build();
        linear.initialize(model.getNDManager(), DataType.FLOAT32, new Shape(8, 5, 12));
        List<ParameterInfo> infos = WeightSelector.builder().build().select(linear);
        SparsityReport report =
                SparsityReport.of(linear, infos, Map.of("weight", Trained.mask(48, 0)));

        assertThat(report.multiplyAdds()).isEqualTo(48 * 5);
        assertThat(report.remainingMultiplyAdds()).isEqualTo(47 * 5);
    }

    /** Of 4 inputs in two groups, 6 outputs: the first input is gone, and the last two outputs. */
    @Test
    void theInputsOfATransposedConvolutionAreItsFirstAxis() {
        NDArray values = model.getNDManager().zeros(new Shape(4, 3, 1, 1));
        ParameterInfo up =
                new ParameterInfo(
                        0,
                        "up.weight",
                        Trained.info(0, values, true).parameter(),
                        true,
                        new ParameterRole(Kind.TRANSPOSED_WEIGHT, 2));
        Mask mask = Trained.mask(12, 0, 1, 2, 7, 8, 10, 11);

        LayerReport layer =
                SparsityReport.of(new SequentialBlock(), List.of(up), Map.of("up.weight", mask))
                        .layers()
                        .get(0);
        assertThat(layer.deadInputs()).isEqualTo(1);
        assertThat(layer.deadOutputs()).isEqualTo(2);
    }

    /** A depthwise convolution: each of three channels has a weight of its own. */
    @Test
    void theInputsOfGroupsAreCountedOneByOne() {
        Conv2d conv =
                Conv2d.builder().setKernelShape(new Shape(1, 1)).setFilters(3).optGroups(3).build();
        conv.initialize(model.getNDManager(), DataType.FLOAT32, new Shape(1, 3, 4, 4));
        List<ParameterInfo> infos = WeightSelector.builder().build().select(conv);
        LayerReport layer =
                SparsityReport.of(conv, infos, Map.of("weight", Trained.mask(3, 1)))
                        .layers()
                        .get(0);

        assertThat(layer.deadInputs()).isEqualTo(1);
        assertThat(layer.deadOutputs()).isEqualTo(1);
    }

    private SparsityReport dense(Block block, Shape... inputs) {
        block.initialize(model.getNDManager(), DataType.FLOAT32, inputs);
        List<ParameterInfo> infos = WeightSelector.builder().build().select(block);
        Map<String, Mask> all = new HashMap<>();
        infos.forEach(info -> all.put(info.path(), new Mask(info.size())));
        return SparsityReport.of(block, infos, all);
    }

    /** Nine tokens of 6 features; a state of 4 both ways, twice; 3 outputs of the whole. */
    @Test
    void aRecurrentLayerIsUsedAtEveryStepAndAnEmbeddingLookedUp() {
        IdEmbedding tokens =
                new IdEmbedding.Builder().setDictionarySize(20).setEmbeddingSize(6).build();
        LSTM lstm = LSTM.builder().setStateSize(4).setNumLayers(2).optBidirectional(true).build();
        SparsityReport report =
                dense(
                        new SequentialBlock()
                                .add(tokens)
                                .add(lstm)
                                .add(Blocks.batchFlattenBlock())
                                .add(Linear.builder().setUnits(3).build()),
                        new Shape(2, 9));

        long recurrent = 2 * (16 * 6 + 16 * 4) + 2 * (16 * 8 + 16 * 4);
        assertThat(report.multiplyAdds()).isEqualTo(9 * recurrent + 3 * 9 * 8);
    }

    /** Attention has 4 matrices of 8×8 and the feed-forward part 2 of 8×16, at 5 positions. */
    @Test
    void aTransformerIsUsedAtEveryPosition() {
        SparsityReport report =
                dense(
                        new TransformerEncoderBlock(8, 2, 16, .1f, Activation::relu),
                        new Shape(2, 5, 8));

        assertThat(report.multiplyAdds()).isEqualTo(5 * (4 * 64 + 2 * 128));
    }

    /** Keys and values of 7 positions, queries of 5, and as many results. */
    @Test
    void attentionToAnotherSequenceIsAsLongAsBoth() {
        SparsityReport report =
                dense(
                        ScaledDotProductAttentionBlock.builder()
                                .setEmbeddingSize(8)
                                .setHeadCount(2)
                                .build(),
                        new Shape(2, 7, 8),
                        new Shape(2, 5, 8),
                        new Shape(2, 7, 8));

        assertThat(report.multiplyAdds()).isEqualTo(64 * (7 + 5 + 7 + 5));
    }

    @Test
    void bertTellsAllItsMultiplyAdds() {
        Shape tokens = new Shape(2, 8);
        SparsityReport report =
                dense(
                        BertBlock.builder().nano().setTokenDictionarySize(20).build(),
                        tokens,
                        tokens,
                        tokens,
                        tokens);

        // Four layers of 256 features, 1,024 between; the pooled output is of the first position.
        long layers = 4 * (4 * 256 * 256 + 2 * 256 * 1024) * 8L;
        assertThat(report.multiplyAdds()).isEqualTo(layers + 256 * 256);
    }

    /** The same 4×4 matrix at 3 positions, then at one. */
    @Test
    void aSharedBlockCountsEachUseWithItsOwnShape() {
        Linear shared = Linear.builder().setUnits(4).build();
        SparsityReport report =
                dense(
                        new SequentialBlock()
                                .add(shared)
                                .add(arrays -> new NDList(arrays.head().mean(new int[] {1})))
                                .add(shared)
                                .add(shared),
                        new Shape(2, 3, 4));

        assertThat(report.weights()).isEqualTo(16);
        assertThat(report.multiplyAdds()).isEqualTo(16 * (3 + 1 + 1));
    }

    @Test
    void biasesAndScalesMultiplyAndAddNothing() {
        SequentialBlock block =
                new SequentialBlock()
                        .add(Linear.builder().setUnits(4).build())
                        .add(LayerNorm.builder().build());
        block.initialize(model.getNDManager(), DataType.FLOAT32, new Shape(2, 3));
        List<ParameterInfo> infos =
                WeightSelector.builder().optBiases(true).optNorms(true).build().select(block);
        Map<String, Mask> all = new HashMap<>();
        infos.forEach(info -> all.put(info.path(), new Mask(info.size())));

        assertThat(SparsityReport.of(block, infos, all).multiplyAdds()).isEqualTo(12);
    }

    @Test
    void addsUpTheNetwork() {
        SparsityReport report = report();

        assertThat(report.weights()).isEqualTo(102);
        assertThat(report.remaining()).isEqualTo(40);
        assertThat(report.sparsity()).isCloseTo(62 / 102d, within(1e-12));
        assertThat(report.totalParameters()).isEqualTo(104);
        assertThat(report.totalSparsity()).isCloseTo(62 / 104d, within(1e-12));
        assertThat(report.multiplyAdds()).isEqualTo(372);
        assertThat(report.remainingMultiplyAdds()).isEqualTo(130);
        assertThat(report.layers().get(0).sparsity()).isCloseTo(36 / 54d, within(1e-12));
    }

    @Test
    void printsALineForEachLayerAndTheTotal() {
        assertThat(report().toString().lines())
                .containsExactly(
                        "layer                weights         kept   sparsity",
                        "01Conv2d.weight           54           18   66.667 %",
                        "03Linear.weight           48           22   54.167 %",
                        "total                    102           40   60.784 %");
    }

    @Test
    void countsTheZerosOfALoadedNetwork() {
        for (ParameterInfo info : parameters) {
            if (info.prunable()) {
                NDArray array = info.parameter().getArray();
                float[] values = new float[info.size()];
                for (int i = 0; i < values.length; i++) {
                    values[i] = masks.get(info.path()).isAlive(i) ? 1 : -0f;
                }
                array.set(values);
            }
        }

        SparsityReport loaded = SparsityReport.ofZeros(model, WeightSelector.builder().build());
        assertThat(loaded.layers()).isEqualTo(report().layers());
        assertThat(loaded.toString()).isEqualTo(report().toString());
    }

    /** Twice in a row at 3 positions, then at one. */
    @Test
    void aSharedBlockTakesWhatTheOneBeforeItGives() {
        Linear shared = Linear.builder().setUnits(4).build();
        SparsityReport report =
                dense(
                        new SequentialBlock()
                                .add(shared)
                                .add(shared)
                                .add(arrays -> new NDList(arrays.head().mean(new int[] {1})))
                                .add(shared),
                        new Shape(2, 3, 4));

        assertThat(report.multiplyAdds()).isEqualTo(16 * (3 + 3 + 1));
    }

    /** Side by side at 3 positions each, then at one. */
    @Test
    void branchesTakeTheSameInput() {
        Linear shared = Linear.builder().setUnits(4).build();
        ParallelBlock both =
                new ParallelBlock(
                        outputs ->
                                new NDList(outputs.get(0).head().concat(outputs.get(1).head(), 1)));
        SparsityReport report =
                dense(
                        new SequentialBlock()
                                .add(both.add(shared).add(shared))
                                .add(arrays -> new NDList(arrays.head().mean(new int[] {1})))
                                .add(shared),
                        new Shape(2, 3, 4));

        assertThat(report.multiplyAdds()).isEqualTo(16 * (3 + 3 + 1));
    }

    /** The 4×12 weights that are not prunable are used as they are. */
    @Test
    void layersThatStayDenseMultiplyAndAddToo() {
        List<ParameterInfo> infos =
                WeightSelector.builder().optExclude("*Linear*").build().select(model.getBlock());
        SparsityReport report = SparsityReport.of(model.getBlock(), infos, masks);

        assertThat(report.layers()).hasSize(1);
        assertThat(report.multiplyAdds()).isEqualTo(54 * 6 + 48);
        assertThat(report.remainingMultiplyAdds()).isEqualTo(18 * 6 + 48);
    }

    @Test
    void aTableThatIsLookedUpMultipliesNothing() {
        IdEmbedding tokens =
                new IdEmbedding.Builder().setDictionarySize(20).setEmbeddingSize(6).build();
        SparsityReport report = dense(tokens, new Shape(2, 9));

        assertThat(report.layers())
                .singleElement()
                .satisfies(
                        layer -> {
                            assertThat(layer.multiplyAdds()).isZero();
                            assertThat(layer.remainingMultiplyAdds()).isZero();
                        });
        assertThat(report.multiplyAdds()).isZero();
        assertThat(report.remainingMultiplyAdds()).isZero();
    }

    /** A block of one's own, which tells no shapes, after a layer of 12 weights. */
    @Test
    void oneLayerThatDoesNotTellLeavesTheWholeUnknown() {
        Block own =
                new AbstractBlock() {
                    {
                        Parameter weight =
                                Parameter.builder()
                                        .setName("weight")
                                        .setType(Parameter.Type.WEIGHT)
                                        .build();
                        weight.setArray(model.getNDManager().zeros(new Shape(2, 4)));
                        addParameter(weight);
                    }

                    @Override
                    protected NDList forwardInternal(
                            ParameterStore store,
                            NDList inputs,
                            boolean training,
                            PairList<String, Object> params) {
                        return inputs;
                    }

                    @Override
                    public Shape[] getOutputShapes(Shape[] inputs) {
                        return inputs;
                    }
                };
        Linear linear = Linear.builder().setUnits(4).optBias(false).build();
        linear.initialize(model.getNDManager(), DataType.FLOAT32, new Shape(1, 3));
        SequentialBlock net = new SequentialBlock().add(linear).add(own).add(linear);
        for (String excluded : new String[] {"none", "01Linear*", "02*"}) {
            WeightSelector.Builder selector = WeightSelector.builder();
            if (!excluded.equals("none")) {
                selector.optExclude(excluded);
            }
            List<ParameterInfo> infos = selector.build().select(net);
            Map<String, Mask> all = new HashMap<>();
            infos.forEach(info -> all.put(info.path(), Trained.mask(info.size(), 0)));
            SparsityReport report = SparsityReport.of(net, infos, all);

            assertThat(report.multiplyAdds()).as(excluded).isEqualTo(-1);
            assertThat(report.remainingMultiplyAdds()).as(excluded).isEqualTo(-1);
            assertThat(report.totalParameters()).isEqualTo(20);
            for (LayerReport layer : report.layers()) {
                boolean isKnown = layer.name().startsWith("01Linear");
                assertThat(layer.multiplyAdds()).isEqualTo(isKnown ? 24 : -1);
                assertThat(layer.remainingMultiplyAdds()).isEqualTo(isKnown ? 22 : -1);
            }
        }
    }
}
