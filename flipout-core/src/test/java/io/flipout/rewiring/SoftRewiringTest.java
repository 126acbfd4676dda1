package io.flipout.rewiring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDManager;
import io.flipout.Path;
import io.flipout.Trained;
import io.flipout.mask.Mask;
import io.flipout.method.SoftDeepR;
import io.flipout.schedule.PruningEvent.Unit;
import io.flipout.schedule.Schedule;
import io.flipout.tensor.TrainedTensor;
import java.util.BitSet;
import java.util.EnumMap;
import java.util.Map;
import java.util.Random;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class SoftRewiringTest {

    private static void in(Path path, Consumer<NDManager> test) {
        path.run(
                () -> {
                    try (NDManager manager = NDManager.newBaseManager()) {
                        test.accept(manager);
                    }
                });
    }

    /** Moves the latent values, and rewires. */
    private static int[] step(TrainedTensor tensor, Rewiring.Wiring wiring, float... moved) {
        wiring.beforeStep();
        tensor.values().set(moved);
        wiring.afterStep();
        int[] dormant = wiring.rewire(0, new BitSet());
        wiring.settle(dormant);
        return dormant;
    }

    private static float[] latent(TrainedTensor tensor, Rewiring.Wiring wiring) {
        wiring.beforeStep();
        float[] latent = tensor.values().toFloatArray();
        wiring.afterStep();
        return latent;
    }

    /** η = .05, α = σ = 1e-5 make T = 2.5e-12 and β = 4e6; p = .005: −.995/(.005·4e6). */
    @Test
    void theLeastLatentValueIsThatOfTheExampleWorkedByHand() {
        assertThat(minimum(SoftDeepR.builder())).isCloseTo(-4.975e-5f, within(1e-9f));
        // Twice the rate is twice the temperature; p = .5 makes −1/β = −T/α.
        assertThat(minimum(SoftDeepR.builder().optLearningRate(.1)))
                .isCloseTo(-9.95e-5f, within(1e-9f));
        assertThat(minimum(SoftDeepR.builder().optDensity(.5).optNoise(.01f).optL1(1e-3f)))
                .isCloseTo(-2.5e-3f, within(1e-7f));
    }

    private static float minimum(SoftDeepR.Builder builder) {
        return ((SoftRewiring) builder.build().rewiring().orElseThrow()).minimum();
    }

    /**
     * θ = (.5, .02) are alive and two dormant. The first stays so, the second crosses 0, the third
     * does from below, the fourth falls under θ_min.
     */
    @ParameterizedTest
    @EnumSource(Path.class)
    void weightsGoAndComeWhereTheirLatentValuesCross(Path path) {
        in(
                path,
                manager -> {
                    Mask mask = Trained.mask(4, 2, 3);
                    TrainedTensor tensor =
                            Trained.tensor(manager.create(new float[] {.5f, -.02f, 0, 0}), mask);
                    Rewiring.Wiring wiring = new SoftRewiring(-.05f).wire(tensor, mask, 1);
                    float[] latent = latent(tensor, wiring);
                    assertThat(latent).startsWith(.5f, -.02f);
                    assertThat(Math.abs(latent[2])).isBetween(1e-6f, .05f);
                    assertThat(Math.abs(latent[3])).isBetween(1e-6f, .05f);
                    float sign = -Math.signum(latent[3]);

                    assertThat(step(tensor, wiring, .3f, .01f, -latent[2], -sign))
                            .containsExactly(1);
                    assertThat(mask.bytes()).containsExactly(1, 0, 1, 0);
                    assertThat(tensor.values().toFloatArray())
                            .containsExactly(.3f, 0, -latent[2], 0);
                    assertThat(latent(tensor, wiring))
                            .containsExactly(.3f, .01f, -latent[2], -sign * .05f);

                    assertThat(step(tensor, wiring, -.3f, -.01f, 0, sign)).containsExactly(0, 2);
                    assertThat(mask.bytes()).containsExactly(0, 1, 0, 1);
                    assertThat(tensor.values().toFloatArray()).containsExactly(0, -.01f, 0, sign);
                    assertThat(latent(tensor, wiring)[0]).isEqualTo(-.05f);
                });
    }

    @Test
    void bothPathsAgreeOnARandomWalk() {
        Map<Path, float[]> ends = new EnumMap<>(Path.class);
        for (Path path : Path.values()) {
            in(path, manager -> ends.put(path, walk(manager, 20_000)));
        }
        assertThat(ends.get(Path.DIRECT)).isEqualTo(ends.get(Path.ENGINE));
    }

    private static float[] walk(NDManager manager, int size) {
        Random random = new Random(3);
        Mask mask = new Mask(size);
        float[] start = new float[size];
        for (int i = 0; i < size; i++) {
            if (i % 10 > 0) {
                mask.prune(i);
            } else {
                start[i] = (float) random.nextGaussian();
            }
        }
        TrainedTensor tensor = Trained.tensor(manager.create(start), mask);
        Rewiring.Wiring wiring = new SoftRewiring(-1).wire(tensor, mask, 5);
        int[] numbers = new int[6];
        for (int step = 0; step < numbers.length; step++) {
            wiring.beforeStep();
            float[] latent = tensor.values().toFloatArray();
            for (int i = 0; i < size; i++) {
                latent[i] += .2f * (float) random.nextGaussian();
            }
            step(tensor, wiring, latent);
            numbers[step] = mask.remaining();
            float[] weights = tensor.values().toFloatArray();
            for (int i = 0; i < size; i++) {
                assertThat(weights[i] != 0).isEqualTo(mask.isAlive(i));
            }
        }
        assertThat(numbers).doesNotHaveDuplicates();
        return tensor.values().toFloatArray();
    }

    @ParameterizedTest
    @EnumSource(Path.class)
    void theWiringGoesOnFromASnapshot(Path path) {
        in(
                path,
                manager -> {
                    Mask mask = Trained.mask(4, 1, 2, 3);
                    TrainedTensor tensor =
                            Trained.tensor(manager.create(new float[] {1, 0, 0, 0}), mask);
                    Rewiring.Wiring wiring = new SoftRewiring(-1).wire(tensor, mask, 0);
                    float[] latent = latent(tensor, wiring);
                    Rewiring.Wiring later = new SoftRewiring(-1).wire(tensor, mask, 1);
                    assertThat(latent(tensor, later)).isNotEqualTo(latent);
                    later.restore(wiring.snapshot());
                    int arrays = tensor.manager().getManagedArrays().size();
                    later.restore(wiring.snapshot());

                    assertThat(tensor.manager().getManagedArrays()).hasSize(arrays);
                    assertThat(latent(tensor, later)).isEqualTo(latent);
                    assertThat(later.rewire(0, new BitSet())).isEmpty();
                    assertThat(mask.bytes()).containsExactly(1, 0, 0, 0);
                });
    }

    @ParameterizedTest
    @EnumSource(Path.class)
    void stepsLeaveNoArraysBehindAndHideNoNaN(Path path) {
        in(
                path,
                manager -> {
                    Mask mask = Trained.mask(4, 2, 3);
                    TrainedTensor tensor =
                            Trained.tensor(manager.create(new float[] {.5f, -.02f, 0, 0}), mask);
                    Rewiring.Wiring wiring = new SoftRewiring(-.05f).wire(tensor, mask, 1);
                    int[] arrays = new int[4];
                    for (int i = 0; i < arrays.length; i++) {
                        step(tensor, wiring, 1, i % 2 - .5f, 1, Float.NaN);
                        arrays[i] =
                                manager.getManagedArrays().size()
                                        + tensor.manager().getManagedArrays().size();
                    }
                    assertThat(arrays).containsOnly(arrays[0]);
                    assertThat(tensor.values().toFloatArray()[3]).isNaN();
                });
    }

    @Test
    void prunesNothingOnTheWay() {
        SoftRewiring soft = new SoftRewiring(-1);
        soft.check(Schedule.beforeTraining(.9, 2).events(100));
        soft.check(Schedule.none().events(100));
        assertThatThrownBy(() -> soft.check(Schedule.oneShot(.9, Unit.STEP, 1).events(100)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("nothing can be pruned once the training has begun");
    }

    @ParameterizedTest
    @CsvSource({
        "0, .05, 1e-5, 1e-5, must lie in (0; 1)",
        "1, .05, 1e-5, 1e-5, must lie in (0; 1)",
        "NaN, .05, 1e-5, 1e-5, must lie in (0; 1)",
        ".5, 0, 1e-5, 1e-5, learning rate of soft Deep-R must be a number greater than 0",
        ".5, .05, 0, 1e-5, strength of L1 must be a number greater than 0",
        ".5, .05, 1e-5, 0, noise strength must be a number greater than 0"
    })
    void refusesWhatCannotBeReckonedWith(
            double density, double rate, float l1, float noise, String sentence) {
        SoftDeepR.Builder builder =
                SoftDeepR.builder()
                        .optDensity(density)
                        .optLearningRate(rate)
                        .optL1(l1)
                        .optNoise(noise);
        assertThatThrownBy(builder::build)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(sentence.replace(';', ','));
    }

    @ParameterizedTest
    @ValueSource(floats = {0, 1, Float.NaN, Float.NEGATIVE_INFINITY})
    void theLeastLatentValueIsANegativeNumber(float minimum) {
        assertThatThrownBy(() -> new SoftRewiring(minimum))
                .hasMessageContaining("must be a number less than 0");
    }
}
