package io.flipout.mask;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.convolutional.Conv2d;
import ai.djl.nn.core.Linear;
import ai.djl.nn.norm.BatchNorm;
import ai.djl.nn.norm.LayerNorm;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class WeightSelectorTest {

    private NDManager manager;
    private Block net;

    @BeforeEach
    void createNetwork() {
        manager = NDManager.newBaseManager();
        SequentialBlock head = new SequentialBlock();
        head.add(Linear.builder().setUnits(3).build());
        net =
                new SequentialBlock()
                        .add(Conv2d.builder().setKernelShape(new Shape(3, 3)).setFilters(2).build())
                        .add(BatchNorm.builder().build())
                        .add(head);
        net.initialize(manager, DataType.FLOAT32, new Shape(1, 1, 4, 4));
    }

    @AfterEach
    void close() {
        manager.close();
    }

    private static List<String> prunable(WeightSelector selector, Block block) {
        return selector.select(block).stream()
                .filter(ParameterInfo::prunable)
                .map(ParameterInfo::path)
                .toList();
    }

    @Test
    void listsTrainableParametersInBlockOrderByDottedPaths() {
        List<ParameterInfo> all = WeightSelector.builder().build().select(net);

        assertThat(all)
                .extracting(ParameterInfo::path)
                .containsExactly(
                        "01Conv2d.weight",
                        "01Conv2d.bias",
                        "02BatchNorm.gamma",
                        "02BatchNorm.beta",
                        "03SequentialBlock.01Linear.weight",
                        "03SequentialBlock.01Linear.bias");
        assertThat(all).extracting(ParameterInfo::index).containsExactly(0, 1, 2, 3, 4, 5);
    }

    @Test
    void leavesBiasesAndNormsDenseByDefault() {
        assertThat(prunable(WeightSelector.builder().build(), net))
                .containsExactly("01Conv2d.weight", "03SequentialBlock.01Linear.weight");
    }

    @Test
    void prunesBiasesOrNormsWhenAsked() {
        assertThat(prunable(WeightSelector.builder().optBiases(true).build(), net))
                .contains("01Conv2d.bias", "03SequentialBlock.01Linear.bias")
                .doesNotContain("02BatchNorm.gamma", "02BatchNorm.beta");
        assertThat(prunable(WeightSelector.builder().optNorms(true).build(), net))
                .contains("02BatchNorm.gamma", "02BatchNorm.beta")
                .doesNotContain("01Conv2d.bias");
    }

    @Test
    void leavesAScaleOfRankTwoDenseByDefault() {
        Block block =
                new SequentialBlock()
                        .add(Linear.builder().setUnits(3).build())
                        .add(LayerNorm.builder().build());
        block.initialize(manager, DataType.FLOAT32, new Shape(2, 4, 5));

        List<ParameterInfo> all = WeightSelector.builder().build().select(block);

        assertThat(all).anyMatch(info -> info.shape().dimension() == 2 && !info.prunable());
        assertThat(prunable(WeightSelector.builder().build(), block))
                .containsExactly("01Linear.weight");
    }

    @Test
    void includesAndExcludesByPattern() {
        assertThat(prunable(WeightSelector.builder().optInclude("*Linear*").build(), net))
                .containsExactly("03SequentialBlock.01Linear.weight");
        assertThat(prunable(WeightSelector.builder().optExclude("0?Conv2d.weight").build(), net))
                .containsExactly("03SequentialBlock.01Linear.weight");
        assertThat(
                        prunable(
                                WeightSelector.builder()
                                        .optInclude("*.weight")
                                        .optExclude("*Linear.weight")
                                        .build(),
                                net))
                .containsExactly("01Conv2d.weight");
    }

    @Test
    void aPatternMatchesTheWholePathAndItsDotsAreDots() {
        WeightSelector part = WeightSelector.builder().optInclude("Conv2d").build();
        WeightSelector dots = WeightSelector.builder().optInclude("01Conv2dXweight").build();

        assertThatThrownBy(() -> part.select(net)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> dots.select(net)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void aPatternThatMatchesNothingEndsInASentenceThatListsTheWeights() {
        WeightSelector selector = WeightSelector.builder().optExclude("fc.*").build();

        assertThatThrownBy(() -> selector.select(net))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(
                        "The pattern 'fc.*' matches no weight; there are [01Conv2d.weight,"
                                + " 03SequentialBlock.01Linear.weight]");
    }

    @Test
    void refusesToLeaveNothing() {
        WeightSelector selector = WeightSelector.builder().optExclude("*").build();

        assertThatThrownBy(() -> selector.select(net)).hasMessageStartingWith("Nothing is left");
    }

    @Test
    void refusesABlankPattern() {
        assertThatThrownBy(() -> WeightSelector.builder().optInclude(" ").build())
                .hasMessageContaining("blank");
    }

    @Test
    void aSharedParameterIsListedOnceUnderItsFirstPath() {
        Linear shared = Linear.builder().setUnits(4).optBias(false).build();
        Block block = new SequentialBlock().add(shared).add(shared);
        block.initialize(manager, DataType.FLOAT32, new Shape(1, 4));

        assertThat(prunable(WeightSelector.builder().build(), block))
                .containsExactly("01Linear.weight");
    }

    @Test
    void namesAParameterThatIsNotInitialised() {
        Block block = new SequentialBlock().add(Linear.builder().setUnits(4).build());
        WeightSelector selector = WeightSelector.builder().build();

        assertThatThrownBy(() -> selector.select(block))
                .hasMessageContaining("01Linear.weight is not initialised");
    }

    @Test
    void aFrozenParameterIsNotListed() {
        net.getChildren().get(0).getValue().freezeParameters(true);

        assertThat(prunable(WeightSelector.builder().build(), net))
                .containsExactly("03SequentialBlock.01Linear.weight");
    }

    @Test
    void everyPatternIsLookedAtOnItsOwn() {
        assertThat(
                        prunable(
                                WeightSelector.builder()
                                        .optInclude("*.weight")
                                        .optExclude("01*", "02*", "*Conv2d.weight")
                                        .optNorms(true)
                                        .build(),
                                net))
                .containsExactly("03SequentialBlock.01Linear.weight");
        WeightSelector wrong =
                WeightSelector.builder()
                        .optInclude("*.weight", "0*")
                        .optExclude("01*", "4*", "01Conv*")
                        .build();
        assertThatThrownBy(() -> wrong.select(net))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("The pattern '4*' matches no weight");
    }
}
