package io.flipout.inference.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Convolutions against a naive loop over the kept weights, and some computed by hand. */
class ConvolutionTest {

    /** A convolution's numbers, and what a naive loop makes of them. */
    private static final class Case {
        final Random random;
        int images = 1;
        int channels = 3;
        int height = 6;
        int width = 7;
        int filters = 4;
        int groups = 1;
        int[] kernel = {3, 3};
        int[] stride = {1, 1};
        int[] padding = {1, 1};
        int[] dilation = {1, 1};
        int lanes = 1;
        int inBorder = 1;
        int outBorder = 1;
        int outRowStride;
        double density = 0.5;
        boolean bias = true;
        Activation activation = Activation.RELU;
        boolean residual;
        boolean residualLast;
        int[] residualChannels;
        float[] weights;
        float[] input;
        float[] added;
        float[] biases;

        Case(long seed) {
            random = new Random(seed);
        }

        void draw() {
            weights = new float[filters * (channels / groups) * kernel[0] * kernel[1]];
            for (int i = 0; i < weights.length; i++) {
                weights[i] = random.nextDouble() < density ? (float) random.nextGaussian() : 0f;
            }
            input = gaussian(images * channels * height * width);
            added = gaussian(images * filters * outHeight() * outWidth());
            biases = bias ? gaussian(filters) : null;
        }

        float[] gaussian(int count) {
            float[] numbers = new float[count];
            for (int i = 0; i < count; i++) {
                numbers[i] = (float) random.nextGaussian();
            }
            return numbers;
        }

        int outHeight() {
            return (height + 2 * padding[0] - dilation[0] * (kernel[0] - 1) - 1) / stride[0] + 1;
        }

        int outWidth() {
            return (width + 2 * padding[1] - dilation[1] * (kernel[1] - 1) - 1) / stride[1] + 1;
        }

        float[] expected() {
            int perGroup = channels / groups;
            int filtersPerGroup = filters / groups;
            float[] result = new float[images * filters * outHeight() * outWidth()];
            int at = 0;
            for (int image = 0; image < images; image++) {
                for (int filter = 0; filter < filters; filter++) {
                    for (int y = 0; y < outHeight(); y++) {
                        for (int x = 0; x < outWidth(); x++) {
                            double sum = bias ? biases[filter] : 0;
                            int weight = filter * perGroup * kernel[0] * kernel[1];
                            for (int c = 0; c < perGroup; c++) {
                                for (int i = 0; i < kernel[0]; i++) {
                                    for (int j = 0; j < kernel[1]; j++, weight++) {
                                        int v = y * stride[0] + i * dilation[0] - padding[0];
                                        int u = x * stride[1] + j * dilation[1] - padding[1];
                                        if (weights[weight] == 0
                                                || v < 0
                                                || v >= height
                                                || u < 0
                                                || u >= width) {
                                            continue;
                                        }
                                        int channel = filter / filtersPerGroup * perGroup + c;
                                        sum +=
                                                weights[weight]
                                                        * (double)
                                                                input[
                                                                        ((image * channels
                                                                                                                + channel)
                                                                                                        * height
                                                                                                + v)
                                                                                        * width
                                                                                + u];
                                    }
                                }
                            }
                            float plus = 0f;
                            if (residual) {
                                int channel =
                                        residualChannels == null
                                                ? filter
                                                : residualChannels[filter];
                                int place =
                                        ((image * filters + channel) * outHeight() + y) * outWidth()
                                                + x;
                                plus = channel < 0 ? 0f : added[place];
                            }
                            result[at++] =
                                    residualLast
                                            ? activation.apply((float) sum) + plus
                                            : activation.apply((float) (sum + plus));
                        }
                    }
                }
            }
            return result;
        }

        Convolution convolution() {
            Convolution.Builder builder =
                    Convolution.builder()
                            .setFilters(Filters.dense(weights, filters))
                            .setKernel(kernel[0], kernel[1])
                            .optStride(stride[0], stride[1])
                            .optPadding(padding[0], padding[1])
                            .optDilation(dilation[0], dilation[1])
                            .optGroups(groups)
                            .optBias(biases)
                            .optActivation(activation);
            if (residual) {
                builder.optResidual(residualLast, residualChannels);
            }
            return builder.build();
        }

