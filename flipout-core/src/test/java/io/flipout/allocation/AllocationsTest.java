package io.flipout.allocation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.types.Shape;
import io.flipout.Trained;
import io.flipout.Warnings;
import io.flipout.mask.Mask;
import io.flipout.tensor.Chunks;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.function.DoubleSupplier;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class AllocationsTest {

    private static Candidate tensor(double... scores) {
        return new Candidate("layer", scores, new Mask(scores.length));
    }

    private static List<byte[]> masks(List<Candidate> tensors) {
        return tensors.stream().map(t -> t.mask().bytes().clone()).toList();
    }

    private static long alive(List<Candidate> tensors) {
        return tensors.stream().mapToLong(t -> t.mask().remaining()).sum();
    }

    /** The plain way: a stable sort of all weights alive, lowest first. */
    private static List<byte[]> sorted(List<Candidate> tensors, long keep) {
        record Weight(int tensor, int index, double score) {}
        List<Weight> weights = new ArrayList<>();
        for (int t = 0; t < tensors.size(); t++) {
            for (int i = 0; i < tensors.get(t).scores().length; i++) {
                if (tensors.get(t).mask().isAlive(i)) {
                    // + 0.0 makes one of the two zeros.
                    weights.add(new Weight(t, i, tensors.get(t).scores()[i] + 0.0));
                }
            }
        }
        weights.sort(Comparator.comparingDouble(Weight::score));
        List<byte[]> masks = masks(tensors);
        weights.subList(0, (int) (weights.size() - keep))
                .forEach(w -> masks.get(w.tensor())[w.index()] = 0);
        return masks;
    }

    static Stream<DoubleSupplier> distributions() {
        Random random = new Random(1);
        double[] special = {
            0,
            -0.0,
            1,
            -1,
            Double.POSITIVE_INFINITY,
            Double.NEGATIVE_INFINITY,
            Double.MIN_VALUE,
            -5e300
        };
        return Stream.of(
                random::nextGaussian,
                () -> random.nextInt(3),
                () -> -random.nextInt(2),
                () -> special[random.nextInt(special.length)],
                () -> Math.abs(random.nextGaussian()) * 1e-30,
                () -> 1 + random.nextInt(4) * Math.ulp(1d),
                () -> 42);
    }

    @ParameterizedTest
    @MethodSource("distributions")
    void globalRankingPrunesExactlyWhatASortWould(DoubleSupplier scores) {
        int[] sizes = {1, 7, 50_000, 300, 40_000};
        List<Candidate> tensors = new ArrayList<>();
        Random random = new Random(2);
        for (int size : sizes) {
            Candidate tensor = tensor(DoubleStream.generate(scores).limit(size).toArray());
            for (int i = 1; i < size; i++) {
                if (random.nextInt(4) == 0) {
                    tensor.mask().prune(i);
                }
            }
            tensors.add(tensor);
        }
        long before = alive(tensors);

        for (long keep : new long[] {before, before - 1, before / 2, before / 100, 7, 1}) {
            List<byte[]> expected = sorted(tensors, keep);
            Allocation.global().prune(tensors, keep);

            assertThat(Arrays.deepEquals(masks(tensors).toArray(), expected.toArray())).isTrue();
            assertThat(alive(tensors)).isEqualTo(keep);
        }
    }

    @Test
    void aGuessThatIsWrongChangesNothing() {
        double[] scores = new Random(4).doubles(1000).toArray();
        Ranking ranking = new Ranking(List.of(tensor(scores)));
        double[] sorted = DoubleStream.of(scores).sorted().toArray();
        byte[] expected = new byte[1000];
        IntStream.range(0, 1000)
                .forEach(i -> expected[i] = (byte) (scores[i] < sorted[300] ? 1 : 0));

        for (double from : new double[] {Double.NEGATIVE_INFINITY, 0.1, sorted[299], 0.9}) {
            for (double to : new double[] {0.01, 0.2, sorted[299], 0.95, Double.MAX_VALUE}) {
                byte[][] lowest = ranking.lowest(300, new Ranking.Range(from, to));
                assertThat(lowest).isDeepEqualTo(new byte[][] {expected});
            }
        }
    }

    @Test
    void tiesGoToTheLowestPositionInBlockOrder() {
        List<Candidate> tensors = List.of(tensor(5, 1, 1), tensor(1, 0, 1));
        Allocation.global().prune(tensors, 3);

        assertThat(masks(tensors)).containsExactly(new byte[] {1, 0, 0}, new byte[] {1, 0, 1});
    }

    @Test
    void zeroAndNegativeZeroTie() {
        List<Candidate> tensors = List.of(tensor(0.0, -0.0, 0.0));
        Allocation.global().prune(tensors, 2);

        assertThat(masks(tensors)).containsExactly(new byte[] {0, 1, 1});
    }

    @ParameterizedTest
    @ValueSource(doubles = {0.0, -0.0})
    void aGuessThatEndsAtZeroTakesBothZerosIn(double zero) {
        Ranking ranking = new Ranking(List.of(tensor(1, 0.0, -1, 0.0, -0.0)));

        assertThat(ranking.lowest(3, new Ranking.Range(zero, 5))[0]).containsExactly(0, 1, 1, 1, 0);
        assertThat(ranking.lowest(3, new Ranking.Range(-0.5, zero))[0])
                .containsExactly(0, 1, 1, 1, 0);
    }

    @Test
    void onlyWeightsAliveTakePartAndAPrunedNaNIsIgnored() {
        Mask mask = Trained.mask(4, 0, 1);
        Candidate tensor = new Candidate("fc", new double[] {Double.NaN, -9, 3, 2}, mask);
        Allocation.global().prune(List.of(tensor), 1);

        assertThat(mask.bytes()).containsExactly(0, 0, 1, 0);
    }

    /** Position 20,000 lies in a piece that another thread may look at. */
    @ParameterizedTest
    @ValueSource(ints = {0, 3, 20_000})
    void aWeightWithoutAScoreEndsInASentenceThatNamesItsLayer(int index) {
        double[] scores = new double[30_000];
        scores[index] = Double.NaN;
        scores[29_999] = Double.NaN;
        Candidate broken = new Candidate("layer2.fc.weight", scores, new Mask(scores.length));
        List<Candidate> tensors = List.of(tensor(new double[50_000]), broken);

        assertThatThrownBy(() -> Allocation.global().prune(tensors, 5))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageStartingWith(
                        "Weight " + index + " of layer2.fc.weight has no score (NaN)");
        assertThat(broken.mask().isDense()).isTrue();
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 7, -1})
    void refusesToKeepNothingOrMoreThanIsAlive(long keep) {
        List<Candidate> tensors = List.of(tensor(1, 2, 3), tensor(1, 2, 3));

        assertThatThrownBy(() -> Allocation.global().prune(tensors, keep))
                .hasMessage(
                        "Cannot keep " + keep + " weights: 6 are alive, and masks only shrink.");
        assertThatThrownBy(() -> Allocation.perLayer().prune(tensors, keep))
                .hasMessageContaining("Cannot keep " + keep);
    }

    @Test
    void scoresMustFitTheMask() {
        assertThatThrownBy(() -> new Candidate("fc", new double[2], new Mask(3)))
                .hasMessage("fc has 3 weights but 2 scores");
    }

    @Test
    void theGlobalFloorKeepsTheBestOfEveryLayerAndTheTotalExact() {
        List<Candidate> tensors = List.of(tensor(1, 3, 2), tensor(90, 80, 70, 60), tensor(0));
        Allocation.global().withFloor(2).prune(tensors, 5);

        assertThat(masks(tensors))
                .containsExactly(new byte[] {0, 1, 1}, new byte[] {1, 1, 0, 0}, new byte[] {1});
    }

    @Test
    void aFloorCountsOnlyWhatIsAlive() {
        Candidate almostGone = new Candidate("a", new double[] {1, 2, 3}, Trained.mask(3, 1, 2));
        List<Candidate> tensors = List.of(almostGone, tensor(10, 20, 30));
        Allocation.global().withFloor(2).prune(tensors, 3);

        assertThat(masks(tensors)).containsExactly(new byte[] {1, 0, 0}, new byte[] {0, 1, 1});
    }

    @Test
    void floorsThatAddUpToMoreThanIsKeptAreRefused() {
        List<Candidate> tensors = List.of(tensor(1, 2, 3), tensor(1, 2, 3));

        assertThatThrownBy(() -> Allocation.global().withFloor(2).prune(tensors, 3))
                .hasMessageStartingWith("A floor of 2 weights a layer keeps 4 weights, more than");
        assertThatThrownBy(() -> Allocation.perLayer().withFloor(2).prune(tensors, 3))
                .hasMessageStartingWith("A floor of 2 weights a layer keeps 4 weights, more than");
        assertThatThrownBy(() -> Allocation.global().withFloor(-1))
                .hasMessageContaining("at least 0");
    }

    /** |θ| of .5 −.1 .3 | −.4 .05 .2: two thirds of each are kept, indices 1 and 4 go. */
    @Test
    void layerwiseAllocationTakesTheLowestOfEachLayer() {
        List<Candidate> tensors = List.of(tensor(.5, .1, .3), tensor(.4, .05, .2));
        Allocation.perLayer().prune(tensors, 4);

        assertThat(masks(tensors)).containsExactly(new byte[] {1, 0, 1}, new byte[] {1, 0, 1});
    }

    @Test
    void layerwiseSharesAreOfWhatIsAliveAndLargestRemaindersRoundUp() {
        List<Candidate> tensors =
                List.of(tensor(new double[10]), tensor(new double[25]), tensor(new double[65]));
        Allocation.perLayer().prune(tensors, 50); // 5, 12.5 and 32.5

        assertThat(tensors).extracting(t -> t.mask().remaining()).containsExactly(5, 13, 32);

        Allocation.perLayer().prune(tensors, 10); // 1, 2.6 and 6.4
        assertThat(tensors).extracting(t -> t.mask().remaining()).containsExactly(1, 3, 6);
    }

    @Test
    void layerwiseTotalsAreExactForAnySizesAndFloors() {
        Random random = new Random(3);
        for (int trial = 0; trial < 200; trial++) {
            List<Candidate> tensors =
                    Stream.generate(() -> tensor(new double[1 + random.nextInt(40)]))
                            .limit(1 + random.nextInt(6))
                            .toList();
            int floor = random.nextInt(3);
            long floors = tensors.stream().mapToLong(t -> Math.min(floor, t.mask().size())).sum();
            long all = alive(tensors);
            long keep = Math.max(1, floors + random.nextInt((int) (all - floors) + 1));
            Allocation.perLayer().withFloor(floor).prune(tensors, keep);

            double share = all == floors ? 0 : (double) (keep - floors) / (all - floors);
            assertThat(alive(tensors)).isEqualTo(keep);
            for (Candidate tensor : tensors) {
                int least = Math.min(floor, tensor.mask().size());
                assertThat((double) tensor.mask().remaining())
                        .isBetween(
                                least + Math.floor(share * (tensor.mask().size() - least) - 1e-9),
                                least + Math.ceil(share * (tensor.mask().size() - least) + 1e-9));
            }
        }
    }

    @Test
    void masksOnlyShrink() {
        Random random = new Random(4);
        Candidate tensor = tensor(random.doubles(100).toArray());
        for (int keep = 90; keep > 0; keep -= 10) {
            byte[] before = tensor.mask().bytes().clone();
            Candidate rescored =
                    new Candidate("layer", random.doubles(100).toArray(), tensor.mask());
            Allocation.global().prune(List.of(rescored), keep);

            byte[] after = tensor.mask().bytes();
            for (int i = 0; i < after.length; i++) {
                assertThat(after[i]).isLessThanOrEqualTo(before[i]);
            }
        }
        assertThat(Arrays.equals(tensor.mask().bytes(), new byte[100])).isFalse();
    }

    private static Candidate shaped(Shape shape, double... scores) {
        return new Candidate("layer", scores, new Mask(scores.length), shape, 1);
    }

    private static Candidate equal(long... shape) {
        Shape of = new Shape(shape);
        return shaped(of, new double[(int) of.size()]);
    }

    /**
     * Sums of dimensions 10, 20, 10 and 5, sizes 24, 96, 36 and 4: of 80 weights, ε·45 = 80 would
     * give the last 8.9 of 4. It is dense, and ε = 76/40 gives the others 19, 38 and 19; of 45, ε =
     * 41/40 gives 10.25, 20.5 and 10.25.
     */
    @Test
    void erdosRenyiDensitiesFollowTheSumOfTheDimensions() {
        List<Candidate> tensors =
                List.of(equal(6, 4), equal(12, 8), equal(2, 2, 3, 3), equal(4, 1));
        Allocation.erdosRenyi().prune(tensors, 80);
        assertThat(tensors.stream().map(t -> t.mask().remaining())).containsExactly(19, 38, 19, 4);
        Allocation.erdosRenyi().prune(tensors, 45);
        assertThat(alive(tensors)).isEqualTo(45);
        assertThat(tensors.stream().map(t -> t.mask().remaining())).containsExactly(10, 21, 10, 4);
    }

    @Test
    void erdosRenyiIsExactAtEveryNumberAndPrunesTheLowest() {
        Random random = new Random(3);
        List<Candidate> tensors = new ArrayList<>();
        for (Shape shape : List.of(new Shape(7, 5), new Shape(3, 11, 2, 2), new Shape(9, 2))) {
            tensors.add(shaped(shape, random.doubles(shape.size()).toArray()));
        }
        for (long keep = alive(tensors); keep >= 3; keep -= 1 + random.nextInt(3)) {
            Allocation.erdosRenyi().withFloor(1).prune(tensors, keep);
            assertThat(alive(tensors)).isEqualTo(keep);
            for (Candidate tensor : tensors) {
                assertThat(tensor.mask().remaining()).isPositive();
                double highest = 0;
                double lowest = 1;
                for (int i = 0; i < tensor.scores().length; i++) {
                    if (tensor.mask().isAlive(i)) {
                        lowest = Math.min(lowest, tensor.scores()[i]);
                    } else {
                        highest = Math.max(highest, tensor.scores()[i]);
                    }
                }
                assertThat(highest).isLessThan(lowest);
            }
        }
    }

    /** Of .3 .1 .2 .4 the first and the last, of equal scores those at the highest positions. */
    @Test
    void ofEveryGroupTheHighestAreKept() {
        Candidate tensor = shaped(new Shape(1, 8), .3, .1, .2, .4, 0, 0, 0, 0);
        Allocation.ofEvery(2, 4).prune(List.of(tensor), 4);
        assertThat(tensor.mask().bytes()).containsExactly(1, 0, 0, 1, 0, 0, 1, 1);
    }

    /** Input i of place p lies at 2i + p: place 0 has 0 2 4 6, place 1 has 7 5 3 1. */
    @Test
    void groupsOfAConvolutionLieAlongItsInputs() {
        Candidate tensor = shaped(new Shape(1, 4, 1, 2), 0, 7, 2, 5, 4, 3, 6, 1);
        Allocation.ofEvery(1, 4).prune(List.of(tensor), 2);
        assertThat(tensor.mask().bytes()).containsExactly(0, 1, 0, 0, 0, 0, 1, 0);
    }

    /** A tensor of shape (in, out): the groups stand, 0 2 4 6 and 7 5 3 1. */
    @Test
    void groupsOfATransposedTensorLieAlongItsInputs() {
        double[] scores = {0, 7, 2, 5, 4, 3, 6, 1};
        Candidate tensor = new Candidate("layer", scores, new Mask(8), new Shape(4, 2), 0);
        Allocation.ofEvery(1, 4).prune(List.of(tensor), 2);
        assertThat(tensor.mask().bytes()).containsExactly(0, 1, 0, 0, 0, 0, 1, 0);
    }

    @Test
    void groupsAreThinnedGraduallyAndLayersThatDoNotDivideStayDense() {
        Random random = new Random(4);
        Candidate first = shaped(new Shape(4, 3), random.doubles(12).toArray());
        Candidate second = shaped(new Shape(5, 8), random.doubles(40).toArray());
        List<Candidate> tensors = List.of(first, second);
        int[] remaining = {40, 30, 20};
        long[] keep = {52, 39, 26};
        for (int i = 0; i < keep.length; i++) {
            Allocation.ofEvery(2, 4).prune(tensors, keep[i]);
            assertThat(first.mask().isDense()).isTrue();
            assertThat(second.mask().remaining()).isEqualTo(remaining[i]);
            for (int group = 0; group < 40; group += 4) {
                int alive = 0;
                for (int j = 0; j < 4; j++) {
                    alive += second.mask().isAlive(group + j) ? 1 : 0;
                }
                assertThat(alive).isEqualTo(remaining[i] / 10);
            }
        }
    }

    @Test
    void groupsThatCannotBeAreRefused() {
        for (int[] wrong : new int[][] {{0, 4}, {4, 4}, {5, 4}, {-1, 2}}) {
            assertThatThrownBy(() -> Allocation.ofEvery(wrong[0], wrong[1]))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining(
                            "at least 1 and fewer than M, such as 2:4; got " + wrong[0]);
        }
        int[] filters = {1};
        List<Shape> shapes = List.of(new Shape(10, 8));
        Allocation.ofEvery(2, 4).check(shapes, filters, 40);
        assertThatThrownBy(() -> Allocation.ofEvery(2, 4).check(shapes, filters, 8))
                .hasMessage("2:4 sparsity comes to a sparsity of 0.5, not to 8 of 80 weights.");
        assertThatThrownBy(() -> Allocation.ofEvery(2, 4).check(shapes, filters, 60))
                .hasMessageContaining("not to 60 of 80");
        assertThatThrownBy(() -> Allocation.ofEvery(8, 16).check(shapes, filters, 40))
                .hasMessageContaining("multiple of 16, and the network has none");
        assertThatThrownBy(() -> Allocation.ofEvery(2, 4).checkThreshold())
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(
                        () ->
                                Allocation.ofEvery(1, 2)
                                        .prune(List.of(shaped(new Shape(1, 2), Double.NaN, 1)), 1))
                .hasMessageContaining("Weight 0 of layer has no score (NaN)");
    }

    /** Of 4 and 3 weights a floor of 3 keeps 6, whichever way the sizes are told. */
    @Test
    void floorsAreCheckedBeforeTrainingBegins() {
        List<Shape> shapes = List.of(new Shape(2, 2), new Shape(3));
        int[] filters = {2, 1};
        for (Allocation allocation :
                List.of(
                        Allocation.global().withFloor(3),
                        Allocation.perLayer().withFloor(3),
                        Allocation.erdosRenyi().withFloor(3))) {
            allocation.check(shapes, filters, 6);
            assertThatThrownBy(() -> allocation.check(shapes, filters, 5))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageStartingWith("A floor of 3 weights a layer keeps 6 weights");
        }
        assertThatThrownBy(() -> Allocation.perFilter().check(shapes, filters, 4))
                .hasMessageContaining("5 weights, a sparsity of 0.2857");
    }

    @Test
    void thoseThatPruneInGroupsMayKeepMore() {
        assertThat(Allocation.global().isExact()).isTrue();
        assertThat(Allocation.perLayer().isExact()).isTrue();
        assertThat(Allocation.erdosRenyi().isExact()).isTrue();
        assertThat(Allocation.perFilter().isExact()).isFalse();
        assertThat(Allocation.ofEvery(2, 4).isExact()).isFalse();
    }

    /** Whichever thread counts the piece that it lies in. */
    @Test
    void aNaNIsFoundInEveryPiece() {
        for (int index = 0; index < 5 * Chunks.SIZE; index += Chunks.SIZE / 2) {
            double[] scores = new double[5 * Chunks.SIZE];
            scores[index] = Double.NaN;
            List<Candidate> tensors = List.of(tensor(scores));
            String message = "Weight " + index + " of layer has no score (NaN)";
            assertThatThrownBy(() -> Allocation.global().prune(tensors, 5))
                    .hasMessageStartingWith(message);
        }
    }

    /** In both rows of both places; 0 2 4 6, 7 5 3 1 and the same below with the signs turned. */
    @Test
    void groupsOfEveryOutputAndPlaceAreApart() {
        Candidate tensor =
                shaped(
                        new Shape(2, 4, 1, 2),
                        0,
                        7,
                        2,
                        5,
                        4,
                        3,
                        6,
                        1,
                        0,
                        -7,
                        -2,
                        -5,
                        -4,
                        -3,
                        -6,
                        -1);
        Allocation.ofEvery(1, 4).prune(List.of(tensor), 4);
        assertThat(tensor.mask().bytes())
                .containsExactly(0, 1, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 1);
    }

    /** Eight inputs are two groups of each place. */
    @Test
    void groupsFollowOneAnotherAlongTheInputs() {
        double[] scores = {1, 9, 2, 8, 3, 7, 4, 6, 8, 2, 7, 3, 6, 4, 5, 5};
        Candidate tensor = shaped(new Shape(1, 8, 2), scores);
        Allocation.ofEvery(1, 4).prune(List.of(tensor), 4);
        assertThat(tensor.mask().bytes())
                .containsExactly(0, 1, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 1);
    }

    @Test
    void layersThatStayDenseAreNamedOnceAllGroupsAreFull() {
        List<Candidate> tensors = List.of(equal(4, 3), equal(5, 8), equal(2, 6));
        assertThat(Warnings.of(() -> Allocation.ofEvery(2, 4).prune(tensors, 48))).isEmpty();
        assertThat(Warnings.of(() -> Allocation.ofEvery(2, 4).prune(tensors, 32)))
                .singleElement()
                .asString()
                .endsWith("no multiple of 4, these layers stay dense: layer (4, 3), layer (2, 6)");
        List<Candidate> all = List.of(equal(5, 8));
        assertThat(Warnings.of(() -> Allocation.ofEvery(2, 4).prune(all, 20))).isEmpty();
    }
}
