package io.flipout.latent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.flipout.Path;
import io.flipout.Trained;
import io.flipout.mask.ParameterInfo;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;
import java.util.Random;
import java.util.function.Consumer;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class HardConcreteGatesTest {

    private static final Offset<Float> CLOSE = within(2e-5f);

    private static HardConcreteGates gates(double penalty) {
        return new HardConcreteGates(penalty, 2 / 3d, -.1, 1.1, .5, false);
    }

    private static HardConcreteGates gatesOfNeurons(double penalty) {
        return new HardConcreteGates(penalty, 2 / 3d, -.1, 1.1, .5, true);
    }

    private static void in(Path path, Consumer<NDManager> test) {
        path.run(
                () -> {
                    try (NDManager manager = NDManager.newBaseManager()) {
                        test.accept(manager);
                    }
                });
    }

    /** ln α = 0: u = .5, .1, .95 make z = .5, 0, 1; ln α = 2, u = .1 makes .41189. */
    @Test
    void gatesAreThoseOfTheExampleWorkedByHand() {
        LatentPiece piece = LatentPiece.of(4, 1);
        System.arraycopy(new float[] {0, 0, 0, 2}, 0, piece.auxiliary(), 0, 4);
        System.arraycopy(new float[] {.5f, .1f, .95f, .1f}, 0, piece.drawn(), 0, 4);
        gates(1).draw(piece);
        assertThat(new float[] {piece.drawn()[0], piece.drawn()[1], piece.drawn()[2]})
                .containsExactly(new float[] {.5f, 0, 1}, within(1e-6f));
        assertThat(piece.drawn()[3]).isCloseTo(.41189f, CLOSE);
        try (NDManager manager = NDManager.newBaseManager()) {
            assertThat(
                            gates(1).draw(
                                            manager.create(new float[] {0, 0, 0, 2}),
                                            manager.create(new float[] {.5f, .1f, .95f, .1f}))
                                    .toFloatArray())
                    .containsExactly(new float[] {.5f, 0, 1, .41189f}, CLOSE);
        }
    }

    /** At 0 and 1 the logarithm of u would be infinite. */
    @Test
    void drawsKeepFromTheEdges() {
        LatentPiece piece = LatentPiece.of(2, 1);
        System.arraycopy(new float[] {4.6f, -4.6f}, 0, piece.auxiliary(), 0, 2);
        System.arraycopy(new float[] {0, 1}, 0, piece.drawn(), 0, 2);
        gates(1).draw(piece);
        assertThat(piece.drawn()[0]).isZero();
        assertThat(piece.drawn()[1]).isEqualTo(1);
    }

    /** Test time: ln α = 0 makes .5, and at ln(.1/1.1) = −2.3979 and below the gate is closed. */
    @ParameterizedTest
    @EnumSource(Path.class)
    void gatesOfTestTimeCloseAtTheLogarithmOfTheStretch(Path path) {
        in(
                path,
                manager -> {
                    try (Latents latents =
                            Latents.of(manager, gates(1), new Shape(5), 2, -2, 2, 2, 2)) {
                        latents.beside(0, -2.39f, -2.3980f, -4.6f, 4.6f).rest();
                        float[] weights = latents.weights(0);
                        assertThat(weights[0]).isCloseTo(1, CLOSE);
                        assertThat(weights[1]).isBetween(-.01f, -1e-4f);
                        assertThat(weights[2]).isZero();
                        assertThat(weights[3]).isZero();
                        assertThat(weights[4]).isEqualTo(2);
                    }
                });
    }

    /**
     * z = .5, 0, 1 of θ = 2, 3, −1 and g = .3, 1, 2: θ gets g·z. With s = .5, ∂z/∂ln α =
     * 1.2·.25/(2/3) = .45, so that ln α gets .3·2·.45 = .27; gates of 0 and 1 get the regulariser
     * alone, λ·P·(1 − P) = .1·.83182·.16818 = .013990.
     */
    @ParameterizedTest
    @EnumSource(Path.class)
    void gradientsAreCarriedByTheChainRule(Path path) {
        in(
                path,
                manager -> {
                    try (Latents latents = Latents.of(manager, gates(.1), new Shape(3), 2, 3, -1)) {
                        latents.beside(0, 0, 0).drawn(.5f, 0, 1);
                        assertThat(latents.carry(0, new float[] {.3f, 1, 2}).get(0))
                                .containsExactly(new float[] {.15f, 0, 2}, within(1e-6f));
                        assertThat(latents.slopes(0))
                                .containsExactly(
                                        new float[] {.27f + .01399f, .01399f, .01399f},
                                        within(1e-5f));
                        assertThat(latents.weights(0)).containsExactly(2, 3, -1);
                    }
                });
    }

    /** The gate of the first column has θ·g = 1·1 + 3·2 = 7, that of the second 2·−1 + 4·1 = 2. */
    @ParameterizedTest
    @EnumSource(Path.class)
    void gatesOfNeuronsGatherTheGradientsOfTheirWeights(Path path) {
        in(
                path,
                manager -> {
                    try (Latents latents =
                            Latents.of(manager, gatesOfNeurons(.1), new Shape(2, 2), 1, 2, 3, 4)) {
                        latents.beside(0, 0).drawn(.5f, .5f);
                        assertThat(latents.carry(0, new float[] {1, -1, 2, 1}).get(0))
                                .containsExactly(new float[] {.5f, -.5f, 1, .5f}, within(1e-6f));
                        assertThat(latents.slopes(0))
                                .containsExactly(
                                        new float[] {
                                            7 * .45f + 2 * .01399f, 2 * .45f + 2 * .01399f
                                        },
                                        within(1e-5f));
                        latents.train(0);
                        float[] weights = latents.weights(0);
                        float[] drawn = latents.slopes(0);
                        assertThat(weights)
                                .containsExactly(
                                        drawn[0], 2 * drawn[1], 3 * drawn[0], 4 * drawn[1]);
                    }
                });
    }

    /** A convolution's gates are of filters, (out, in, k, k). */
    @ParameterizedTest
    @EnumSource(Path.class)
    void gatesOfConvolutionsAreOfFilters(Path path) {
        in(
                path,
                manager -> {
                    try (Latents latents =
                            Latents.of(
                                    manager,
                                    gatesOfNeurons(0),
                                    new Shape(2, 1, 1, 2),
                                    1,
                                    2,
                                    3,
                                    4)) {
                        latents.beside(-4, 4).rest();
                        assertThat(latents.weights(0)).containsExactly(0, 0, 3, 4);
                    }
                });
    }

    /** P(z > 0) = .83182 at ln α = 0; and the mean of z is .5 there. */
    @ParameterizedTest
    @EnumSource(Path.class)
    void gatesAreOpenAsOftenAsTheDistributionSays(Path path) {
        in(
                path,
                manager -> {
                    int size = 50_000;
                    float[] ones = new float[size];
                    Arrays.fill(ones, 1);
                    try (Latents latents = Latents.of(manager, gates(0), new Shape(size), ones)) {
                        latents.beside(new float[size]).train(3);
                        float[] weights = latents.weights(0);
                        int open = 0;
                        double sum = 0;
                        for (float weight : weights) {
                            open += weight > 0 ? 1 : 0;
                            sum += weight;
                        }
                        assertThat(open / (double) size).isCloseTo(.83182, within(.007));
                        assertThat(sum / size).isCloseTo(.5, within(.007));
                        // A seed and a step name what is drawn.
                        assertThat(latents.train(3).weights(0)).isEqualTo(weights);
                        assertThat(latents.train(4).weights(0)).isNotEqualTo(weights);
                    }
                });
    }

    /** ln α stays in [ln .01, ln 100], and what the optimizer moved is taken up. */
    @ParameterizedTest
    @EnumSource(Path.class)
    void gatesStayInTheirRange(Path path) {
        in(
                path,
                manager -> {
                    try (Latents latents = Latents.of(manager, gates(0), new Shape(3), 1, 2, 3)) {
                        latents.beside(-9, 9, 1).train(0);
                        latents.move(4, 5, 6).settle();
                        assertThat(latents.numbers(0))
                                .containsExactly((float) Math.log(.01), (float) Math.log(100), 1);
                        assertThat(latents.tensor(0).latent().toFloatArray())
                                .containsExactly(4, 5, 6);
                        assertThat(latents.weights(0)).startsWith(0, 5);
                        assertThat(latents.tensor(0).isTraining()).isFalse();
                    }
                });
    }

    @Test
    void gatesBeginWhereSoManyAreDropped() {
        float[] first = new HardConcreteGates(0, .5, -.1, 1.1, .2, false).first(info(), 2_000, 7);
        double sum = 0;
        double squares = 0;
        for (float value : first) {
            sum += value;
            squares += (value - Math.log(4)) * (value - Math.log(4));
        }
        assertThat(sum / 2_000).isCloseTo(Math.log(4), within(.001));
        assertThat(Math.sqrt(squares / 2_000)).isCloseTo(.01, within(.001));
    }

    private static ParameterInfo info() {
        try (NDManager manager = NDManager.newBaseManager()) {
            return Trained.info(0, manager.create(new float[1]), true);
        }
    }

    /**
     * Several tensors at once, one of more than a piece; and what is left of others is the same.
     */
    @Test
    void bothPathsAgreeButForWhatTheyDraw() {
        Map<Path, float[]> ends = new EnumMap<>(Path.class);
        for (Path path : Path.values()) {
            in(path, manager -> ends.put(path, end(manager, gatesOfNeurons(.01))));
        }
        assertThat(ends.get(Path.DIRECT)).containsExactly(ends.get(Path.ENGINE), within(2e-4f));
    }

    static float[] end(NDManager manager, Reparameterization by) {
        Random random = new Random(4);
        float[] large = new float[70 * 80];
        float[] gradient = new float[large.length];
        for (int i = 0; i < large.length; i++) {
            large[i] = (float) random.nextGaussian();
            gradient[i] = (float) random.nextGaussian();
        }
        try (Latents latents =
                new Latents(
                        manager,
                        by,
                        manager.create(large, new Shape(70, 80)),
                        manager.create(new float[] {1, -2, 3, .5f, 0, 1}, new Shape(3, 2)))) {
            int count = latents.numbers(0).length;
            float[] drawn = new float[count];
            for (int i = 0; i < count; i++) {
                drawn[i] = random.nextFloat();
            }
            latents.drawn(drawn);
            float[] carried = latents.carry(9, gradient, new float[] {1, 2, 3, 4, 5, 6}).get(0);
            float[] slopes = latents.slopes(0);
            latents.settle();
            float[] weights = latents.weights(0);
            float[] all = new float[carried.length + slopes.length + weights.length];
            System.arraycopy(carried, 0, all, 0, carried.length);
            System.arraycopy(slopes, 0, all, carried.length, slopes.length);
            System.arraycopy(weights, 0, all, carried.length + slopes.length, weights.length);
            return all;
        }
    }

    @ParameterizedTest
    @CsvSource({
        "-1, .5, -.1, 1.1, .5, strength of L0 must be a number of at least 0",
        "NaN, .5, -.1, 1.1, .5, strength of L0 must be a number of at least 0",
        "1, 0, -.1, 1.1, .5, temperature β of L0's gates must be a number greater than 0",
        "1, .5, 0, 1.1, .5, 'stretched from γ < 0 to ζ > 1'",
        "1, .5, -.1, 1, .5, 'stretched from γ < 0 to ζ > 1'",
        "1, .5, -.1, Infinity, .5, 'stretched from γ < 0 to ζ > 1'",
        "1, .5, -.1, 1.1, 0, 'must lie in (0, 1), got 0.0'",
        "1, .5, -.1, 1.1, 1, 'must lie in (0, 1), got 1.0'",
    })
    void valuesOutOfRangeAreRefused(
            double penalty, double beta, double gamma, double zeta, double drop, String sentence) {
        assertThatThrownBy(() -> new HardConcreteGates(penalty, beta, gamma, zeta, drop, false))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(sentence);
    }
}