        /** The output, of an arena full of garbage but for the borders. */
        float[] computed(Loops loops, int threads) {
            Planes in =
                    Planes.of(images, channels, height, width)
                            .withBorder(inBorder)
                            .withLanes(lanes)
                            .at(5);
            Planes out =
                    Planes.of(images, filters, outHeight(), outWidth())
                            .withBorder(outBorder)
                            .withLanes(lanes)
                            .at(in.offset() + in.size());
            if (outRowStride > 0) {
                out = out.withRowStride(outRowStride);
            }
            Planes plus = out.at(out.offset() + out.size());
            int scratch = plus.offset() + plus.size();
            Convolution convolution = convolution();
            float[] arena = new float[scratch + convolution.scratch(in, out)];
            Arrays.fill(arena, Float.NaN);
            in.clearBorder(arena);
            out.clearBorder(arena);
            in.load(input, 0, arena);
            plus.load(added, 0, arena);
            List<Kernel> kernels =
                    convolution.plan(in, out, residual ? plus : null, scratch, loops);
            for (Kernel kernel : kernels) {
                for (int i = 0; i < threads; i++) {
                    int units = kernel.units();
                    kernel.run(arena, units * i / threads, units * (i + 1) / threads);
                }
            }
            float[] result = new float[images * filters * outHeight() * outWidth()];
            out.store(arena, result, 0);
            // What lies between and around the elements is still zero.
            float[] emptied = arena.clone();
            out.load(new float[result.length], 0, emptied);
            for (int i = out.offset(); i < out.offset() + out.size() - Planes.ROOM; i++) {
                if (images % lanes == 0) {
                    assertThat(emptied[i]).as("border at %d of %s", i, out).isZero();
                }
            }
            assertThat(arena[out.offset() - 1]).isNaN();
            return result;
        }

        @Override
        public String toString() {
            return String.format(
                    Locale.ROOT,
                    "%d×%d×%d×%d, %d filters, groups %d, kernel %s, stride %s, padding %s, dilation %s,"
                            + " lanes %d, borders %d %d, density %s, residual %s %s",
                    images,
                    channels,
                    height,
                    width,
                    filters,
                    groups,
                    Arrays.toString(kernel),
                    Arrays.toString(stride),
                    Arrays.toString(padding),
                    Arrays.toString(dilation),
                    lanes,
                    inBorder,
                    outBorder,
                    density,
                    residual,
                    residualLast);
        }
    }

    static Stream<Case> cases() {
        List<Case> cases = new ArrayList<>();
        int[][] kernels = {{1, 1}, {3, 3}, {5, 5}, {1, 7}, {2, 3}};
        int[][] strides = {{1, 1}, {2, 2}, {3, 1}};
        int[][] dilations = {{1, 1}, {2, 2}, {1, 3}};
        long seed = 0;
        for (int[] kernel : kernels) {
            for (int[] stride : strides) {
                for (int[] dilation : dilations) {
                    for (int border = 0; border < 4; border++) {
                        Case one = new Case(seed++);
                        one.kernel = kernel;
                        one.stride = stride;
                        one.dilation = dilation;
                        one.padding =
                                new int[] {
                                    one.random.nextInt(kernel[0] + 1),
                                    one.random.nextInt(kernel[1] + 1)
                                };
                        one.height = dilation[0] * (kernel[0] - 1) + 1 + one.random.nextInt(9);
                        one.width = dilation[1] * (kernel[1] - 1) + 1 + one.random.nextInt(40);
                        one.inBorder = border;
                        one.outBorder = one.random.nextInt(3);
                        one.groups = new int[] {1, 1, 2, 4}[one.random.nextInt(4)];
                        one.channels = one.groups * (1 + one.random.nextInt(5));
                        one.filters = one.groups * (1 + one.random.nextInt(5));
                        one.images = 1 + one.random.nextInt(5);
                        one.lanes = new int[] {1, 1, 2, 16}[one.random.nextInt(4)];
                        one.density = new double[] {0.02, 0.3, 1}[one.random.nextInt(3)];
                        one.bias = one.random.nextBoolean();
                        one.activation =
                                List.of(
                                                Activation.IDENTITY,
                                                Activation.RELU,
                                                Activation.RELU6,
                                                Activation.leaky(0.1f),
                                                Activation.of(x -> (float) Math.tanh(x)))
                                        .get(one.random.nextInt(5));
                        one.residual = one.random.nextBoolean();
                        one.residualLast = one.random.nextBoolean();
                        if (one.random.nextInt(3) == 0) {
                            one.residualChannels = new int[one.filters];
                            for (int i = 0; i < one.filters; i++) {
                                one.residualChannels[i] = one.random.nextInt(one.filters + 1) - 1;
                            }
                        }
                        if (stride[1] == 1 && one.random.nextBoolean()) {
                            one.outRowStride =
                                    Math.max(
                                            one.width + one.inBorder,
                                            one.outWidth() + one.outBorder);
                        }
                        one.draw();
                        cases.add(one);
                    }
                }
            }
        }
        return cases.stream();
    }

