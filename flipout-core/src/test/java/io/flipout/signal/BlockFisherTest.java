package io.flipout.signal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.flipout.Path;
import io.flipout.Trained;
import io.flipout.adjustment.LeastDamage;
import io.flipout.criterion.BlockDamage;
import io.flipout.criterion.TensorView;
import io.flipout.mask.Mask;
import io.flipout.tensor.TrainedTensor;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ForkJoinPool;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Blocks of the Fisher information, and what the optimal brain surgeon does by them. */
class BlockFisherTest {

    private static final double DAMPING = .01;

    /** Shows gradients to a tensor of these weights alive, and hands over what was seen. */
    private static void shown(
            BlockFisher fisher,
            float[] theta,
            Mask mask,
            float[][] gradients,
            Consumer<TensorView> test) {
        try (NDManager manager = NDManager.newBaseManager()) {
            TrainedTensor tensor = Trained.tensor(manager.create(theta), mask);
            BlockFisher.Blocks blocks = fisher.watch(tensor);
            for (float[] values : gradients) {
                try (NDArray gradient = manager.create(values)) {
                    blocks.afterBackward(gradient);
                }
            }
            test.accept(new TensorView(tensor.info(), theta, mask, List.of(blocks), 0));
        }
    }

    private static double[] damages(TensorView tensor) {
        return new BlockDamage().score(tensor);
    }

    private static float[] adjusted(TensorView tensor, int... pruned) {
        for (int index : pruned) {
            tensor.mask().prune(index);
        }
        return new LeastDamage().adjust(tensor);
    }

    private static float[][] gradients(int count, int size) {
        Random random = new Random(4);
        float[][] gradients = new float[count][size];
        for (float[] gradient : gradients) {
            for (int i = 0; i < size; i++) {
                // Some are 0, as of neurons at rest.
                gradient[i] = random.nextInt(3) == 0 ? 0 : (float) random.nextGaussian();
            }
        }
        return gradients;
    }

    /**
     * With g = 1 1 and a damping of 1, F = (2 1; 1 2) and F⁻¹ = (2 −1; −1 2)/3. θ = 1 .5 has
     * damages of 1/(4/3) and .25/(4/3), so that the second goes: the first becomes 1 +
     * .5·(1/3)/(2/3), and alone, with F = (2), does a damage of 1.25².
     */
    @ParameterizedTest
    @EnumSource(Path.class)
    void theSurgeonPrunesWhatDoesLeastDamageAndMovesTheOther(Path path) {
        path.run(
                () ->
                        shown(
                                new BlockFisher(2, 1),
                                new float[] {1, .5f},
                                new Mask(2),
                                new float[][] {{1, 1}},
                                tensor -> {
                                    assertThat(damages(tensor))
                                            .containsExactly(
                                                    new double[] {1.25 * 1.25, .1875},
                                                    within(1e-12));
                                    assertThat(adjusted(tensor, 1)[0]).isEqualTo(1.25f);
                                }));
    }

    /**
     * With g = 1 1 1 and a damping of 1, F⁻¹ = I − ¼. Of θ = 1 .5 .25 the third goes first, for a
     * damage of .0625/(2·¾); a third of it is put on each of the others, which have F⁻¹ = (2 −1; −1
     * 2)/3 then. The last is what {@code twoThatGoAtOnce} leaves. Together they do θᵀ·F·θ/2.
     */
    @Test
    void eachIsJudgedAsItIsWhenItsTurnComes() {
        shown(
                new BlockFisher(3, 1),
                new float[] {1, .5f, .25f},
                new Mask(3),
                new float[][] {{1, 1, 1}},
                tensor -> {
                    double second = .5 + .25 / 3;
                    double[] expected = {1.375 * 1.375, second * second * .75, .0625 / 1.5};
                    double[] damages = damages(tensor);
                    assertThat(damages).containsExactly(expected, within(1e-12));
                    double all = (1 + .25 + .0625 + 1.75 * 1.75) / 2;
                    assertThat(damages[0] + damages[1] + damages[2]).isCloseTo(all, within(1e-12));
                });
    }

