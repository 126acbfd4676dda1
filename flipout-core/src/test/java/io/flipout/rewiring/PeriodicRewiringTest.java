package io.flipout.rewiring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.flipout.Path;
import io.flipout.Trained;
import io.flipout.allocation.Allocation;
import io.flipout.mask.Mask;
import io.flipout.rewiring.PeriodicRewiring.Growth;
import io.flipout.tensor.TrainedTensor;
import java.util.BitSet;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** RigL's and SET's rewiring. */
class PeriodicRewiringTest {

    private static PeriodicRewiring rewiring(Growth growth, double share, long period) {
        return new PeriodicRewiring(growth, share, false, period, Long.MAX_VALUE);
    }

    private static int[] step(TrainedTensor tensor, Rewiring.Wiring wiring, float... gradient) {
        try (NDArray g = tensor.values().getManager().create(gradient)) {
            wiring.afterBackward(g);
        }
        wiring.beforeStep();
        wiring.afterStep();
        int[] gone = wiring.rewire(tensor.steps(), new BitSet());
        wiring.settle(gone);
        tensor.countStep();
        return gone;
    }

    /** α = .3: .3 at the start, .15 half way, 0 at the end, and nothing between two rewirings. */
    @Test
    void theShareFallsAlongACosine() {
        PeriodicRewiring rigl = new PeriodicRewiring(Growth.GRADIENT, .3, true, 100, 10_000_000);
        assertThat(rigl.shareAfter(100)).isCloseTo(.3, within(1e-9));
        assertThat(rigl.shareAfter(5_000_000)).isCloseTo(.15, within(1e-9));
        assertThat(rigl.shareAfter(9_999_900)).isCloseTo(0, within(1e-9));
        assertThat(rigl.shareAfter(10_000_000)).isZero();
        assertThat(rigl.shareAfter(150)).isZero();
        assertThat(rewiring(Growth.RANDOM, .3, 100).shareAfter(1_000_000)).isEqualTo(.3);
        PeriodicRewiring set = new PeriodicRewiring(Growth.RANDOM, .3, false, 100, 200);
        assertThat(set.shareAfter(100)).isEqualTo(.3);
        assertThat(set.shareAfter(200)).isZero();
    }

    /**
     * θ = .5 −.1 .3 −.4 alive, half of them go: 1 and 2. |g| of all that are not kept is 9 2 .5 3 7
     * 1, so 1 comes back at once, as 0, and 7; the gradient of 0 and 3 counts for nothing.
     */
    @ParameterizedTest
    @EnumSource(Path.class)
    void rigLExchangesTheSmallestForTheLargestGradients(Path path) {
        path.run(
                () -> {
                    try (NDManager manager = NDManager.newBaseManager()) {
                        Mask mask = Trained.mask(8, 4, 5, 6, 7);
                        float[] theta = {.5f, -.1f, .3f, -.4f, 0, 0, 0, 0};
                        TrainedTensor tensor = Trained.tensor(manager.create(theta), mask);
                        Rewiring.Wiring wiring =
                                rewiring(Growth.GRADIENT, .5, 2).wire(tensor, mask, 1);
                        float[] g = {50, -9, 2, 40, .5f, -3, 1, -7};

                        assertThat(step(tensor, wiring, g)).isEmpty();
                        assertThat(step(tensor, wiring, g)).containsExactly(1, 2);
                        assertThat(mask.bytes()).containsExactly(1, 1, 0, 1, 0, 0, 0, 1);
                        assertThat(tensor.values().toFloatArray())
                                .containsExactly(.5f, 0, 0, -.4f, 0, 0, 0, 0);
                    }
                });
    }

    /** Of the weights alive NaN is the third, of all the sixth. */
    @ParameterizedTest
    @EnumSource(Growth.class)
    void aWeightThatIsNoNumberIsNamed(Growth growth) {
        try (NDManager manager = NDManager.newBaseManager()) {
            float[] theta = {.5f, 0, 0, -.4f, 0, Float.NaN};
            TrainedTensor tensor = Trained.tensor(manager.create(theta), Trained.mask(6, 1, 2, 4));
            Rewiring.Wiring wiring =
                    rewiring(growth, .5, 1).wire(tensor, tensor.mask().orElseThrow(), 1);
            assertThatThrownBy(() -> step(tensor, wiring, new float[] {1, 1, 1, 1, 1, 1}))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageStartingWith("Weight 5 of ")
                    .hasMessageContaining("has no score (NaN)");
        }
    }

    /** θ = .5 −.1 .3 −.4: without being disconnected 0 would stay, and 2 go. */
    @Test
    void disconnectedWeightsGoFirst() {
        try (NDManager manager = NDManager.newBaseManager()) {
            Mask mask = Trained.mask(5, 4);
            TrainedTensor tensor =
                    Trained.tensor(manager.create(new float[] {.5f, -.1f, .3f, -.4f, 0}), mask);
            Rewiring.Wiring wiring = rewiring(Growth.GRADIENT, .5, 1).wire(tensor, mask, 1);
            BitSet disconnected = new BitSet();
            disconnected.set(0);
            try (NDArray gradient = manager.create(new float[] {0, 2, 0, 0, 1})) {
                wiring.afterBackward(gradient);
            }
            wiring.afterStep();
            assertThat(wiring.rewire(0, disconnected)).containsExactly(0, 1);
            assertThat(mask.bytes()).containsExactly(0, 1, 1, 1, 1);
        }
    }

