package io.flipout.graph;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

/** Each pass on networks of two or three channels, computed by hand. */
class PassesTest {

    private static final Window THREE = Window.square(3, 1, 1);

    private final Input input = new Input(Dims.of(2, 2, 2));
    private final float[] image = {1, 2, 3, 4, 5, 6, 7, 8};

    /** A convolution of one number a channel. */
    private static Convolution pointwise(String name, Node read, float[] weights, float... bias) {
        Weights all = Weights.dense(bias.length, read.dims().channels(), 1, 1, weights);
        return Convolution.of(name, read, all, bias, Window.square(1, 1, 0), 1);
    }

    private Graph graph(Node output) {
        return new Graph(input, output);
    }

    private float[] run(Graph graph) {
        return Interpreter.run(graph, image, 1);
    }

    private static Convolution only(Graph graph) {
        List<Convolution> all = convolutions(graph);
        assertThat(all).hasSize(1);
        return all.get(0);
    }

    private static List<Convolution> convolutions(Graph graph) {
        return graph.nodes().stream()
                .filter(Convolution.class::isInstance)
                .map(Convolution.class::cast)
                .toList();
    }

    @Test
    void batchNormGoesIntoTheConvolution() {
        Convolution convolution = pointwise("c", input, new float[] {1, 0, 2, 3}, 1, -1);
        // (x - 2) / 2 * 3 + 5 and (x - 0) / 4 * 1 + 0
        Affine norm =
                Affine.batchNorm(
                        convolution,
                        new float[] {3, 1},
                        new float[] {5, 0},
                        new float[] {2, 0},
                        new float[] {4, 16},
                        0);
        Graph folded = Folding.of(graph(norm));
        Convolution result = only(folded);
        assertThat(folded.nodes()).containsExactly(input, result);
        assertThat(result.weights().toDense()).containsExactly(1.5f, 0, 0.5f, 0.75f);
        // 1 * 1.5 + (5 - 2 * 1.5) and -1 / 4
        assertThat(result.bias()).containsExactly(3.5f, -0.25f);
    }

    @Test
    void batchNormStaysWhereTheConvolutionIsReadTwice() {
        Convolution convolution = pointwise("c", input, new float[] {1, 0, 2, 3}, 1, -1);
        Affine norm = new Affine(convolution, new float[] {2, 3}, new float[] {0, 1});
        Graph both = graph(new Elementwise(Function.ADD, List.of(convolution, norm)));
        Graph folded = Folding.of(both);
        assertThat(only(folded).bias()).containsExactly(1, -1);
        assertThat(run(folded)).isEqualTo(run(both));
    }

    @Test
    void arithmeticWithNumbersIsFoldedToo() {
        Convolution convolution = pointwise("c", input, new float[] {1, 0, 0, 1}, 0, 0);
        Node half = Elementwise.of(Function.DIV, convolution, 2);
        Constant one = Constant.of(1);
        Node rest = new Elementwise(Function.SUB, List.of(one, half)); // 1 - x / 2
        Convolution result = only(Folding.of(graph(rest)));
        assertThat(result.weights().toDense()).containsExactly(-0.5f, 0, 0, -0.5f);
        assertThat(result.bias()).containsExactly(1, 1);
    }

    @Test
    void aFilterWithoutWeightsIsCarriedThroughAsAConstant() {
        // Channel 1 is 3 everywhere, 2 * 3 - 1 = 5 after the norm, 5 after ReLU and the pool.
        Convolution first = pointwise("a", input, new float[] {1, 1, 0, 0}, 0, 3);
        Affine norm = new Affine(first, new float[] {1, 2}, new float[] {0, -1});
        Node relu = Elementwise.of(Function.RELU, norm);
        Pool pool = Pool.max(relu, Window.square(2, 2, 0), false);
        Convolution second = pointwise("b", pool, new float[] {1, 10, 2, 0}, 0.5f, 0);
        Graph before = graph(second);
        Graph after = Passes.forKernels(before);
        List<Convolution> left = convolutions(after);
        assertThat(left.get(0).weights().filters()).isEqualTo(1);
        assertThat(left.get(1).weights().toDense()).containsExactly(1, 2);
        assertThat(left.get(1).bias()).containsExactly(0.5f + 10 * 5, 0);
        // The largest sum of both channels is 4 + 8.
        assertThat(run(after)).containsExactly(12 + 50.5f, 24).isEqualTo(run(before));
    }

    @Test
    void aConstantMissesAtTheBorderWhatPaddingLeavesOut() {
        Convolution first = pointwise("a", input, new float[] {1, 0, 0, 0}, 0, 2);
        float[] weights = new float[18];
        java.util.Arrays.fill(weights, 9, 18, 1);
        weights[4] = 1; // The middle of channel 0, and all of channel 1, which is 2 everywhere.
        Convolution second =
                Convolution.of(
                        "b", first, Weights.dense(1, 2, 3, 3, weights), new float[1], THREE, 1);
        Graph after = ChannelRemoval.of(graph(second), false);
        // Of nine taps four lie inside a plane of two by two.
        assertThat(run(after)).containsExactly(1 + 8, 2 + 8, 3 + 8, 4 + 8);
        Convolution last = (Convolution) after.output();
        assertThat(last.weights().channels()).isEqualTo(1);
        assertThat(last.ones().toDense()).containsOnly(2).hasSize(9);
    }

