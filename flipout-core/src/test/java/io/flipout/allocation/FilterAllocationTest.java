package io.flipout.allocation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.flipout.Trained;
import io.flipout.criterion.FilterNorm;
import io.flipout.criterion.TensorView;
import io.flipout.mask.Mask;
import io.flipout.mask.ParameterInfo;
import io.flipout.mask.ParameterRole;
import io.flipout.mask.ParameterRole.Kind;
import io.flipout.method.FilterPruning;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FilterAllocationTest {

    /** A layer of filters with these scores. */
    private static Candidate layer(int size, double... scores) {
        double[] all = new double[scores.length * size];
        for (int i = 0; i < all.length; i++) {
            all[i] = scores[i / size];
        }
        return new Candidate("layer", all, new Mask(all.length), scores.length);
    }

    private static Candidate output(int size) {
        return new Candidate("output", new double[size], new Mask(size), 1);
    }

    /** Returns the filters that are alive, after checking that none is alive in part. */
    private static List<Integer> alive(Candidate tensor) {
        int size = tensor.mask().size() / tensor.filters();
        List<Integer> alive = new ArrayList<>();
        for (int f = 0; f < tensor.filters(); f++) {
            int from = f * size;
            int left =
                    (int) IntStream.range(0, size).filter(i -> isAlive(tensor, from + i)).count();
            assertThat(left).isIn(0, size);
            if (left > 0) {
                alive.add(f);
            }
        }
        return alive;
    }

    private static boolean isAlive(Candidate tensor, int index) {
        return tensor.mask().isAlive(index);
    }

    private static long weights(List<Candidate> tensors) {
        return tensors.stream().mapToLong(t -> t.mask().remaining()).sum();
    }

    /** Filters (1, −1), (.5, .5), (−2, 0) have norms 2, 1, 2: the second goes. */
    @Test
    void theExampleWorkedByHand() {
        try (NDManager manager = NDManager.newBaseManager()) {
            NDArray values =
                    manager.create(new float[] {1, -1, .5f, .5f, -2, 0}, new Shape(3, 2, 1, 1));
            Mask mask = new Mask(6);
            TensorView view =
                    new TensorView(
                            Trained.info(0, values, true),
                            values.toFloatArray(),
                            mask,
                            List.of(),
                            0);
            double[] scores = new FilterPruning().criterion().score(view);
            assertThat(scores).containsExactly(2, 2, 1, 1, 2, 2);
            assertThat(new FilterNorm().score(view)).containsExactly(scores);
            Candidate filters = new Candidate("conv", scores, mask, 3);
            Allocation.perFilter().prune(List.of(filters), 4);
            assertThat(alive(filters)).containsExactly(0, 2);

            // Of equal norms the lowest position goes first.
            Allocation.perFilter().prune(List.of(filters), 2);
            assertThat(alive(filters)).containsExactly(2);
        }
    }

    /**
     * Layers of 4 filters of 10 weights and 2 of 100: after shares of ¼, ½ and ½, ¾. Of 240 + 7
     * weights, 237, 227, 127 and 117 are left then.
     */
    @Test
    void layersLoseTheSameShareUntilTheNextFilterIsTooMuch() {
        for (long keep = 117; keep <= 247; keep++) {
            Candidate small = layer(10, 5, 4, 3, 2);
            Candidate large = layer(100, 1, 2);
            List<Candidate> tensors = List.of(small, large, output(7));
            Allocation.perFilter().prune(tensors, keep);

            long expected =
                    keep > 237 ? 247 : keep > 227 ? 237 : keep > 127 ? 227 : keep > 117 ? 127 : 117;
            assertThat(weights(tensors)).as("%d", keep).isEqualTo(expected);
            assertThat(alive(small)).startsWith(0);
        }
    }

    @Test
    void severalPruningsEndAsOneDoes() {
        Random random = new Random(1);
        List<Candidate> once = new ArrayList<>();
        List<Candidate> often = new ArrayList<>();
        for (int size : new int[] {27, 90, 33, 5}) {
            double[] scores = random.doubles(20).toArray();
            once.add(layer(size, scores));
            often.add(layer(size, scores));
        }
        for (long keep : new long[] {3_000, 1_700, 900, 300}) {
            Allocation.perFilter().prune(often, keep);
            assertThat(weights(often)).isBetween(keep, keep + 89);
        }
        Allocation.perFilter().prune(once, 300);

        for (int i = 0; i < once.size(); i++) {
            assertThat(often.get(i).mask().bytes()).isEqualTo(once.get(i).mask().bytes());
            assertThat(20 - alive(once.get(i)).size()).as("the same share").isBetween(17, 19);
        }
    }

    /** Left of 40 + 200 + 7 weights at the least: 10 + 100 + 7 of 247, a sparsity of .5263. */
    @Test
    void moreThanOneFilterOfEveryLayerIsTheLimit() {
        int[] sizes = {40, 200, 7};
        int[] filters = {4, 2, 1};
        Allocation.perFilter().check(sizes, filters, 117);
        assertThatThrownBy(() -> Allocation.perFilter().check(sizes, filters, 116))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("down to 116 of 247 weights")
                .hasMessageContaining("117 weights, a sparsity of 0.5263, is as far as it goes");

        List<Candidate> tensors = List.of(layer(10, 1, 2), output(7));
        assertThatThrownBy(() -> Allocation.perFilter().prune(tensors, 16))
                .hasMessageContaining("17 weights");
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2})
    void aFilterWithoutAScoreIsNamed(int broken) {
        double[] scores = {1, 2, 3};
        scores[broken] = Double.NaN;
        assertThatThrownBy(() -> Allocation.perFilter().prune(List.of(layer(2, scores)), 4))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageStartingWith("Filter " + broken + " of layer has no score (NaN)");
    }

    /**
     * Two inputs to three outputs by kernels of 1×2, of shape (in, out, 1, 2): the outputs have
     * norms 1+2+1+1, 0+1+0+1 and 3+0+0+3, so the second goes, of both inputs.
     */
    @Test
    void theFiltersOfATransposedConvolutionAreItsSecondAxis() {
        try (NDManager manager = NDManager.newBaseManager()) {
            float[] weights = {1, 2, 0, 1, 3, 0, -1, 1, 0, -1, 0, 3};
            ParameterInfo plain =
                    Trained.info(0, manager.create(weights, new Shape(2, 3, 1, 2)), true);
            ParameterInfo info =
                    new ParameterInfo(
                            0,
                            "up.weight",
                            plain.parameter(),
                            true,
                            new ParameterRole(Kind.TRANSPOSED_WEIGHT));
            Mask mask = new Mask(12);
            double[] scores =
                    new FilterNorm().score(new TensorView(info, weights, mask, List.of(), 0));
            assertThat(scores).containsExactly(5, 5, 2, 2, 6, 6, 5, 5, 2, 2, 6, 6);

            Candidate up = new Candidate("up", scores, mask, 3, info.connections()::output);
            Allocation.perFilter().prune(List.of(up), 8);
            assertThat(mask.bytes()).containsExactly(1, 1, 0, 0, 1, 1, 1, 1, 0, 0, 1, 1);
        }
    }

    @Test
    void filtersAreOfTheSameSize() {
        assertThatThrownBy(() -> new Candidate("fc", new double[6], new Mask(6), 4))
                .hasMessageContaining("fc of 6 weights cannot have 4 filters");
    }

    @Test
    void theLimitNamesWhatIsKeptWhole() {
        String one = "as every layer keeps one and the output layer all of them: ";
        String several =
                "as every layer keeps one and output layers, embeddings and recurrent layers all of"
                        + " them: ";
        Allocation allocation = Allocation.perFilter();
        for (int whole = 0; whole <= 2; whole++) {
            int[] sizes =
                    IntStream.concat(IntStream.of(6), IntStream.generate(() -> 5).limit(whole))
                            .toArray();
            int[] filters =
                    IntStream.concat(IntStream.of(3), IntStream.generate(() -> 1).limit(whole))
                            .toArray();
            List<Candidate> tensors = new ArrayList<>(List.of(layer(2, 1, 2, 3)));
            for (int i = 0; i < whole; i++) {
                tensors.add(output(5));
            }
            int least = 2 + 5 * whole;
            String expected =
                    "down to 1 of "
                            + (6 + 5 * whole)
                            + " weights, "
                            + List.of("as every layer keeps one: ", one, several).get(whole)
                            + least
                            + " weights";
            assertThatThrownBy(() -> allocation.check(sizes, filters, 1))
                    .hasMessageContaining(expected);
            assertThatThrownBy(() -> allocation.prune(tensors, 1)).hasMessageContaining(expected);
        }
    }

    /** As those of gradients may be. */
    @Test
    void scoresMayBeNegative() {
        Candidate filters = layer(2, -1, -3, -2);
        Allocation.perFilter().prune(List.of(filters), 4);
        assertThat(alive(filters)).containsExactly(0, 2);
        Allocation.perFilter().prune(List.of(filters), 2);
        assertThat(alive(filters)).containsExactly(0);
    }

    @Test
    void zeroAndNegativeZeroTie() {
        Candidate filters = layer(2, 0.0, -0.0, 1);
        Allocation.perFilter().prune(List.of(filters), 4);
        assertThat(alive(filters)).containsExactly(1, 2);
    }
}
