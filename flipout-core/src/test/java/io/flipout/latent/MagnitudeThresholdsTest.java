package io.flipout.latent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.flipout.Path;
import io.flipout.schedule.Plan;
import io.flipout.schedule.PruningEvent;
import io.flipout.schedule.PruningEvent.Unit;
import io.flipout.schedule.Schedule;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class MagnitudeThresholdsTest {

    private static void in(Path path, Consumer<NDManager> test) {
        path.run(
                () -> {
                    try (NDManager manager = NDManager.newBaseManager()) {
                        test.accept(manager);
                    }
                });
    }

    /**
     * w = (.2, −.05, .6), t = .1, g = (.1, .2, −.3): Q = (.1, −.05, .5), H = (1.6, 1.8, .4). θ gets
     * (.132, .018, −.372), t gets .058 − .001·e^−.1 = .0570952.
     */
    @ParameterizedTest
    @EnumSource(Path.class)
    void gradientsAreThoseOfTheExampleWorkedByHand(Path path) {
        in(
                path,
                manager -> {
                    try (Latents latents =
                            Latents.of(
                                    manager,
                                    new MagnitudeThresholds(1e-3, 0),
                                    new Shape(1, 3),
                                    .2f,
                                    -.05f,
                                    .6f)) {
                        latents.beside(.1f).rest();
                        assertThat(latents.weights(0)).containsExactly(.2f, 0, .6f);
                        assertThat(latents.carry(0, new float[] {.1f, .2f, -.3f}).get(0))
                                .containsExactly(new float[] {.132f, .018f, -.372f}, within(1e-6f));
                        assertThat(latents.slopes(0))
                                .containsExactly(new float[] {.0570952f}, within(1e-6f));
                        assertThat(latents.weights(0)).containsExactly(.2f, -.05f, .6f);
                    }
                });
    }

    /** H is .4 up to a distance of 1, and 0 beyond; a weight on the threshold is 0. */
    @ParameterizedTest
    @EnumSource(Path.class)
    void theStepsSlopeEndsAtADistanceOf1(Path path) {
        in(
                path,
                manager -> {
                    try (Latents latents =
                            Latents.of(
                                    manager,
                                    new MagnitudeThresholds(0, 0),
                                    new Shape(4, 1),
                                    1,
                                    1.5f,
                                    .5f,
                                    -.5f)) {
                        latents.beside(0, .25f, .5f, .125f).rest();
                        assertThat(latents.weights(0)).containsExactly(1, 1.5f, 0, -.5f);
                        latents.carry(0, new float[] {1, 1, 1, 1});
                        assertThat(latents.slopes(0))
                                .containsExactly(new float[] {-.4f, 0, -1, .25f}, within(1e-6f));
                    }
                });
    }

    /**
     * Two of eight weights are left at t = 1. That is no more than a quarter: thresholds begin
     * anew.
     */
    @ParameterizedTest
    @CsvSource({"DIRECT, .25, 0", "ENGINE, .25, 0", "DIRECT, .24, 1", "ENGINE, .24, 1"})
    void thresholdsBeginAnewWhereTooLittleIsLeft(Path path, double least, float threshold) {
        in(
                path,
                manager -> {
                    try (Latents latents =
                            Latents.of(
                                    manager,
                                    new MagnitudeThresholds(0, least),
                                    new Shape(2, 4),
                                    2,
                                    1,
                                    .5f,
                                    .5f,
                                    -2,
                                    .5f,
                                    .5f,
                                    .5f)) {
                        latents.beside(1, 1).rest();
                        assertThat(latents.numbers(0)).containsExactly(threshold, threshold);
                        assertThat(latents.weights(0)[2]).isEqualTo(threshold == 0 ? .5f : 0);
                        assertThat(latents.weights(0)[4]).isEqualTo(-2);
                    }
                });
    }

    /** By default only where none is left, and only in that tensor. */
    @ParameterizedTest
    @EnumSource(Path.class)
    void aTensorOfWhichNothingIsLeftBeginsAnew(Path path) {
        in(
                path,
                manager -> {
                    try (Latents latents =
                            new Latents(
                                    manager,
                                    new MagnitudeThresholds(0, 0),
                                    manager.create(new float[] {1, 2}, new Shape(1, 2)),
                                    manager.create(new float[] {1, 2}, new Shape(1, 2)))) {
                        latents.beside(3f);
                        latents.tensor(1).restore(List.of(new float[] {1, 2}, new float[] {1.5f}));
                        latents.rest();
                        assertThat(latents.numbers(0)).containsExactly(0);
                        assertThat(latents.weights(0)).containsExactly(1, 2);
                        assertThat(latents.numbers(1)).containsExactly(1.5f);
                        assertThat(latents.weights(1)).containsExactly(0, 2);
                    }
                });
    }

    @Test
    void bothPathsAgree() {
        Map<Path, float[]> ends = new EnumMap<>(Path.class);
        for (Path path : Path.values()) {
            in(
                    path,
                    manager ->
                            ends.put(
                                    path,
                                    HardConcreteGatesTest.end(
                                            manager, new MagnitudeThresholds(.01, .1))));
        }
        assertThat(ends.get(Path.DIRECT)).containsExactly(ends.get(Path.ENGINE), within(2e-4f));
    }

    @Test
    void weightsThatAreNotNumbersStayToBeSeen() {
        for (Path path : Path.values()) {
            in(
                    path,
                    manager -> {
                        try (Latents latents =
                                Latents.of(
                                        manager,
                                        new MagnitudeThresholds(0, 0),
                                        new Shape(1, 2),
                                        Float.NaN,
                                        1)) {
                            assertThat(latents.rest().weights(0)).containsExactly(Float.NaN, 1);
                        }
                    });
        }
    }

    @ParameterizedTest
    @CsvSource({
        "-1e-9, 0, strength α of dynamic sparse training must be a number of at least 0",
        "NaN, 0, strength α of dynamic sparse training must be a number of at least 0",
        "1, -.1, 'must lie in [0, 1), got -0.1'",
        "1, 1, 'must lie in [0, 1), got 1.0'",
    })
    void valuesOutOfRangeAreRefused(double penalty, double least, String sentence) {
        assertThatThrownBy(() -> new MagnitudeThresholds(penalty, least))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(sentence);
    }

    @Test
    void nothingElsePrunesBeside() {
        MagnitudeThresholds thresholds = new MagnitudeThresholds(0, 0);
        thresholds.check(List.of());
        List<PruningEvent> events = Plan.of(Schedule.oneShot(.5, Unit.STEP, 1), 10);
        assertThatThrownBy(() -> thresholds.check(events))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("use Schedule.none()");
    }
}