    @Test
    void aPoolThatCountsPaddingMakesNoConstantOfAConstant() {
        Convolution first = pointwise("a", input, new float[] {0, 0, 0, 0}, 4, 0);
        Pool counting = Pool.average(first, Window.square(2, 2, 1), false, true);
        // One cell of four is inside; of the channel of zeros none is computed.
        float[] sums = {1, 1, 1, 1, 0, 0, 0, 0};
        assertThat(run(ChannelRemoval.of(graph(counting), false))).isEqualTo(sums);
        Pool other = Pool.average(first, Window.square(2, 2, 1), false, false);
        float[] means = {4, 4, 4, 4, 0, 0, 0, 0};
        Graph constant = ChannelRemoval.of(graph(other), false);
        assertThat(run(constant)).isEqualTo(means);
        assertThat(convolutions(constant)).isEmpty();
    }

    @Test
    void aLargestNumberIsNeverThePaddings() {
        Convolution first = pointwise("a", input, new float[] {0, 0, 1, 0}, -3, 0);
        Pool pool = Pool.max(first, THREE, false);
        Graph after = ChannelRemoval.of(graph(pool), false);
        assertThat(run(after)).containsExactly(-3, -3, -3, -3, 4, 4, 4, 4);
        assertThat(only(after).weights().filters()).isEqualTo(1);
    }

    @Test
    void whatNobodyReadsIsGoneWithWhatOnlyItReads() {
        Convolution first = pointwise("a", input, new float[] {1, 0, 0, 1}, 1, 1);
        Convolution second = pointwise("b", first, new float[] {2, 0, 0, 2}, 0, 0);
        Convolution third = pointwise("c", second, new float[] {0, 3}, 0);
        Graph before = graph(third);
        Graph after = Passes.forKernels(before);
        for (Convolution left : convolutions(after)) {
            assertThat(left.weights().filters()).as(left.name()).isEqualTo(1);
        }
        assertThat(run(after)).containsExactly(36, 42, 48, 54).isEqualTo(run(before));
    }

    @Test
    void anAdditionKeepsAChannelThatEitherSideHas() {
        Convolution left = pointwise("left", input, new float[] {1, 0, 0, 0}, 0, 7);
        Convolution right = pointwise("right", input, new float[] {0, 0, 0, 1}, 9, 0);
        Node sum = new Elementwise(Function.ADD, List.of(left, right));
        Node relu = Elementwise.of(Function.RELU, sum);
        Graph before = graph(relu);
        float[] expected = {10, 11, 12, 13, 12, 13, 14, 15};
        assertThat(run(before)).isEqualTo(expected);
        Graph after = Passes.forKernels(before);
        assertThat(run(after)).isEqualTo(expected);
        // One convolution is left to compute one channel, the other adds it by index.
        Convolution last = (Convolution) after.output();
        assertThat(last.activation()).isEqualTo(Function.RELU);
        assertThat(((Convolution) last.residual()).weights().filters()).isEqualTo(1);
        assertThat(last.residualIndex()).containsExactlyInAnyOrder(-1, 0);
        assertThat(after.nodes()).hasSize(3);
        assertThat(run(Passes.forPyTorch(before))).isEqualTo(expected);
    }

    @Test
    void aCappedReluIsOneFunction() {
        Convolution first = pointwise("a", input, new float[] {1, -1, 1, 0}, 0, 0);
        Node relu = Elementwise.of(Function.RELU, first);
        Node capped = Elementwise.of(Function.MINIMUM, relu, 2);
        Graph after = Passes.forKernels(graph(capped));
        Convolution only = only(after);
        assertThat(only.activation()).isEqualTo(Function.CLAMP);
        assertThat(only.activationArguments()).containsExactly(0, 2);
        assertThat(run(after)).containsExactly(0, 0, 0, 0, 1, 2, 2, 2);
    }

    @Test
    void featuresAreOfTheChannelsThatAreLeft() {
        Convolution first = pointwise("a", input, new float[] {0, 0, 0, 1}, 2, 0);
        Reshape flat = new Reshape(first, Dims.of(8));
        float[] weights = {1, 1, 1, 1, 0, 0, 0, 1};
        Convolution linear =
                Convolution.of(
                        "fc",
                        flat,
                        Weights.dense(1, 8, 1, 1, weights),
                        new float[1],
                        Window.ONE,
                        1);
        Graph after = Passes.forKernels(graph(linear));
        assertThat(run(after)).containsExactly(8 + 8);
        Convolution last = (Convolution) after.output();
        assertThat(last.weights().toDense()).containsExactly(0, 0, 0, 1);
        assertThat(last.bias()).containsExactly(8);
    }

    @Test
    void joinedChannelsGoOneByOne() {
        Convolution left = pointwise("left", input, new float[] {1, 0, 0, 0}, 0, 7);
        Convolution right = pointwise("right", input, new float[] {0, 0, 0, 1}, 9, 0);
        Concat all = new Concat(List.of(left, right));
        Convolution last = pointwise("last", all, new float[] {1, 1, 1, 1}, 0);
        Graph before = graph(last);
        Graph after = Passes.forKernels(before);
        assertThat(run(after)).containsExactly(22, 24, 26, 28).isEqualTo(run(before));
        assertThat(((Convolution) after.output()).weights().channels()).isEqualTo(2);
        assertThat(((Convolution) after.output()).bias()).containsExactly(16);
    }

    @Test
    void aNetworkWithoutWeightsIsItsBias() {
        Convolution first = pointwise("a", input, new float[] {0, 0, 0, 0}, 1, -1);
        Convolution second = pointwise("b", first, new float[] {2, 5}, 3);
        assertThat(run(Passes.forKernels(graph(second)))).containsExactly(0, 0, 0, 0);
        assertThat(run(Passes.forPyTorch(graph(second)))).containsExactly(0, 0, 0, 0);
    }
}
