package io.flipout.criterion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.flipout.Trained;
import io.flipout.allocation.Allocation;
import io.flipout.allocation.Candidate;
import io.flipout.mask.Mask;
import io.flipout.mask.ParameterInfo;
import io.flipout.method.MagnitudeUncertainty;
import io.flipout.signal.ConnectionGradient;
import io.flipout.signal.DiagonalFisher;
import io.flipout.signal.LastValues;
import io.flipout.signal.SignFlips;
import io.flipout.signal.Signal;
import io.flipout.tensor.TrainedTensor;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The six weights worked by hand: θ = .5 −.1 .3 −.4 .05 .2, flips 0 0 2 7 0 0. */
class CriteriaTest {

    private static final float[] THETA = {.5f, -.1f, .3f, -.4f, .05f, .2f};
    private static final int[] FLIPS = {0, 0, 2, 7, 0, 0};

    private NDManager manager;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager();
    }

    @AfterEach
    void close() {
        manager.close();
    }

    private TensorView view(float[] theta, int[] flips) {
        TrainedTensor tensor = Trained.tensor(manager, theta);
        Signal.Watch watch = new SignFlips().watch(tensor);
        watch.restore(flips);
        return new TensorView(tensor.info(), theta, new Mask(theta.length), List.of(watch), 0);
    }

    private double[] scores(Criterion criterion) {
        return criterion.score(view(THETA, FLIPS));
    }

    private static Set<Integer> pruned(double[] scores, int k) {
        Mask mask = new Mask(scores.length);
        Allocation.global().prune(List.of(new Candidate("w", scores, mask)), scores.length - k);
        Set<Integer> pruned = new TreeSet<>();
        for (int i = 0; i < scores.length; i++) {
            if (!mask.isAlive(i)) {
                pruned.add(i);
            }
        }
        return pruned;
    }

    /** a = 3 −1 2: 9/9, 1/14, 4/13. b = .5 .4: .25/.25, .16/.41. Two of five go: a[1], a[2]. */
    @Test
    void layerAdaptiveMagnitudeDividesByTheSquaresThatAreAsLargeOrLarger() {
        Criterion lamp = LayerAdaptive.magnitude();
        double[] a = lamp.score(view(new float[] {3, -1, 2}, new int[3]));
        double[] b = lamp.score(view(new float[] {.5f, .4f}, new int[2]));

        assertThat(a).containsExactly(new double[] {1, 1 / 14d, 4 / 13d}, within(1e-9));
        assertThat(b).containsExactly(new double[] {1, .16 / .41}, within(1e-7));
        List<Candidate> tensors =
                List.of(new Candidate("a", a, new Mask(3)), new Candidate("b", b, new Mask(2)));
        Allocation.global().prune(tensors, 3);
        assertThat(tensors.get(0).mask().bytes()).containsExactly(1, 0, 0);
        assertThat(tensors.get(1).mask().bytes()).containsExactly(1, 1);
    }

    @Test
    void layerAdaptiveMagnitudeLooksAtWeightsAliveAndBreaksTiesByPosition() {
        float[] theta = {2, 7, -2, 0};
        TensorView view =
                new TensorView(
                        view(theta, new int[4]).info(), theta, Trained.mask(4, 1), List.of(), 0);
        assertThat(LayerAdaptive.magnitude().score(view)).containsExactly(.5, 0, 1, 0);
        float[] zeros = new float[3];
        assertThat(LayerAdaptive.magnitude().score(view(zeros, new int[3])))
                .containsExactly(0, 0, 0);
        float[] diverged = {1, Float.NaN, 2};
        assertThat(LayerAdaptive.magnitude().score(view(diverged, new int[3])))
                .contains(Double.NaN);
    }

    /** τ = 4/1, 9/3, 1/2: 4/4, 3/7, .5/7.5. */
    @Test
    void layerAdaptiveSaliencyDividesByTheSaliencies() {
        TensorView view = view(new float[] {2, 3, -1}, new int[] {0, 2, 1});

        assertThat(new LayerAdaptive(new FlipSaliency(2, 1)).score(view))
                .containsExactly(new double[] {1, 3 / 7d, .5 / 7.5}, within(1e-12));
    }

    /** Many saliencies that differ in their last bits only, and many that do not differ at all. */
    @ParameterizedTest
    @ValueSource(ints = {5, 1000})
    void layerAdaptiveSaliencyTellsTheClosestApart(int size) {
        double[] close = new double[size];
        double[] equal = new double[size];
        for (int i = 0; i < size; i++) {
            close[i] = Double.longBitsToDouble(Double.doubleToLongBits(1) + i * 7L % size);
            equal[i] = .5;
        }
        TensorView view = view(new float[size], new int[size]);

        double[] scores = new LayerAdaptive(tensor -> close).score(view);
        for (int i = 0; i < size; i++) {
            double above = close[i];
            assertThat(scores[i])
                    .isCloseTo(
                            1d / Arrays.stream(close).filter(c -> c >= above).count(),
                            within(1e-12));
        }
        double[] ties = new LayerAdaptive(tensor -> equal).score(view);
        for (int i = 0; i < size; i++) {
            assertThat(ties[i]).isCloseTo(1d / (size - i), within(1e-12));
        }
    }

    @Test
    void releasedSaliencyDividesByFlipsPlusOne() {
        double[] scores = scores(new FlipSaliency(2, 1));

        assertThat(scores)
                .containsExactly(new double[] {.25, .01, .03, .02, .0025, .04}, within(1e-7));
        assertThat(pruned(scores, 3)).containsExactlyInAnyOrder(4, 1, 3);
    }

    @Test
    void paperSaliencyRanksWeightsThatNeverFlippedLastAndByMagnitude() {
        double[] scores = scores(new FlipSaliency(2, 0));

        assertThat(scores[2]).isCloseTo(.045, within(1e-7));
        assertThat(scores[3]).isCloseTo(.02286, within(1e-5));
        assertThat(pruned(scores, 2)).containsExactlyInAnyOrder(3, 2);
        assertThat(pruned(scores, 3)).containsExactlyInAnyOrder(3, 2, 4);
        assertThat(pruned(scores, 4)).containsExactlyInAnyOrder(3, 2, 4, 1);
        assertThat(pruned(scores, 5)).containsExactlyInAnyOrder(3, 2, 4, 1, 5);
    }

    @Test
    void paperSaliencyTellsTheSmallestFloatsApart() {
        float[] theta = {2 * Float.MIN_VALUE, Float.MIN_VALUE, 0, Math.nextDown(1f), 1f, 0x1p65f};
        double[] scores = new FlipSaliency(6, 0).score(view(theta, new int[] {0, 0, 0, 0, 0, 1}));

        assertThat(scores[5]).isLessThan(scores[2]);
        assertThat(scores[2]).isLessThan(scores[1]);
        assertThat(scores[1]).isLessThan(scores[0]);
        assertThat(scores[3]).isLessThan(scores[4]);
    }

    @Test
    void anOddPowerIsTakenOfTheMagnitude() {
        assertThat(pruned(scores(new FlipSaliency(1, 1)), 2)).containsExactlyInAnyOrder(3, 4);
        assertThat(Arrays.stream(scores(new FlipSaliency(1, 1)))).allMatch(score -> score >= 0);
    }

    @Test
    void aPowerOfOneHalfWeighsFlipsMore() {
        assertThat(pruned(scores(new FlipSaliency(.5, 1)), 3)).containsExactlyInAnyOrder(3, 2, 4);
    }

    @Test
    void atPowerZeroFlipsAloneDecide() {
        assertThat(scores(new FlipSaliency(0, 1)))
                .containsExactly(new double[] {1, 1, 1 / 3d, 1 / 8d, 1, 1}, within(0d));
    }

    @Test
    void magnitudeIsTheAbsoluteValue() {
        assertThat(scores(new Magnitude()))
                .containsExactly(new double[] {.5, .1, .3, .4, .05, .2}, within(1e-7));
        assertThat(pruned(scores(new Magnitude()), 3)).containsExactlyInAnyOrder(4, 1, 5);
    }

    /** Scores three weights after the last three values of each. */
    private double[] afterRecords(double lambda, float[]... records) {
        TrainedTensor tensor = Trained.tensor(manager, records[2]);
        LastValues.Values values = new LastValues(3, 1).watch(tensor);
        values.restore(List.of(records));
        TensorView view =
                new TensorView(tensor.info(), records[2], new Mask(3), List.of(values), 0);
        return new MagnitudeOverDeviation(lambda).score(view);
    }

    /** The values .9 1.1 1, .3 .31 .29 and .5 .1 .3 deviate by .1, .01 and .2. */
    @Test
    void magnitudeIsDividedByLambdaAndTheDeviationOfTheLastValues() {
        float[][] records = {{.9f, .3f, .5f}, {1.1f, .31f, .1f}, {1f, .29f, .3f}};

        assertThat(afterRecords(0, records))
                .containsExactly(new double[] {10, 29, 1.5}, within(1e-4));
        assertThat(afterRecords(.1, records))
                .containsExactly(new double[] {5, .29 / .11, 1}, within(1e-6));
        assertThat(pruned(afterRecords(.1, records), 2)).containsExactly(1, 2);
    }

    @Test
    void aWeightThatLiesStillIsKeptUnlessItLiesAtZero() {
        double[] scores = afterRecords(0, new float[3], new float[3], new float[] {0, -0f, 1});
        double[] still =
                afterRecords(
                        0, new float[] {2, 0, 1}, new float[] {2, 0, 1}, new float[] {2, 0, 1});

        assertThat(scores).containsExactly(new double[] {0, 0, Math.sqrt(3)}, within(1e-12));
        assertThat(still).containsExactly(Double.POSITIVE_INFINITY, 0, Double.POSITIVE_INFINITY);
    }

    private static double[] overSpread(Mask mask, float... theta) {
        try (NDManager manager = NDManager.newBaseManager()) {
            ParameterInfo info = Trained.tensor(manager, theta).info();
            return new MagnitudeOverSpread().score(new TensorView(info, theta, mask, List.of(), 0));
        }
    }

    /** Alive are 1 −3 2 4: mean 1, squares 0 16 1 9, sd = √(26/4); the 0 is pruned. */
    @Test
    void magnitudeIsMeasuredByTheDeviationOfTheWeightsAlive() {
        double sd = Math.sqrt(6.5);

        assertThat(overSpread(Trained.mask(5, 1), 1, 0, -3, 2, 4))
                .containsExactly(new double[] {1 / sd, 0, 3 / sd, 2 / sd, 4 / sd}, within(1e-12));
    }

    /** With 2 and −2, sd = 2 is the magnitude of both: none is below 1. */
    @Test
    void aQualityOfAtMostOneNeverEmptiesALayer() {
        Mask mask = new Mask(2);
        new Candidate("w", overSpread(mask, 2, -2), mask).pruneBelow(1);
        assertThat(mask.remaining()).isEqualTo(2);
    }

    @Test
    void equalWeightsAreBelowNoThreshold() {
        Mask mask = Trained.mask(3, 2);
        double[] scores = overSpread(mask, 0, 0, 0);

        assertThat(scores).containsOnly(Double.POSITIVE_INFINITY);
        new Candidate("w", scores, mask).pruneBelow(1e9);
        assertThat(mask.bytes()).containsExactly(1, 1, 0);
        assertThat(overSpread(new Mask(2), .3f, .3f)).containsOnly(Double.POSITIVE_INFINITY);
    }

    /** θ = 1 −2 .5 0 and g = .3 .1 −.8 5, shown in two halves; what θ is later does not matter. */
    @Test
    void sensitivityIsTheSummedGradientOfTheConnection() {
        float[] theta = {1, -2, .5f, 0};
        TrainedTensor tensor = Trained.tensor(manager, theta);
        ConnectionGradient.Sum sum = new ConnectionGradient().watch(tensor);
        TensorView view = new TensorView(tensor.info(), theta, new Mask(4), List.of(sum), 0);
        for (int batch = 0; batch < 2; batch++) {
            try (NDArray gradient = manager.create(new float[] {.15f, .05f, -.4f, 2.5f})) {
                sum.afterBackward(gradient);
            }
        }
        tensor.values().muli(3);
        ConnectionGradient.Sum later = new ConnectionGradient().watch(tensor);
        later.restore(sum.snapshot());

        assertThat(new Sensitivity().score(view))
                .containsExactly(new double[] {.3, .2, .4, 0}, within(1e-7));
        assertThat(later.values()).isEqualTo(sum.values());
        sum.afterPruning();
        assertThatThrownBy(() -> new Sensitivity().score(view))
                .hasMessageContaining("pruner.pruneBeforeTraining");
    }

    private double[] damage(float[] theta, float[]... gradients) {
        TrainedTensor tensor = Trained.tensor(manager, theta);
        DiagonalFisher.Squares squares = new DiagonalFisher().watch(tensor);
        for (float[] values : gradients) {
            try (NDArray gradient = manager.create(values)) {
                squares.afterBackward(gradient);
            }
        }
        DiagonalFisher.Squares later = new DiagonalFisher().watch(tensor);
        later.restore(squares.snapshot());
        return new DiagonalDamage()
                .score(
                        new TensorView(
                                tensor.info(), theta, new Mask(theta.length), List.of(later), 0));
    }

    /** F = (4 + 4)/2, (1 + 1)/2, where the squares of the means are 0 and 1. */
    @Test
    void theFisherInformationIsTheMeanOfSquaresAndNotTheSquareOfTheMean() {
        double[] scores = damage(new float[] {1, 1}, new float[] {2, 1}, new float[] {-2, 1});

        assertThat(scores).containsExactly(new double[] {2, .5}, within(1e-12));
        assertThat(pruned(scores, 1)).containsExactly(1);
    }

    /** H = 2 on the diagonal, θ = 1 .5: θ²·H/2 = 1 .25. */
    @Test
    void damageIsHalfTheSquareTimesTheCurvature() {
        float root = (float) Math.sqrt(2);

        assertThat(damage(new float[] {1, .5f}, new float[] {root, -root}))
                .containsExactly(new double[] {1, .25}, within(1e-6));
        assertThatThrownBy(() -> damage(new float[] {1, .5f}))
                .hasMessageContaining("Pruner.builder().optExamples");
    }

    @ParameterizedTest
    @ValueSource(doubles = {-1e-9, Double.NaN, Double.POSITIVE_INFINITY})
    void refusesALambdaThatIsNoNumberOfAtLeastZero(double lambda) {
        assertThatThrownBy(
                        () -> MagnitudeUncertainty.builder().setValues(2).setLambda(lambda).build())
                .hasMessageContaining("λ added to the deviation");
    }

    @Test
    void aThresholdIsStrict() {
        Mask mask = Trained.mask(4, 3);
        new Candidate("w", new double[] {.25, .2, .5, .1}, mask).pruneBelow(.25);

        assertThat(mask.bytes()).containsExactly(1, 0, 1, 0);
    }

    @ParameterizedTest
    @ValueSource(doubles = {-1, 6.5, Double.NaN})
    void refusesAPowerOutsideItsRange(double p) {
        assertThatThrownBy(() -> new FlipSaliency(p, 1)).hasMessageContaining("power p");
    }

    @Test
    void refusesAnOffsetOtherThanZeroAndOne() {
        assertThatThrownBy(() -> new FlipSaliency(2, 2)).hasMessageContaining("0 or 1, got 2");
    }

    @Test
    void saysWhichSignalIsMissing() {
        TensorView view =
                new TensorView(
                        Trained.tensor(manager, THETA).info(), THETA, new Mask(6), List.of(), 0);

        assertThatThrownBy(() -> new FlipSaliency(2, 1).score(view))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("SignFlips");
    }

    private static double[] random(ParameterInfo info, int size, long seed) {
        return new RandomOrder()
                .score(new TensorView(info, new float[size], new Mask(size), List.of(), seed));
    }

    @Test
    void randomOrderIsGivenByItsSeedAndDiffersByTensor() {
        NDArray values = manager.zeros(new Shape(10_000));
        ParameterInfo first = Trained.info(0, values, true);
        ParameterInfo second = Trained.info(1, manager.zeros(values.getShape()), true);

        assertThat(random(first, 10_000, 7)).isEqualTo(random(first, 10_000, 7));
        assertThat(random(first, 10_000, 7)).isNotEqualTo(random(first, 10_000, 8));
        assertThat(random(first, 10_000, 7)).isNotEqualTo(random(second, 10_000, 7));
        assertThat(Arrays.stream(random(first, 10_000, 7)).distinct().count())
                .as("pieces of a tensor have streams of their own")
                .isEqualTo(10_000);
    }

    /** 20 triples of 6 weights are equally likely: 4,000 draws against χ²(19) at 0.1 %. */
    @Test
    void randomOrderPrunesEverySetOfWeightsEquallyOften() {
        ParameterInfo info = Trained.tensor(manager, THETA).info();
        int draws = 4_000;
        Map<Set<Integer>, Integer> counts = new HashMap<>();
        for (long seed = 0; seed < draws; seed++) {
            counts.merge(pruned(random(info, 6, seed), 3), 1, Integer::sum);
        }

        double expected = draws / 20d;
        double chiSquare =
                counts.values().stream()
                        .mapToDouble(n -> (n - expected) * (n - expected) / expected)
                        .sum();
        assertThat(counts).hasSize(20);
        assertThat(chiSquare).isLessThan(43.8);
    }
}
