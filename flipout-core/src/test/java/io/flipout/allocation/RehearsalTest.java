package io.flipout.allocation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.flipout.mask.Mask;
import io.flipout.schedule.Sparsity;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class RehearsalTest {

    private static List<Candidate> tensors() {
        return List.of(tensor(40), tensor(60));
    }

    private static Candidate tensor(int size) {
        double[] scores = new double[size];
        for (int i = 0; i < size; i++) {
            scores[i] = i;
        }
        return new Candidate("layer" + size, scores, new Mask(size));
    }

    /** The first layer is never pruned. */
    private record SparingTheFirst() implements Allocation {
        @Override
        public void prune(List<Candidate> tensors, long keep) {
            Candidate second = tensors.get(1);
            long quota = keep - tensors.get(0).mask().remaining();
            new Ranking(List.of(second)).pruneLowest(second.mask().remaining() - quota);
        }
    }

    @Test
    void anAllocationOfOnesOwnPrunesByRanking() {
        List<Candidate> tensors = tensors();
        new SparingTheFirst().prune(tensors, Sparsity.keep(100, .5));

        assertThat(tensors.get(0).mask().remaining()).isEqualTo(40);
        assertThat(tensors.get(1).mask().remaining()).isEqualTo(10);
        assertThat(tensors.get(1).mask().isAlive(49)).isFalse();
        assertThat(tensors.get(1).mask().isAlive(50)).isTrue();
        Rehearsal.of(new SparingTheFirst(), RehearsalTest::tensors, new long[] {80, 50, 41});
    }

    @Test
    void moreThanThereIsCannotBeRanked() {
        Ranking ranking = new Ranking(tensors());
        assertThatThrownBy(() -> ranking.pruneLowest(101))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("Of 100 weights");
        assertThatThrownBy(() -> ranking.pruneLowest(-1)).hasMessageContaining("lowest -1");
        ranking.pruneLowest(100);
        ranking.pruneLowest(0);
    }

    @Test
    void anAllocationThatKeepsOtherNumbersIsFoundBeforeTraining() {
        assertThatThrownBy(
                        () ->
                                Rehearsal.of(
                                        (tensors, keep) -> {},
                                        RehearsalTest::tensors,
                                        new long[] {50}))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("keeps 100 weights where 50 are asked for");
        Allocation greedy = (tensors, keep) -> new Ranking(tensors).pruneLowest(99);
        assertThatThrownBy(() -> Rehearsal.of(greedy, RehearsalTest::tensors, new long[] {50}))
                .hasMessageContaining("keeps 1 weights where 50 are asked for.");
        // Not at the first pruning, but at the second.
        Allocation once =
                (tensors, keep) -> {
                    if (tensors.get(0).mask().isDense() && tensors.get(1).mask().isDense()) {
                        new Ranking(tensors).pruneLowest(100 - keep);
                    }
                };
        assertThatThrownBy(() -> Rehearsal.of(once, RehearsalTest::tensors, new long[] {50, 25}))
                .hasMessageContaining("keeps 50 weights where 25 are asked for");
        assertThatThrownBy(
                        () ->
                                Rehearsal.of(
                                        new SparingTheFirst(),
                                        RehearsalTest::tensors,
                                        new long[] {30}))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void oneThatSaysThatItKeepsMoreMay() {
        Allocation whole =
                new Allocation() {
                    @Override
                    public void prune(List<Candidate> tensors, long keep) {
                        new Ranking(tensors).pruneLowest((100 - keep) / 10 * 10);
                    }

                    @Override
                    public boolean isExact() {
                        return false;
                    }
                };
        Rehearsal.of(whole, RehearsalTest::tensors, new long[] {55});
    }

    @Test
    void theProjectsOwnAreNotRehearsed() {
        List<Integer> asked = new ArrayList<>();
        Rehearsal.of(
                Allocation.global(),
                () -> {
                    asked.add(1);
                    return tensors();
                },
                new long[] {50});
        assertThat(asked).isEmpty();
    }

    @Test
    void onlyPruningsThatTakeSomethingAreTried() {
        List<Long> asked = new ArrayList<>();
        Allocation recording =
                (tensors, keep) -> {
                    asked.add(keep);
                    Allocation.global().prune(tensors, keep);
                };
        Rehearsal.of(recording, RehearsalTest::tensors, new long[] {100, 60, 60, 7});
        assertThat(asked).containsExactly(60L, 7L);
    }
}
