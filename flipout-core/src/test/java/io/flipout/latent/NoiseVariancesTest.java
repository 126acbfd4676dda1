package io.flipout.latent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.flipout.Path;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class NoiseVariancesTest {

    private static NoiseVariances variances(double penalty) {
        return new NoiseVariances(penalty, 0, 0, 3, -10);
    }

    private static void in(Path path, Consumer<NDManager> test) {
        path.run(
                () -> {
                    try (NDManager manager = NDManager.newBaseManager()) {
                        test.accept(manager);
                    }
                });
    }

    /** (θ, ln σ²) = (.1, −4), (.01, −4), (1, −10): ln α = .60517, 5.21034, −10 cut off at −8. */
    @Test
    void theDivergenceIsThatOfTheExampleWorkedByHand() {
        assertThat(NoiseVariances.divergence(-4 - Math.log(.01))).isCloseTo(.25521, within(5e-6));
        assertThat(NoiseVariances.divergence(-4 - Math.log(1e-4))).isCloseTo(.00276, within(5e-6));
        assertThat(NoiseVariances.divergence(-10)).isCloseTo(4.63590, within(5e-6));
    }

    /** ln α is .6 and 5.2 and −10; a weight of 0 has an infinite one. */
    @ParameterizedTest
    @EnumSource(Path.class)
    void weightsThatNoiseOutweighsAre0AtTestTime(Path path) {
        in(
                path,
                manager -> {
                    try (Latents latents =
                            Latents.of(
                                    manager,
                                    variances(1),
                                    new Shape(5),
                                    .1f,
                                    .01f,
                                    1,
                                    0,
                                    Float.NaN)) {
                        latents.beside(-4, -4, -10, -4, -4).rest();
                        assertThat(latents.weights(0)).containsExactly(.1f, 0, 1, 0, Float.NaN);
                    }
                });
    }

    /**
     * The slope of KL by differences. ln α = .60517: θ gets g − 2/θ·KL′, ln σ² gets g·σε/2 + KL′.
     * Where ln α is cut off there is no KL′.
     */
    @ParameterizedTest
    @EnumSource(Path.class)
    void gradientsAreCarriedByTheChainRule(Path path) {
        double x = -4 - Math.log(.01);
        double slope =
                (NoiseVariances.divergence(x + 1e-5) - NoiseVariances.divergence(x - 1e-5)) / 2e-5;
        assertThat(slope).isNegative();
        in(
                path,
                manager -> {
                    try (Latents latents =
                            Latents.of(manager, variances(.5), new Shape(3), .1f, 1, 0)) {
                        latents.beside(-4, -10, -4).drawn(.2f, -.4f, 1);
                        assertThat(latents.carry(0, new float[] {3, 2, 1}).get(0))
                                .containsExactly(
                                        new float[] {(float) (3 - .5 * slope * 2 / .1), 2, 1},
                                        within(1e-4f));
                        assertThat(latents.slopes(0))
                                .containsExactly(
                                        new float[] {(float) (.3 + .5 * slope), -.4f, .5f},
                                        within(1e-5f));
                        assertThat(latents.weights(0)).containsExactly(.1f, 1, 0);
                    }
                });
    }

    /** σ = e^(ln σ²/2) = .5 of ln σ² = ln .25. */
    @ParameterizedTest
    @EnumSource(Path.class)
    void noiseHasTheVarianceThatIsLearned(Path path) {
        in(
                path,
                manager -> {
                    int size = 50_000;
                    float[] latent = new float[size];
                    float[] beside = new float[size];
                    Arrays.fill(latent, 2);
                    Arrays.fill(beside, (float) Math.log(.25));
                    try (Latents latents =
                            Latents.of(manager, variances(1), new Shape(size), latent)) {
                        float[] weights = latents.beside(beside).train(7).weights(0);
                        double sum = 0;
                        double squares = 0;
                        for (float weight : weights) {
                            sum += weight - 2;
                            squares += (weight - 2) * (weight - 2);
                        }
                        assertThat(sum / size).isCloseTo(0, within(.01));
                        assertThat(Math.sqrt(squares / size)).isCloseTo(.5, within(.006));
                        float[] drawn = latents.slopes(0);
                        assertThat(weights[5]).isEqualTo(2 + drawn[5]);
                        assertThat(latents.train(7).weights(0)).isEqualTo(weights);
                        assertThat(latents.train(8).weights(0)).isNotEqualTo(weights);
                    }
                });
    }

    /** From step 10 to step 30 it rises from 0 to λ/N. */
    @Test
    void theRegulariserComesByAndBy() {
        NoiseVariances warming = new NoiseVariances(.2, 10, 30, 3, -10);
        assertThat(warming.strength(9)).isZero();
        assertThat(warming.strength(10)).isZero();
        assertThat(warming.strength(15)).isCloseTo(.05, within(1e-12));
        assertThat(warming.strength(30)).isEqualTo(.2);
        assertThat(variances(.2).strength(0)).isEqualTo(.2);
        assertThat(warming.first(null, 2, 0)).containsExactly(-10, -10);
    }

    @Test
    void bothPathsAgreeButForWhatTheyDraw() {
        Map<Path, float[]> ends = new EnumMap<>(Path.class);
        for (Path path : Path.values()) {
            in(
                    path,
                    manager ->
                            ends.put(
                                    path,
                                    HardConcreteGatesTest.end(
                                            manager, new NoiseVariances(.01, 0, 0, 3, -2))));
        }
        for (int i = 0; i < ends.get(Path.DIRECT).length; i++) {
            assertThat(ends.get(Path.DIRECT)[i])
                    .isCloseTo(
                            ends.get(Path.ENGINE)[i],
                            within(1e-4f * (1 + Math.abs(ends.get(Path.ENGINE)[i]))));
        }
    }

    @ParameterizedTest
    @CsvSource({
        "-1, 0, 0, 3, -10, strength of variational dropout must be a number of at least 0",
        "NaN, 0, 0, 3, -10, strength of variational dropout must be a number of at least 0",
        "1, -1, 0, 3, -10, rises from a step of at least 0",
        "1, 5, 4, 3, -10, 'rises from a step of at least 0 to one not before it, got 5 and 4'",
        "1, 0, 0, 8.5, -10, 'must lie in (-8, 8]'",
        "1, 0, 0, -8, -10, 'must lie in (-8, 8]'",
        "1, 0, 0, NaN, -10, 'must lie in (-8, 8]'",
        "1, 0, 0, 3, -Infinity, must be a number at first",
    })
    void valuesOutOfRangeAreRefused(
            double penalty, long from, long until, double threshold, double first, String text) {
        assertThatThrownBy(() -> new NoiseVariances(penalty, from, until, threshold, first))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(text);
    }
}
