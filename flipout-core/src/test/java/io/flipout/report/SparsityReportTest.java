package io.flipout.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Blocks;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.convolutional.Conv2d;
import ai.djl.nn.core.Linear;
import io.flipout.Trained;
import io.flipout.mask.Mask;
import io.flipout.mask.ParameterInfo;
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
}
