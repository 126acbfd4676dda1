package io.flipout.inference;

import static org.assertj.core.api.Assertions.assertThat;

import io.flipout.graph.Constant;
import io.flipout.graph.Convolution;
import io.flipout.graph.Dims;
import io.flipout.graph.Elementwise;
import io.flipout.graph.Function;
import io.flipout.graph.Graph;
import io.flipout.graph.Input;
import io.flipout.graph.Node;
import io.flipout.graph.Pool;
import io.flipout.graph.Weights;
import io.flipout.graph.Window;
import io.flipout.inference.kernel.Workers;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class SplitTest {

    private final Input input = new Input(Dims.of(1, 16, 16));

    /** Every second row and column times a weight. */
    private static Node half(Node read, float weight) {
        return Convolution.of(
                "half",
                read,
                Weights.dense(1, 1, 1, 1, new float[] {weight}),
                new float[] {1},
                Window.square(1, 2, 0),
                1);
    }

    private static Node add(Node one, Node other) {
        return new Elementwise(Function.ADD, List.of(one, other));
    }

    @Test
    void aGraphIsSplitWhereNothingBypassesSmallPlanes() {
        Node small = half(input, 2);
        Node sum = add(small, half(input, 3)); // The first that both ways have come to.
        Node last = add(Pool.max(sum, Window.square(2, 2, 0), false), Constant.of(5));
        Graph graph = new Graph(input, add(last, last));
        Node cut = Split.at(graph);
        assertThat(cut).isSameAs(sum);
        assertThat(Split.before(graph, cut).nodes()).contains(small, sum).doesNotContain(last);
        Graph after = Split.after(graph, cut);
        assertThat(after.input().dims()).isEqualTo(sum.dims());
        assertThat(after.nodes()).hasSize(5).doesNotContain(input, small, sum);
    }

    @Test
    void convolutionsMakeSmallPlanesOfManyImages() {
        Node large = Elementwise.of(Function.RELU, input);
        Node sum = add(half(large, 2), half(large, 3));
        Graph graph = new Graph(input, add(sum, sum));
        assertThat(Split.at(graph)).isSameAs(large);
        // A pool does not.
        Node pool = Pool.max(large, Window.square(2, 2, 0), false);
        assertThat(Split.at(new Graph(input, add(pool, pool)))).isSameAs(pool);
    }

    @Test
    void aGraphIsWholeIfItsPlanesAreSmallOrOnlyItsOutputIs() {
        Input features = new Input(Dims.of(100));
        Node relu = Elementwise.of(Function.RELU, features);
        assertThat(Split.at(new Graph(features, Elementwise.of(Function.ABS, relu)))).isNull();
        assertThat(Split.at(new Graph(input, half(input, 1)))).isNull();
        assertThat(Split.at(new Graph(input, input))).isNull();
        Node bypassed = half(Elementwise.of(Function.RELU, input), 1);
        assertThat(Split.at(new Graph(input, add(bypassed, half(input, 1))))).isNull();
    }

    @Test
    void manyImagesComeOutAsOneByOne() {
        Node sum = add(half(input, 2), half(input, 3));
        Node last = add(Pool.max(sum, Window.square(2, 2, 0), false), Constant.of(5));
        Graph graph = new Graph(input, last);
        for (int threads = 1; threads <= 3; threads += 2) {
            try (Workers workers = new Workers(threads)) {
                checkImages(new Predictor(graph, new int[] {1, 16, 16}, workers));
            }
        }
    }

    private static void checkImages(Predictor predictor) {
        float[] images = new float[21 * 256];
        for (int i = 0; i < images.length; i++) {
            images[i] = i * 37 % 101;
        }
        for (int count : new int[] {8, 16, 21}) {
            float[] all = predictor.predict(Arrays.copyOf(images, count * 256), count);
            assertThat(all).hasSize(count * 16);
            for (int i = 0; i < count; i++) {
                float[] image = Arrays.copyOfRange(images, i * 256, (i + 1) * 256);
                // Of each four the largest even-numbered one, times 2 + 3, plus 1 + 1 + 5.
                float first =
                        Math.max(Math.max(image[0], image[2]), Math.max(image[32], image[34]));
                assertThat(all[i * 16]).isEqualTo(5 * first + 7);
                assertThat(Arrays.copyOfRange(all, i * 16, (i + 1) * 16))
                        .isEqualTo(predictor.predict(image, 1));
            }
        }
    }
}