    /** θ = 1 −1.25 under F = (2 1; 1 2): the first does ¾, and without it −.75 does .75². */
    @Test
    void whatMakesUpForAnotherGoesAfterItThoughItDoesLessDamageThen() {
        shown(
                new BlockFisher(2, 1),
                new float[] {1, -1.25f},
                new Mask(2),
                new float[][] {{1, 1}},
                tensor -> {
                    double[] damages = damages(tensor);
                    assertThat(damages[0]).isCloseTo(.75, within(1e-12));
                    assertThat(damages[1]).isEqualTo(Math.nextUp(damages[0]));
                });
    }

    /** The first gets (.5 + .25)/F₀₀ = .375. As if each went alone it would be (.5 + .25)·¼/¾. */
    @Test
    void twoThatGoAtOnceAreMadeUpForAsASet() {
        shown(
                new BlockFisher(3, 1),
                new float[] {1, .5f, .25f},
                new Mask(3),
                new float[][] {{1, 1, 1}},
                tensor -> assertThat(adjusted(tensor, 1, 2)[0]).isEqualTo(1.375f));
    }

    /** Of one block F⁻¹ = I − ¼, in all, as above: δ = ½/¾·¼ for each of two that stay. */
    @Test
    void oneThatGoesIsMadeUpForByAllOthers() {
        shown(
                new BlockFisher(9, 1),
                new float[] {1, .5f, -2},
                new Mask(3),
                new float[][] {{1, 1, 1}},
                tensor ->
                        assertThat(adjusted(tensor, 1))
                                .containsExactly(
                                        new float[] {1 + 1 / 6f, .5f, -2 + 1 / 6f}, within(1e-6f)));
    }

    /** Blocks of two: (2 1; 1 2), as above, and (2), in which θ = ¼ does a damage of θ². */
    @Test
    void weightsOfDifferentBlocksKnowNothingOfOneAnother() {
        float[] theta = {1, .5f, .25f};
        shown(
                new BlockFisher(2, 1),
                theta,
                new Mask(3),
                new float[][] {{1, 1, 1}},
                tensor -> {
                    assertThat(damages(tensor))
                            .containsExactly(
                                    new double[] {1.25 * 1.25, .1875, .0625}, within(1e-12));
                    assertThat(adjusted(tensor, 2)).containsExactly(theta);
                    assertThat(adjusted(tensor, 1)).containsExactly(1.25f, .5f, .25f);
                    assertThat(adjusted(tensor, 0)).containsExactly(theta);
                });
    }

    /** Without the second, the blocks of two are of the first and third, and of the fourth. */
    @Test
    void whatIsPrunedHasNoRowInABlock() {
        shown(
                new BlockFisher(2, 1),
                new float[] {1, 0, .5f, 3},
                Trained.mask(4, 1),
                new float[][] {{1, 999, 1, 1}},
                tensor -> {
                    assertThat(damages(tensor))
                            .containsExactly(
                                    new double[] {1.25 * 1.25, 0, .1875, 9}, within(1e-12));
                    assertThat(adjusted(tensor, 2)).containsExactly(1.25f, 0, .5f, 3);
                });
    }

    /** With blocks of one, or gradients that have no product in common, F is a diagonal. */
    @Test
    void onADiagonalTheSurgeonIsDampedBrainDamage() {
        float[] theta = {1, -2};
        float[][] gradients = {{2, 1}, {-2, 1}};
        for (int block : new int[] {1, 2}) {
            shown(
                    new BlockFisher(block, .5),
                    theta,
                    new Mask(2),
                    gradients,
                    tensor -> {
                        assertThat(damages(tensor))
                                .containsExactly(
                                        new double[] {4.5 / 2, 1.5 * 4 / 2}, within(1e-12));
                        assertThat(adjusted(tensor, 0)).containsExactly(theta);
                    });
        }
    }

    @Test
    void aLayerWithoutWeightsAliveHasNoBlocks() {
        shown(
                new BlockFisher(2, 1),
                new float[2],
                Trained.mask(2, 0, 1),
                new float[][] {{1, 1}},
                tensor -> assertThat(damages(tensor)).containsExactly(0, 0));
    }

    /** F⁻¹ ← F⁻¹ − F⁻¹·g·gᵀ·F⁻¹ / (M + gᵀ·F⁻¹·g) for weights from to to − 1, from I/damping on. */
    private static double[][] recursion(float[][] gradients, int from, int to) {
        int size = to - from;
        double[][] inverse = new double[size][size];
        for (int i = 0; i < size; i++) {
            inverse[i][i] = 1 / DAMPING;
        }
        for (float[] gradient : gradients) {
            double[] product = new double[size];
            double divisor = gradients.length;
            for (int i = 0; i < size; i++) {
                for (int j = 0; j < size; j++) {
                    product[i] += inverse[i][j] * gradient[from + j];
                }
                divisor += gradient[from + i] * product[i];
            }
            for (int i = 0; i < size; i++) {
                for (int j = 0; j < size; j++) {
                    inverse[i][j] -= product[i] * product[j] / divisor;
                }
            }
        }
        return inverse;
    }