    @ParameterizedTest
    @MethodSource("cases")
    void equalsANaiveLoop(Case one) {
        float[] expected = one.expected();
        for (Loops loops : Implementations.all()) {
            float[] alone = one.computed(loops, 1);
            for (int i = 0; i < expected.length; i++) {
                assertThat(alone[i]).as("%s %d", loops, i).isCloseTo(expected[i], within(2e-4f));
            }
            assertThat(one.computed(loops, 2)).containsExactly(alone);
            assertThat(one.computed(loops, 3)).containsExactly(alone);
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void plainLoopsComputeWhatVectorsDoToTheLastBit(Case one) {
        assumeTrue(Implementations.haveVectors());
        assertThat(one.computed(TwinLoops.INSTANCE, 1))
                .containsExactly(one.computed(Implementations.vectors(), 1));
        assertThat(one.computed(new WarmingLoops(), 2))
                .containsExactly(one.computed(TwinLoops.INSTANCE, 1));
    }

    @Test
    void vectorsTakeOverWithoutAChange() {
        assumeTrue(Implementations.haveVectors());
        Case one = new Case(8);
        one.channels = 8;
        one.filters = 16;
        one.height = 32;
        one.width = 32;
        one.draw();
        Loops loops = new WarmingLoops();
        float[] first = one.computed(loops, 1);
        for (int i = 0; i < 10; i++) { // 600,000 multiplications each
            assertThat(one.computed(loops, 1)).containsExactly(first);
        }
    }

    @Test
    void twoTapsByHand() {
        // 2 · the left neighbour − the one below, plus 1.
        float[] weights = {0, 0, 0, 2, 0, 0, 0, -1, 0};
        Case one = new Case(0);
        one.channels = 1;
        one.filters = 1;
        one.height = 2;
        one.width = 3;
        one.draw();
        one.weights = weights;
        one.input = new float[] {1, 2, 3, 4, 5, 6};
        one.biases = new float[] {1};
        one.activation = Activation.IDENTITY;
        for (Loops loops : Implementations.all()) {
            assertThat(one.computed(loops, 1)).containsExactly(-3, -2, -1, 1, 9, 11);
        }
    }

    @Test
    void filtersOfFewWeightsAmongFullOnesAreTheSameHoweverTheyAreDivided() {
        Case one = new Case(5);
        one.channels = 9;
        one.filters = 10;
        one.draw();
        for (int i = 0; i < one.weights.length; i++) {
            // Some filters have five weights or fewer, the others all.
            int filter = i / 81;
            int place = i % 81;
            boolean few = filter < 3 || filter == 7;
            one.weights[i] = few && place > filter ? 0f : (float) one.random.nextGaussian();
        }
        for (Loops loops : Implementations.all()) {
            float[] alone = one.computed(loops, 1);
            for (int threads = 2; threads <= 10; threads++) {
                assertThat(one.computed(loops, threads)).containsExactly(alone);
            }
        }
    }

    @Test
    void notANumberAndInfinityReachWhatReadsThem() {
        Case one = new Case(3);
        one.draw();
        one.input[8] = Float.NaN;
        one.input[60] = Float.POSITIVE_INFINITY;
        one.input[90] = Float.NEGATIVE_INFINITY;
        float[] expected = one.expected();
        for (Loops loops : Implementations.all()) {
            float[] computed = one.computed(loops, 1);
            for (int i = 0; i < expected.length; i++) {
                if (Float.isFinite(expected[i])) {
                    assertThat(computed[i]).isCloseTo(expected[i], within(1e-4f));
                } else {
                    assertThat(computed[i]).isEqualTo(Float.valueOf(expected[i]));
                }
            }
        }
    }

    @Test
    void aLinearLayerReadsImagesInOrder() {
        Planes in = Planes.of(2, 2, 1, 2).withBorder(1);
        Filters filters =
                Filters.sparse(4, new int[] {0, 2, 2}, new int[] {0, 3}, new float[] {1, 10});
        Planes out = Planes.of(2, 2, 1, 1).at(in.size());
        Convolution layer = Convolution.linear(filters, in).optBias(new float[] {0, 5}).build();
        float[] arena = new float[in.size() + out.size()];
        in.load(new float[] {1, 2, 3, 4, 5, 6, 7, 8}, 0, arena);
        for (Loops loops : Implementations.all()) {
            for (Kernel kernel : layer.plan(in, out, null, 0, loops)) {
                kernel.run(arena, 0, kernel.units());
            }
            float[] result = new float[4];
            out.store(arena, result, 0);
            assertThat(result).containsExactly(41, 5, 85, 5);
        }
    }

    @Test
    void imagesSideBySideAreReadWithStridesWhereTheyLie() {
        // Image i is 100 · i + its number; of every second row and column two neighbours are added.
        Planes in = Planes.of(16, 1, 4, 8).withLanes(16).withBorder(1);
        Planes out = Planes.of(16, 1, 2, 4).withLanes(16).at(in.size());
        Convolution one =
                Convolution.builder()
                        .setFilters(Filters.dense(new float[] {1, 10, 0, 0, 0, 0, 0, 0, 0}, 1))
                        .setKernel(3, 3)
                        .optStride(2, 2)
                        .optPadding(1, 1)
                        .build();
        float[] images = new float[16 * 32];
        for (int i = 0; i < images.length; i++) {
            images[i] = 100 * (i / 32) + i % 32;
        }
        assertThat(one.scratch(in, out)).isZero();
        assertThat(one.scratch(in.withBorder(0), out)).isPositive();
        for (Loops loops : Implementations.all()) {
            float[] arena = new float[in.size() + out.size()];
            in.load(images, 0, arena);
            for (Kernel kernel : one.plan(in, out, null, 0, loops)) {
                kernel.run(arena, 0, kernel.units());
            }
            float[] results = new float[16 * 8];
            out.store(arena, results, 0);
            assertThat(Arrays.copyOfRange(results, 0, 8))
                    .containsExactly(0, 0, 0, 0, 80, 9 + 100, 11 + 120, 13 + 140);
            assertThat(Arrays.copyOfRange(results, 8, 16))
                    .containsExactly(0, 0, 0, 0, 1080, 1209, 1231, 1253);
        }
    }

    @Test
    void aLayerWithManyOutputsIsTheSameByVectorsAndOneByOne() {
        Random random = new Random(4);
        float[] weights = new float[75 * 300];
        for (int i = 0; i < weights.length; i++) {
            weights[i] = random.nextInt(10) == 0 ? (float) random.nextGaussian() : 0f;
        }
        Planes in = Planes.of(1, 3, 10, 10).withBorder(1).at(12);
        Planes out = Planes.of(1, 75, 1, 1).at(in.offset() + in.size());
        float[] biases = new float[75];
        for (int i = 0; i < biases.length; i++) {
            biases[i] = i / 10f - 3;
        }
        Convolution layer =
                Convolution.linear(Filters.dense(weights, 75), in)
                        .optBias(biases)
                        .optActivation(Activation.RELU6)
                        .build();
        assertThat(((Features) layer.plan(in, out, null, 0).get(0)).windows.has(1)).isTrue();
        float[] images = new float[300];
        for (int i = 0; i < images.length; i++) {
            images[i] = (float) random.nextGaussian();
        }
        for (float number : new float[] {0.5f, Float.NaN, Float.POSITIVE_INFINITY}) {
            images[150] = number;
            float[] expected = null;
            for (Loops loops : Implementations.all()) {
                Kernel kernel = layer.plan(in, out, null, 0, loops).get(0);
                for (int threads = 1; threads <= 3; threads++) {
                    float[] arena = new float[out.offset() + out.size()];
                    in.load(images, 0, arena);
                    for (int i = 0; i < threads; i++) {
                        int units = kernel.units();
                        kernel.run(arena, units * i / threads, units * (i + 1) / threads);
                    }
                    float[] results = new float[75];
                    out.store(arena, results, 0);
                    expected = expected == null ? results : expected;
                    assertThat(results).containsExactly(expected);
                }
            }
            int undefined = 0;
            for (int filter = 0; filter < 75; filter++) {
                boolean reads = weights[filter * 300 + 150] != 0;
                undefined += Float.isNaN(expected[filter]) ? 1 : 0;
                assertThat(Float.isNaN(expected[filter])).isEqualTo(reads && Float.isNaN(number));
            }
            assertThat(undefined > 0).isEqualTo(Float.isNaN(number));
        }
    }

    @Test
    void planesThatDoNotSuitAreRefused() {
        Convolution one =
                Convolution.builder()
                        .setFilters(Filters.dense(new float[9], 1))
                        .setKernel(3, 3)
                        .build();
        Planes in = Planes.of(1, 1, 5, 5);
        assertThat(one.outputHeight(5)).isEqualTo(3);
        assertThatThrownBy(() -> one.plan(in, in, null, 0)).hasMessageContaining("cannot go from");
        Planes out = Planes.of(1, 1, 3, 3);
        assertThatThrownBy(() -> one.plan(in, out, out, 0)).hasMessageContaining("added");
        assertThatThrownBy(() -> Planes.of(1, 100_000, 1_000, 1_000))
                .hasMessageContaining("do not fit");
    }
}