    /** Of 3 positive weights one goes, of 3 negative ones too, by int(.4·3): .1 and −.2. */
    @Test
    void setTakesTheSmallestOfEachSignAndDrawsOthers() {
        BitSet drawn = new BitSet();
        for (int seed = 0; seed < 60; seed++) {
            try (NDManager manager = NDManager.newBaseManager()) {
                Mask mask = Trained.mask(9, 6, 7, 8);
                float[] theta = {.5f, -.2f, .3f, -.4f, .1f, -.9f, 0, 0, 0};
                TrainedTensor tensor = Trained.tensor(manager.create(theta), mask);
                Rewiring.Wiring wiring = rewiring(Growth.RANDOM, .4, 1).wire(tensor, mask, seed);

                assertThat(step(tensor, wiring, new float[9])).containsExactly(1, 4);
                assertThat(mask.remaining()).isEqualTo(6);
                float[] after = tensor.values().toFloatArray();
                for (int i : new int[] {1, 4, 6, 7, 8}) {
                    assertThat(after[i]).isZero();
                    drawn.set(i, drawn.get(i) || mask.isAlive(i));
                }
                for (int i : new int[] {0, 2, 3, 5}) {
                    assertThat(after[i]).isEqualTo(theta[i]);
                    assertThat(mask.isAlive(i)).isTrue();
                }
            }
        }
        assertThat(drawn.stream()).containsExactly(1, 4, 6, 7, 8);
    }

    @ParameterizedTest
    @EnumSource(Growth.class)
    void everyRewiringKeepsTheNumberOfWeights(Growth growth) {
        Random random = new Random(7);
        int size = 9_000;
        try (NDManager manager = NDManager.newBaseManager()) {
            Mask mask = new Mask(size);
            float[] theta = new float[size];
            for (int i = 0; i < size; i++) {
                theta[i] = (float) random.nextGaussian();
                if (random.nextInt(10) > 0) {
                    mask.prune(i);
                    theta[i] = 0;
                }
            }
            int alive = mask.remaining();
            TrainedTensor tensor = Trained.tensor(manager.create(theta), mask);
            Rewiring.Wiring wiring = rewiring(growth, .3, 1).wire(tensor, mask, 1);
            for (int step = 0; step < 10; step++) {
                float[] gradient = new float[size];
                for (int i = 0; i < size; i++) {
                    gradient[i] = (float) random.nextGaussian();
                }
                assertThat(step(tensor, wiring, gradient)).isNotEmpty();
                assertThat(mask.remaining()).isEqualTo(alive);
                float[] after = tensor.values().toFloatArray();
                for (int i = 0; i < size; i++) {
                    assertThat(mask.isAlive(i) || after[i] == 0).isTrue();
                }
            }
        }
    }

    @Test
    void aDenseTensorHasNothingToExchange() {
        try (NDManager manager = NDManager.newBaseManager()) {
            Mask mask = new Mask(3);
            TrainedTensor tensor = Trained.tensor(manager.create(new float[] {1, 2, 3}), mask);
            Rewiring.Wiring wiring = rewiring(Growth.GRADIENT, 1, 1).wire(tensor, mask, 1);
            assertThat(step(tensor, wiring, 1, 1, 1)).isEmpty();
            assertThat(tensor.values().toFloatArray()).containsExactly(1, 2, 3);
        }
    }