    /** Fewer gradients than are added at once, as many, and some more; blocks of 4, 4 and 3. */
    @ParameterizedTest
    @ValueSource(ints = {1, 5, 8, 21})
    void theDamageIsThatOfWoodburysRecursion(int count) {
        float[][] gradients = gradients(count, 11);
        double[] expected = new double[11];
        float[] theta = new float[11];
        for (int from = 0; from < 11; from += 4) {
            double[][] block = recursion(gradients, from, Math.min(11, from + 4));
            // So small that this one goes first, of all others as they are.
            theta[from + 1] = 1e-6f;
            expected[from + 1] = theta[from + 1] * theta[from + 1] / (2 * block[1][1]);
            for (int i = 0; i < block.length; i++) {
                theta[from + i] = i == 1 ? theta[from + i] : 1;
            }
        }
        shown(
                new BlockFisher(4, DAMPING),
                theta,
                new Mask(11),
                gradients,
                tensor -> {
                    double[] damages = damages(tensor);
                    for (int i = 1; i < 11; i += 4) {
                        assertThat(damages[i] / expected[i]).isCloseTo(1, within(1e-6));
                    }
                });
    }

    /**
     * δ = −F⁻¹[:,Q]·(F⁻¹[Q,Q])⁻¹·θ_Q for Q of two, whose F⁻¹[Q,Q] = (a b; b c) is inverted by hand.
     */
    @Test
    void theMoveIsThatOfTheInverse() {
        float[][] gradients = gradients(7, 5);
        float[] theta = {.3f, -.2f, .7f, 1.1f, -.4f};
        double[][] inverse = recursion(gradients, 0, 5);
        double a = inverse[1][1];
        double b = inverse[1][3];
        double c = inverse[3][3];
        double first = (c * theta[1] - b * theta[3]) / (a * c - b * b);
        double second = (a * theta[3] - b * theta[1]) / (a * c - b * b);
        shown(
                new BlockFisher(5, DAMPING),
                theta,
                new Mask(5),
                gradients,
                tensor -> {
                    float[] moved = adjusted(tensor, 1, 3);
                    for (int i : new int[] {0, 2, 4}) {
                        double move = -inverse[i][1] * first - inverse[i][3] * second;
                        assertThat((double) moved[i]).isCloseTo(theta[i] + move, within(1e-6));
                        assertThat(Math.abs(move)).isGreaterThan(.01);
                    }
                });
    }

    @Test
    void threadsAndPathsChangeNoBit() {
        float[][] gradients = gradients(20, 5_000);
        float[] theta = gradients[0].clone();
        double[][] damage = new double[3][];
        float[][] moved = new float[3][];
        Consumer<Integer> surgeon =
                run ->
                        shown(
                                new BlockFisher(30, DAMPING),
                                theta,
                                new Mask(theta.length),
                                gradients,
                                tensor -> {
                                    damage[run] = damages(tensor);
                                    moved[run] = adjusted(tensor, 3, 31, 4_999, 4_000);
                                });
        Path.DIRECT.run(() -> surgeon.accept(0));
        Path.ENGINE.run(() -> surgeon.accept(1));
        try (Threads four = new Threads(4)) {
            four.run(() -> surgeon.accept(2));
        }
        for (int run : new int[] {1, 2}) {
            assertThat(damage[run]).isEqualTo(damage[0]);
            assertThat(moved[run]).isEqualTo(moved[0]);
        }
        assertThat(moved[0]).isNotEqualTo(theta);
    }

    /** Runs parallel streams on so many threads. */
    private record Threads(ForkJoinPool pool) implements AutoCloseable {

        Threads(int count) {
            this(new ForkJoinPool(count));
        }

        void run(Runnable test) {
            pool.submit(test).join();
        }

        @Override
        public void close() {
            pool.shutdown();
        }
    }

