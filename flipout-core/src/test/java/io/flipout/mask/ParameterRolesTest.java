package io.flipout.mask;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractBlock;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.convolutional.Conv2d;
import ai.djl.nn.convolutional.Conv2dTranspose;
import ai.djl.nn.core.LinearCollection;
import ai.djl.nn.core.Multiplication;
import ai.djl.nn.norm.BatchNorm;
import ai.djl.nn.norm.LayerNorm;
import ai.djl.nn.recurrent.GRU;
import ai.djl.nn.recurrent.LSTM;
import ai.djl.nn.transformer.BertBlock;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;
import io.flipout.Trained;
import io.flipout.mask.ParameterRole.Kind;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ParameterRolesTest {

    private NDManager manager;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager();
    }

    @AfterEach
    void close() {
        manager.close();
    }

    /** A module whose parts are known by their names alone, or also by their classes. */
    private final class Module extends Plain implements ModuleBlock {

        private final Map<String, Submodule> submodules = new HashMap<>();

        @Override
        Module with(String name, long... shape) {
            super.with(name, shape);
            return this;
        }

        Module part(String name, String type, int groups) {
            submodules.put(name, new Submodule(type, groups));
            return this;
        }

        @Override
        public Optional<Submodule> submodule(String parameter) {
            int dot = parameter.lastIndexOf('.');
            return Optional.ofNullable(submodules.get(parameter.substring(0, Math.max(0, dot))));
        }
    }

    /** A block of a user's own. */
    private class Plain extends AbstractBlock {

        Plain with(String name, long... shape) {
            return with(name, Parameter.Type.WEIGHT, shape);
        }

        Plain with(String name, Parameter.Type type, long... shape) {
            Parameter parameter = Parameter.builder().setName(name).setType(type).build();
            parameter.setArray(manager.zeros(new Shape(shape)));
            addParameter(parameter);
            return this;
        }

        /** A parameter that has no values yet. */
        Plain lazily(String name) {
            addParameter(Parameter.builder().setName(name).setType(Parameter.Type.WEIGHT).build());
            return this;
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
    }

    private Module module() {
        return new Module();
    }

    private static Map<String, Kind> kinds(Block block) {
        Map<String, Kind> kinds = new LinkedHashMap<>();
        for (ParameterInfo info : select(block)) {
            kinds.put(info.path(), info.role().kind());
        }
        return kinds;
    }

    private static List<ParameterInfo> select(Block block) {
        return WeightSelector.builder().optOthers(true).optNorms(true).build().select(block);
    }

    private static ParameterInfo only(Block block, String path) {
        return select(block).stream().filter(i -> i.path().equals(path)).findAny().orElseThrow();
    }

    private static List<Integer> outputs(Connections connections, int size) {
        return IntStream.range(0, size).mapToObj(connections::output).collect(Collectors.toList());
    }

    private static List<Integer> inputs(Connections connections, int size) {
        return IntStream.range(0, size).mapToObj(connections::input).collect(Collectors.toList());
    }

    /** Each line: a parameter of a module of which nothing but names and shapes is known. */
    @ParameterizedTest
    @CsvSource({
        "fc.weight,                          5 4,        WEIGHT",
        "fc.weight,                          1 4,        WEIGHT",
        "unbiased.alphabeta.weight,          5 4,        WEIGHT",
        "cls.weight,                         5 4,        WEIGHT",
        "classifier.weight,                  5 4,        WEIGHT",
        "in_proj_weight,                     12 4,       WEIGHT",
        "conv.weight,                        8 3 3 3,    WEIGHT",
        "conv.weight,                        1 3 3 3,    WEIGHT",
        "conv.weight,                        8 3 3,      WEIGHT",
        "conv.weight,                        8 3 1,      WEIGHT",
        "conv.weight,                        8 3 1 1,    WEIGHT",
        "empty.weight,                       0 4,        OTHER",
        "act.shift,                          4,          BIAS",
        "attention.q_proj.weight,            4 4,        WEIGHT",
        "token_embedding.weight,             9 4,        WEIGHT",
        "rescaler.weight,                    9 4,        WEIGHT",
        "f.weight_v,                         5 4,        WEIGHT",
        "fc.bias,                            5,          BIAS",
        "attention.bias_k,                   1 1 4,      BIAS",
        "f.weight_g,                         5 1,        OTHER",
        "f.weight_g,                         5 1 1 1,    OTHER",
        "conv.weight_g,                      1 1 3,      OTHER",
        "cls_token,                          1 1 4,      OTHER",
        "class_token,                        1 1 4,      OTHER",
        "class_embedding,                    1 4,        OTHER",
        "cls,                                1 1 4,      OTHER",
        "mask_token,                         1 4,        OTHER",
        "pos,                                1 29 4,     OTHER",
        "pos_embed,                          1 29 4,     OTHER",
        "pos_embedding,                      29 4,       OTHER",
        "encoder.positional_embedding,       29 4,       OTHER",
        "position_embeddings.weight,         29 4,       OTHER",
        "relative_position_bias_table,       9 4,        BIAS",
        "transformer.wpe.weight,             29 4,       OTHER",
        "pos_proj.weight,                    29 4,       WEIGHT",
        "queries,                            1 7 4,      OTHER",
        "temperature,                        1 1 1 1,    OTHER",
        "block.layer_scale,                  4 1 1,      NORM",
        "block.gamma_1,                      4 1,        NORM",
        "block.gamma,                        1 4 7 7,    NORM",
        "norm1.weight,                       4 7 7,      NORM",
        "layers.0.bn2.weight,                1 4 1 1,    NORM",
        "ln_f.weight,                        4 4,        NORM",
        "post_attention_layernorm.weight,    4 4,        NORM",
        "norm.weight,                        4,          NORM",
        "act.weight,                         4,          OTHER",
        "some.weight,                        1 4 1 1,    OTHER",
    })
    void namesAndShapesTellWhereNothingElseDoes(String name, String shape, Kind kind) {
        long[] sizes = List.of(shape.split(" ")).stream().mapToLong(Long::parseLong).toArray();
        Module module = module().with(name, sizes).with("other.weight", 2, 2);

        assertThat(kinds(module)).containsEntry(name, kind);
    }

    @Test
    void aScaleIsKnownByTheShiftOfItsShape() {
        Module module =
                module().with("a.weight", 1, 28, 28)
                        .with("a.bias", 1, 28, 28)
                        .with("b.weight", 32)
                        .with("b.bias", 32)
                        .with("c.weight", 32, 32)
                        .with("c.bias", 32);

        assertThat(kinds(module))
                .containsEntry("a.weight", Kind.NORM)
                .containsEntry("a.bias", Kind.NORM)
                .containsEntry("b.weight", Kind.NORM)
                .containsEntry("b.bias", Kind.NORM)
                .containsEntry("c.weight", Kind.WEIGHT)
                .containsEntry("c.bias", Kind.BIAS);
    }

    /** As a file of TorchScript names classes; the names of the parts say nothing, or wrong. */
    @ParameterizedTest
    @CsvSource({
        "LayerNorm,         a.weight,    1 28 28,  NORM",
        "RMSNorm,           a.weight,    4 4,      NORM",
        "GroupNorm,         a.weight,    4,        NORM",
        "BatchNorm2d,       a.bias,      4,        NORM",
        "InstanceNorm3d,    a.weight,    4,        NORM",
        "LayerNorm2d,       a.scale2,    1 4 1 1,  NORM",
        "PReLU,             a.weight,    4,        OTHER",
        "PReLU,             a.weight,    4 4,      OTHER",
        "Linear,            norm.weight, 1 4,      WEIGHT",
        "Linear,            cls.weight,  4 4,      WEIGHT",
        "Linear,            a.weight_g,  4 1,      OTHER",
        "Linear,            a.weight_v,  4 4,      WEIGHT",
        "Conv1d,            a.weight,    1 4 3,    WEIGHT",
        "Conv2d,            norm.weight, 1 4 1 1,  WEIGHT",
        "ConvTranspose2d,   a.weight,    4 2 3 3,  TRANSPOSED_WEIGHT",
        "ConvTranspose1d,   a.weight,    4 2 3,    TRANSPOSED_WEIGHT",
        "Embedding,         a.weight,    9 4,      EMBEDDING",
        "EmbeddingBag,      a.weight,    9 4,      EMBEDDING",
        "Embedding,         pos.weight,  9 4,      OTHER",
        "LSTM,              a.weight_ih_l0, 16 3,  RECURRENT_WEIGHT",
        "GRUCell,           a.weight_hh, 12 4,     RECURRENT_WEIGHT",
        "PositionalEncoding, a.table,    9 4,      OTHER",
        "Decomposition,     a.table,     9 4,      WEIGHT",
        "VisionTransformer, a.cls_token, 1 1 4,    OTHER",
    })
    void theClassOfAPartTellsBeforeItsName(String type, String name, String shape, Kind kind) {
        long[] sizes = List.of(shape.split(" ")).stream().mapToLong(Long::parseLong).toArray();
        String part = name.substring(0, name.indexOf('.'));
        Module module = module().with(name, sizes).with("o.weight", 2, 2).part(part, type, 1);

        assertThat(kinds(module)).containsEntry(name, kind);
    }

    @Test
    void theMagnitudesOfParametrisedWeightsStayDense() {
        Module module =
                module().with("f.parametrizations.weight.original0", 5, 1)
                        .with("f.parametrizations.weight.original1", 5, 4)
                        .with("g.parametrizations.weight.original", 5, 4);

        assertThat(kinds(module).values()).containsExactly(Kind.OTHER, Kind.WEIGHT, Kind.WEIGHT);
    }

    @Test
    void aBiasTellsAlongWhichAxisOutputsLie() {
        Module module =
                module().with("up.weight", 4, 3, 2, 2)
                        .with("up.bias", 6)
                        .with("right.weight", 4, 5)
                        .with("right.bias", 5)
                        .with("l.weight_ih_l0", 12, 5)
                        .with("l.weight_hh_l0", 12, 4)
                        .with("l.bias_ih_l0", 12);

        Map<String, ParameterInfo> infos =
                select(module).stream().collect(Collectors.toMap(ParameterInfo::path, i -> i));
        assertThat(infos.get("up.weight").role())
                .isEqualTo(new ParameterRole(Kind.TRANSPOSED_WEIGHT, 2));
        assertThat(infos.get("right.weight").role())
                .isEqualTo(new ParameterRole(Kind.TRANSPOSED_WEIGHT, 1));
        assertThat(infos.get("l.weight_ih_l0").role())
                .isEqualTo(new ParameterRole(Kind.RECURRENT_WEIGHT, 3));
        assertThat(infos.get("l.weight_hh_l0").role())
                .isEqualTo(new ParameterRole(Kind.RECURRENT_WEIGHT, 3));
    }

    @Test
    void blocksTellByTheirClassesAndTypes() {
        Block block =
                new SequentialBlock()
                        .add(Conv2d.builder().setKernelShape(new Shape(1, 1)).setFilters(4).build())
                        .add(BatchNorm.builder().build())
                        .add(LayerNorm.builder().build())
                        .add(LinearCollection.builder().setUnits(2).build());
        block.initialize(manager, DataType.FLOAT32, new Shape(2, 3, 4, 5));

        assertThat(kinds(block).values())
                .containsExactly(
                        Kind.WEIGHT,
                        Kind.BIAS,
                        Kind.NORM,
                        Kind.NORM,
                        Kind.NORM,
                        Kind.NORM,
                        Kind.WEIGHT_COLLECTION,
                        Kind.BIAS);
    }

    @Test
    void theGatesOfRecurrentBlocksAreKnown() {
        Block lstm = LSTM.builder().setStateSize(4).setNumLayers(2).optBidirectional(true).build();
        lstm.initialize(manager, DataType.FLOAT32, new Shape(2, 5, 3));
        Block gru = GRU.builder().setStateSize(4).setNumLayers(1).build();
        gru.initialize(manager, DataType.FLOAT32, new Shape(2, 5, 3));

        assertThat(select(lstm).stream().filter(i -> i.shape().dimension() == 2).toList())
                .hasSize(8)
                .allMatch(i -> i.role().equals(new ParameterRole(Kind.RECURRENT_WEIGHT, 4)));
        assertThat(select(gru).get(0).role())
                .isEqualTo(new ParameterRole(Kind.RECURRENT_WEIGHT, 3));
    }

    @Test
    void bertKeepsItsTableOfPositions() {
        Block bert = BertBlock.builder().nano().setTokenDictionarySize(20).build();
        Shape tokens = new Shape(1, 8);
        bert.initialize(manager, DataType.FLOAT32, tokens, tokens, tokens, tokens);

        List<String> prunable =
                WeightSelector.builder().build().select(bert).stream()
                        .filter(ParameterInfo::prunable)
                        .map(ParameterInfo::path)
                        .toList();
        assertThat(prunable).anyMatch(path -> path.contains("outputBlock"));
        assertThat(prunable).noneMatch(path -> path.toLowerCase(Locale.ROOT).contains("position"));
        assertThat(kinds(bert).values()).contains(Kind.EMBEDDING, Kind.NORM, Kind.OTHER);
    }

    @Test
    void aBlockOfOnesOwnTellsByNamesAndShapes() {
        Block block =
                new Plain()
                        .with("weight", 3, 4)
                        .with("slope", 1, 3, 1, 1)
                        .with("classToken", 1, 1, 4)
                        .with("positionEmbedding", 5, 4)
                        .with("offset", Parameter.Type.BETA, 3, 4);

        assertThat(kinds(block).values())
                .containsExactly(Kind.NORM, Kind.OTHER, Kind.OTHER, Kind.OTHER, Kind.NORM);
    }

    @Test
    void elementwiseFactorsAreNoMatrix() {
        Block block = Multiplication.builder().setUnits(3).build();
        block.initialize(manager, DataType.FLOAT32, new Shape(2, 4));

        assertThat(kinds(block).values()).containsExactly(Kind.OTHER);
    }

    @Test
    void whatIsNoMatrixIsPrunedIfAskedFor() {
        Module module = module().with("pos_embed", 1, 9, 4).with("fc.weight", 4, 4);

        assertThat(WeightSelector.builder().build().select(module))
                .extracting(ParameterInfo::prunable)
                .containsExactly(false, true);
        assertThat(WeightSelector.builder().optOthers(true).build().select(module))
                .extracting(ParameterInfo::prunable)
                .containsExactly(true, true);
    }

    @Test
    void aLinearLayerConnectsColumnsWithRows() {
        Connections connections = only(module().with("fc.weight", 2, 3), "fc.weight").connections();

        assertThat(connections.inputs()).isEqualTo(3);
        assertThat(connections.outputs()).isEqualTo(2);
        assertThat(inputs(connections, 6)).containsExactly(0, 1, 2, 0, 1, 2);
        assertThat(outputs(connections, 6)).containsExactly(0, 0, 0, 1, 1, 1);
    }

    @Test
    void aGroupOfAConvolutionHasInputsOfItsOwn() {
        Block conv =
                Conv2d.builder()
                        .setKernelShape(new Shape(1, 2))
                        .setFilters(4)
                        .optGroups(2)
                        .optBias(false)
                        .build();
        conv.initialize(manager, DataType.FLOAT32, new Shape(1, 2, 4, 4));
        Connections connections = only(conv, "weight").connections();

        assertThat(connections.inputs()).isEqualTo(2);
        assertThat(connections.outputs()).isEqualTo(4);
        assertThat(inputs(connections, 8)).containsExactly(0, 0, 0, 0, 1, 1, 1, 1);
        assertThat(outputs(connections, 8)).containsExactly(0, 0, 1, 1, 2, 2, 3, 3);
    }

    @Test
    void aTransposedConvolutionConnectsRowsWithTheColumnsOfTheirGroup() {
        Module module = module().with("up.weight", 4, 3, 1, 1).part("up", "ConvTranspose2d", 2);
        Connections connections = only(module, "up.weight").connections();

        assertThat(connections.inputs()).isEqualTo(4);
        assertThat(connections.outputs()).isEqualTo(6);
        assertThat(inputs(connections, 12)).containsExactly(0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3);
        assertThat(outputs(connections, 12)).containsExactly(0, 1, 2, 0, 1, 2, 3, 4, 5, 3, 4, 5);
    }

    @Test
    void djlsOwnTransposedConvolutionHasItsFiltersFirst() {
        Block up = Conv2dTranspose.builder().setKernelShape(new Shape(2, 2)).setFilters(9).build();
        up.initialize(manager, DataType.FLOAT32, new Shape(1, 3, 4, 4));
        Connections connections = only(up, "weight").connections();

        assertThat(connections.inputs()).isEqualTo(3);
        assertThat(connections.outputs()).isEqualTo(9);
    }

    @Test
    void theGatesOfARecurrentLayerLeadToOneState() {
        Module module = module().with("r.weight_ih", 6, 1).part("r", "GRUCell", 1);
        Connections connections = only(module, "r.weight_ih").connections();

        assertThat(connections.inputs()).isEqualTo(1);
        assertThat(connections.outputs()).isEqualTo(2);
        assertThat(outputs(connections, 6)).containsExactly(0, 1, 0, 1, 0, 1);
    }

    @Test
    void anEmbeddingConnectsTokensWithFeatures() {
        Module module = module().with("e.weight", 3, 2).part("e", "Embedding", 1);
        Connections connections = only(module, "e.weight").connections();

        assertThat(connections.inputs()).isEqualTo(3);
        assertThat(connections.outputs()).isEqualTo(2);
        assertThat(inputs(connections, 6)).containsExactly(0, 0, 1, 1, 2, 2);
        assertThat(outputs(connections, 6)).containsExactly(0, 1, 0, 1, 0, 1);
    }

    @Test
    void aCollectionOfLinearLayersConnectsWithinEach() {
        Block block = LinearCollection.builder().setUnits(2).optBias(false).build();
        block.initialize(manager, DataType.FLOAT32, new Shape(7, 2, 3));
        Connections connections = only(block, "weight").connections();

        assertThat(connections.inputs()).isEqualTo(6);
        assertThat(connections.outputs()).isEqualTo(4);
        assertThat(inputs(connections, 12)).containsExactly(0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5);
        assertThat(outputs(connections, 12)).containsExactly(0, 1, 0, 1, 0, 1, 2, 3, 2, 3, 2, 3);
    }

    /** Four filters of two inputs each: those of the second group are 2 and 3. */
    @Test
    void theInputsOfAGroupFollowThoseOfTheOneBefore() {
        Module module = module().with("c.weight", 4, 2, 1, 1).part("c", "Conv2d", 2);
        Connections connections = only(module, "c.weight").connections();

        assertThat(connections.inputs()).isEqualTo(4);
        assertThat(inputs(connections, 8)).containsExactly(0, 1, 0, 1, 2, 3, 2, 3);
    }

    @Test
    void aPartOfUnknownClassMayHaveGroupsToo() {
        Module module = module().with("c.weight", 4, 2, 1, 1).part("c", "DeformableUnit", 2);

        assertThat(only(module, "c.weight").role()).isEqualTo(new ParameterRole(Kind.WEIGHT, 2));
    }

    @Test
    void aBiasWithAValueForEachOutputTellsBeforeNames() {
        Module module =
                module().with("norm1.weight", 5, 4)
                        .with("norm1.bias", 5)
                        .with("pos.weight", 5, 4)
                        .with("pos.bias", 5)
                        .with("a.scale", 4, 4)
                        .with("a.shift", 4, 4);

        assertThat(kinds(module))
                .containsEntry("norm1.weight", Kind.WEIGHT)
                .containsEntry("pos.weight", Kind.WEIGHT)
                .containsEntry("a.scale", Kind.NORM)
                .containsEntry("a.shift", Kind.NORM);
    }

    /** The state of the second is multiplied by a vector, that of the third by nothing known. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void gatesAreToldByTheMatrixOfTheState(boolean hasBias) {
        Module module =
                module().with("a.weight_ih", 12, 5)
                        .with("a.weight_hh", 12, 4)
                        .with("b.weight_ih", 12, 5)
                        .with("b.weight_hh", 12)
                        .with("c.weight_ih", 12, 5)
                        .with("d.weight_ih", 12, 5)
                        .with("d.weight_hh", 5, 5)
                        .with("e.weight_ih_l1_reverse", 12, 5)
                        .with("e.weight_hh_l1_reverse", 12, 6)
                        .with("e.weight_hh_l0_reverse", 12, 3);
        if (hasBias) {
            for (String name : List.of("a.bias_ih", "b.bias_ih", "c.bias_ih", "d.bias_ih")) {
                module.with(name, 12);
            }
        }
        Map<String, Integer> gates = Map.of("a", 3, "b", 1, "c", 1, "d", 1, "e", 2);

        for (ParameterInfo info : select(module)) {
            if (info.path().contains("weight_ih")) {
                assertThat(info.role())
                        .as(info.path())
                        .isEqualTo(
                                new ParameterRole(
                                        Kind.RECURRENT_WEIGHT,
                                        gates.get(info.path().substring(0, 1))));
            }
        }
        assertThat(kinds(module).get("b.weight_hh").isWeight()).as("a vector").isFalse();
    }

    @Test
    void whatIsNotInitialisedIsNoEvidence() {
        Plain block = new Plain().with("weight", 3, 4);
        block.with("weight_ih", 12, 5);
        block.lazily("bias").lazily("weight_hh").lazily("weight_g");

        List<ParameterInfo> infos =
                WeightSelector.builder().build().select(block, Parameter::isInitialized);
        assertThat(infos)
                .extracting(info -> info.role().kind())
                .containsExactly(Kind.WEIGHT, Kind.RECURRENT_WEIGHT);
        assertThat(infos).allMatch(info -> info.unitVectors().isEmpty());
    }

    /** Five vectors of four weights each, that are divided by their norm. */
    @Test
    void weightNormalisationIsKnownByTheMagnitudesBesideTheVectors() {
        Module module =
                module().with("f.weight_g", 5, 1)
                        .with("f.weight_v", 5, 4)
                        .with("p.original0", 5, 1)
                        .with("p.original1", 5, 4)
                        .with("q.original1", 5, 4)
                        .with("r.weight_v", 5, 4)
                        .with("s.weight", 5, 4)
                        .with("s.weight_g", 5, 1)
                        .with("n.weight_g", 5, 1)
                        .with("n.weight_v", 5, 4)
                        .part("n", "LayerNorm", 1);

        for (ParameterInfo info : select(module)) {
            boolean isDivided = List.of("f.weight_v", "p.original1").contains(info.path());
            assertThat(info.unitVectors().isPresent()).as(info.path()).isEqualTo(isDivided);
            info.unitVectors()
                    .ifPresent(
                            vectors -> {
                                assertThat(vectors.count()).isEqualTo(5);
                                assertThat(vectors.of(7)).isEqualTo(1);
                                assertThat(vectors.of(19)).isEqualTo(4);
                            });
        }
    }

    @Test
    void aParameterOfWhichNoMoreIsKnownIsAMatrixIfItMayBePruned() {
        NDArray values = manager.zeros(new Shape(2, 3));
        assertThat(Trained.info(0, values, true).role().kind()).isEqualTo(Kind.WEIGHT);
        assertThat(Trained.info(0, values, false).role().kind()).isEqualTo(Kind.OTHER);
    }
}