    @Test
    void refusesWhatIsOutOfRange() {
        for (double share : new double[] {0, -1, 1.1, Double.NaN}) {
            assertThatThrownBy(() -> rewiring(Growth.RANDOM, share, 1))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("must lie in (0, 1], got " + share);
        }
        assertThatThrownBy(() -> rewiring(Growth.RANDOM, .3, 0))
                .hasMessageContaining("at least 1, got 0 and");
        assertThatThrownBy(() -> rewiring(Growth.RANDOM, .3, 1).check(Allocation.ofEvery(2, 4)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("N of every M");
    }

    /** Of 8 alive, after 1, 2 and 3 of 4 steps: int(8·.7·(1 + cos(π·t/4))/2) = 4, 2, 0. */
    @ParameterizedTest
    @EnumSource(Growth.class)
    void asManyGoAsTheCosineSays(Growth growth) {
        try (NDManager manager = NDManager.newBaseManager()) {
            Mask mask = Trained.mask(12, 8, 9, 10, 11);
            float[] theta = {1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0};
            TrainedTensor tensor = Trained.tensor(manager.create(theta), mask);
            Rewiring.Wiring wiring =
                    new PeriodicRewiring(growth, .7, true, 1, 4).wire(tensor, mask, 1);
            float[] gradient = {0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4};

            assertThat(step(tensor, wiring, gradient)).hasSize(4);
            assertThat(step(tensor, wiring, gradient)).hasSize(2);
            assertThat(step(tensor, wiring, gradient)).isEmpty();
            assertThat(step(tensor, wiring, gradient)).isEmpty();
            assertThat(mask.remaining()).isEqualTo(8);
        }
    }

    /** All go, and of all the four with the largest gradients come. */
    @Test
    void aShareOfOneExchangesAll() {
        try (NDManager manager = NDManager.newBaseManager()) {
            Mask mask = Trained.mask(6, 4, 5);
            TrainedTensor tensor =
                    Trained.tensor(manager.create(new float[] {1, 2, 3, 4, 0, 0}), mask);
            Rewiring.Wiring wiring = rewiring(Growth.GRADIENT, 1, 1).wire(tensor, mask, 1);

            assertThat(step(tensor, wiring, 1, 9, -7, 2, -8, 6)).containsExactly(0, 1, 2, 3);
            assertThat(mask.bytes()).containsExactly(0, 1, 1, 0, 1, 1);
            assertThat(tensor.values().toFloatArray()).containsOnly(0);
        }
    }

    /** θ = .1 .2 .3 −.4 −.5 −.6: of each sign the least goes by SET, the two least by RigL. */
    @Test
    void onlySetLooksAtSigns() {
        for (Growth growth : Growth.values()) {
            try (NDManager manager = NDManager.newBaseManager()) {
                Mask mask = Trained.mask(8, 6, 7);
                float[] theta = {.1f, .2f, .3f, -.4f, -.5f, -.6f, 0, 0};
                TrainedTensor tensor = Trained.tensor(manager.create(theta), mask);
                Rewiring.Wiring wiring = rewiring(growth, .4, 1).wire(tensor, mask, 1);

                assertThat(step(tensor, wiring, new float[8]))
                        .containsExactly(0, growth == Growth.RANDOM ? 3 : 1);
            }
        }
    }

    /** Of 0 and .5 one goes, of −.1 and −.2 too: a 0 of its own would make it none. */
    @Test
    void aWeightOfZeroCountsAsPositive() {
        try (NDManager manager = NDManager.newBaseManager()) {
            Mask mask = Trained.mask(6, 4, 5);
            TrainedTensor tensor =
                    Trained.tensor(manager.create(new float[] {-.2f, 0, .5f, -.1f, 0, 0}), mask);
            Rewiring.Wiring wiring = rewiring(Growth.RANDOM, .5, 1).wire(tensor, mask, 1);

            assertThat(step(tensor, wiring, new float[6])).containsExactly(1, 3);
        }
    }

    /** The one weight that is alive is less than one that is to go. */
    @ParameterizedTest
    @EnumSource(Growth.class)
    void aShareOfLessThanAWeightIsNone(Growth growth) {
        try (NDManager manager = NDManager.newBaseManager()) {
            Mask mask = Trained.mask(3, 1, 2);
            TrainedTensor tensor = Trained.tensor(manager.create(new float[] {4, 0, 0}), mask);
            Rewiring.Wiring wiring = rewiring(growth, .9, 1).wire(tensor, mask, 1);

            assertThat(step(tensor, wiring, 1, 2, 3)).isEmpty();
            assertThat(mask.bytes()).containsExactly(1, 0, 0);
            assertThat(tensor.values().toFloatArray()).containsExactly(4, 0, 0);
        }
    }

    /** An optimizer's momentum that cannot be reached moves a dormant weight between rewirings. */
    @ParameterizedTest
    @EnumSource(Path.class)
    void dormantWeightsStayZeroBetweenRewirings(Path path) {
        path.run(
                () -> {
                    try (NDManager manager = NDManager.newBaseManager()) {
                        Mask mask = Trained.mask(3, 1);
                        TrainedTensor tensor =
                                Trained.tensor(manager.create(new float[] {1, 0, 3}), mask);
                        Rewiring.Wiring wiring =
                                rewiring(Growth.RANDOM, .3, 100).wire(tensor, mask, 1);
                        tensor.values().set(new float[] {2, 5, 4});
                        assertThat(step(tensor, wiring, 1, 1, 1)).isEmpty();

                        assertThat(tensor.values().toFloatArray()).containsExactly(2, 0, 4);
                    }
                });
    }

    @ParameterizedTest
    @EnumSource(Growth.class)
    void everyThirdStepRewires(Growth growth) {
        try (NDManager manager = NDManager.newBaseManager()) {
            Mask mask = Trained.mask(4, 2, 3);
            TrainedTensor tensor = Trained.tensor(manager.create(new float[] {1, 2, 0, 0}), mask);
            Rewiring.Wiring wiring = rewiring(growth, .5, 3).wire(tensor, mask, 1);
            for (int step = 1; step <= 6; step++) {
                assertThat(step(tensor, wiring, 0, 0, 1, 2)).hasSize(step % 3 == 0 ? 1 : 0);
            }
        }
    }
}