    @Test
    void gradientsThatWereNotShownOrAreNotFiniteAreRefused() {
        BlockFisher fisher = new BlockFisher(2, 1);
        shown(
                fisher,
                new float[2],
                new Mask(2),
                new float[0][],
                tensor -> {
                    assertThatThrownBy(() -> damages(tensor))
                            .isInstanceOf(IllegalStateException.class)
                            .hasMessageContaining("was shown none");
                    assertThatThrownBy(() -> new LeastDamage().adjust(tensor))
                            .hasMessageContaining("was shown none");
                });
        for (float value : new float[] {Float.NaN, Float.NEGATIVE_INFINITY}) {
            shown(
                    fisher,
                    new float[2],
                    new Mask(2),
                    new float[][] {{1, 1}, {value, 0}},
                    tensor ->
                            assertThatThrownBy(() -> damages(tensor))
                                    .isInstanceOf(IllegalStateException.class)
                                    .hasMessage(
                                            "A gradient of layer0.weight that examples were to be"
                                                    + " judged by is not a finite number: training"
                                                    + " has diverged; lower the learning rate."));
        }
        shown( // Of weights that are pruned, nobody asks.
                fisher,
                new float[] {0, 2},
                Trained.mask(2, 0),
                new float[][] {{Float.NaN, 1}},
                tensor ->
                        assertThat(damages(tensor))
                                .containsExactly(new double[] {0, 4}, within(1e-12)));
    }

    @Test
    void whatWasShownIsForgottenAfterAPruning() {
        shown(
                new BlockFisher(2, 1),
                new float[] {1, .5f},
                new Mask(2),
                new float[][] {{1, 1}, {5, 3}},
                tensor -> {
                    BlockFisher.Blocks blocks = tensor.watch(BlockFisher.Blocks.class);
                    blocks.afterPruning();
                    assertThatThrownBy(() -> damages(tensor))
                            .hasMessageContaining("was shown none");
                    try (NDManager manager = NDManager.newBaseManager()) {
                        blocks.afterBackward(manager.create(new float[] {1, 1}));
                    }
                    assertThat(damages(tensor))
                            .containsExactly(new double[] {1.25 * 1.25, .1875}, within(1e-12));
                });
    }

    /** With 1e-14, what is left of the second row has next to no digits. */
    @ParameterizedTest
    @ValueSource(doubles = {1e-20, 1e-14})
    void aDampingThatDoublesCannotTellFromNothingIsRefused(double damping) {
        shown(
                new BlockFisher(2, damping),
                new float[2],
                new Mask(2),
                new float[][] {{1, 1}},
                tensor ->
                        assertThatThrownBy(() -> damages(tensor))
                                .isInstanceOf(IllegalStateException.class)
                                .hasMessage(
                                        "The damping "
                                                + damping
                                                + " is too small to invert the Fisher information"
                                                + " of layer0.weight, whose gradients are large"
                                                + " beside it: raise the damping."));
    }

    @Test
    void blocksAndDampingsOutOfTheirRangeAreRefused() {
        for (int block : new int[] {0, -1, 65_536}) {
            assertThatThrownBy(() -> new BlockFisher(block, 1))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("must have 1 to 65535 weights, got " + block);
        }
        for (double damping : new double[] {0, -1, Double.NaN, Double.POSITIVE_INFINITY}) {
            assertThatThrownBy(() -> new BlockFisher(1, damping))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("must be a number greater than 0, got " + damping);
        }
    }

    /**
     * Blocks of 4 take 10 doubles and 24 bytes. Of 9 weights there are two, and one of a weight; of
     * 3 weights one of 6 doubles. Each of 12 weights takes 36 bytes beside, and each thread four
     * times as much as a block.
     */
    @Test
    void theMemoryIsStated() {
        long threads = ForkJoinPool.getCommonPoolParallelism() + 1L;

        assertThat(new BlockFisher(4, 1).bytesOfGradients(new int[] {9, 3, 0}))
                .isEqualTo(2 * 104 + 32 + 72 + 12 * 36 + threads * 4 * 104);
        assertThat(new BlockFisher(65_535, 1).bytesOfGradients(new int[] {3}))
                .isEqualTo(72 + 3 * 36 + threads * 4 * 72);
        assertThat(new BlockFisher(65_535, 1).bytesOfGradients(new int[] {655_350}))
                .isGreaterThan(4L * 65_536 * 655_350);
        assertThat(new DiagonalFisher().bytesOfGradients(new int[] {9})).isZero();
    }
}
