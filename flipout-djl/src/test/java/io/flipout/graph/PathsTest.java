package io.flipout.graph;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

/** Paths through networks of two or three channels, followed by hand. */
class PathsTest {

    private final Input input = new Input(Dims.of(2, 2, 2));

    /** Weights of 1 and 0 tell which there are. */
    private static Convolution pointwise(String name, Node read, int filters, float... weights) {
        int channels = read.dims().channels();
        return Convolution.of(
                name,
                read,
                Weights.dense(filters, channels, 1, 1, weights),
                new float[filters],
                Window.square(1, 1, 0),
                1);
    }

    private static boolean[] links(Convolution layer) {
        float[] weights = layer.weights().toDense();
        boolean[] links = new boolean[weights.length];
        for (int i = 0; i < links.length; i++) {
            links[i] = weights[i] != 0;
        }
        return links;
    }

    private Paths paths(Node output) {
        return Paths.of(new Graph(input, output), PathsTest::links);
    }

    /** What passes of a layer's weights, those that are not there included. */
    private static String passing(Paths paths, Convolution layer) {
        StringBuilder passing = new StringBuilder();
        for (int filter = 0; filter < layer.dims().channels(); filter++) {
            for (int channel = 0; channel < layer.weights().channels(); channel++) {
                passing.append(paths.pass(layer, filter, channel) ? '1' : '0');
            }
        }
        return passing.toString();
    }

    @Test
    void whatNothingLeadsToOrOnFromIsOnNoPath() {
        // Channel 0 of a is read by nobody, and nothing leads to its channel 1.
        Convolution a = pointwise("a", input, 3, 1, 1, 0, 0, 0, 1);
        Node relu = Elementwise.of(Function.RELU, a);
        Convolution b = pointwise("b", relu, 2, 0, 1, 0, 0, 1, 1);
        Convolution c = pointwise("c", b, 1, 1, 1);
        Paths paths = paths(c);
        assertThat(passing(paths, a)).isEqualTo("001111"); // Its channel 1 would be read.
        assertThat(passing(paths, b)).isEqualTo("101101"); // Its channel 0 would be, if fed.
        assertThat(passing(paths, c)).isEqualTo("01");
        assertThat(paths.passAll(a)).isFalse();
        assertThat(paths.passAll(c)).isFalse();
        assertThat(paths.isAny()).isTrue();
        assertThat(paths(pointwise("d", c, 1, 0)).isAny()).isFalse();
        assertThat(Paths.of(new Graph(input, c), layer -> null).passAll(b)).isTrue();
    }

    @Test
    void aDeadEndFarOnIsADeadEnd() {
        Convolution a = pointwise("a", input, 2, 1, 0, 0, 1);
        Convolution b = pointwise("b", a, 2, 1, 0, 0, 1);
        Convolution c = pointwise("c", b, 1, 0, 1); // Channel 0 ends here.
        Paths paths = paths(c);
        assertThat(passing(paths, a)).isEqualTo("0011");
        assertThat(passing(paths, b)).isEqualTo("0011");
    }

    @Test
    void anAdditionIsFedByEitherSideAndReadsBoth() {
        Convolution a = pointwise("a", input, 2, 1, 0, 0, 0);
        Convolution shortcut = pointwise("s", input, 2, 0, 0, 1, 0);
        Convolution out = pointwise("o", sum(a, shortcut), 1, 1, 0);
        Paths paths = paths(out);
        assertThat(passing(paths, out)).isEqualTo("11");
        assertThat(passing(paths, a)).isEqualTo("1100");
        assertThat(passing(paths, shortcut)).isEqualTo("1100");
    }

    private static Node sum(Node one, Node other) {
        return new Elementwise(Function.ADD, List.of(one, other));
    }

    @Test
    void channelsLieBehindOneAnotherInAConcatenation() {
        Convolution a = pointwise("a", input, 1, 1, 0);
        Convolution b = pointwise("b", input, 2, 0, 0, 0, 1);
        Convolution out = pointwise("o", new Concat(List.of(a, b)), 1, 0, 1, 1);
        Paths paths = paths(out);
        assertThat(passing(paths, a)).isEqualTo("00");
        assertThat(passing(paths, b)).isEqualTo("1111");
        assertThat(passing(paths, out)).isEqualTo("101");
    }

    @Test
    void anyNumberOfAPlaneFeedsItsFeatures() {
        Convolution a = pointwise("a", input, 2, 1, 1, 0, 0);
        Node flat = new Reshape(a, Dims.of(8));
        Convolution linear = pointwise("l", flat, 1, 1, 1, 0, 0, 0, 0, 1, 1);
        Paths paths = paths(linear);
        assertThat(passing(paths, linear)).isEqualTo("11110000");
        assertThat(passing(paths, a)).isEqualTo("1111");
    }

    @Test
    void aSoftmaxMixesAll() {
        Convolution a = pointwise("a", input, 2, 1, 1, 0, 0);
        Node soft = new Softmax(new Reshape(a, Dims.of(8)), 0, false);
        Convolution linear = pointwise("l", soft, 1, 1, 0, 0, 0, 0, 0, 0, 0);
        Paths paths = paths(linear);
        assertThat(passing(paths, linear)).isEqualTo("11111111");
        assertThat(passing(paths, a)).isEqualTo("1111");
    }
}
