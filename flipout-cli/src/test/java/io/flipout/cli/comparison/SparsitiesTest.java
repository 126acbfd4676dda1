package io.flipout.cli.comparison;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class SparsitiesTest {

    @Test
    void thePapersSparsitiesAreEvenHalvings() {
        assertThat(Sparsities.PAPER.stream().map(Sparsities::halvings))
                .usingComparatorForType((a, b) -> Math.abs(a - b) < 1e-9 ? 0 : 1, Double.class)
                .containsExactly(2.0, 4.0, 6.0, 8.0, 10.0);
        assertThat(Sparsities.halvings(0)).isCloseTo(0, within(0.0));
    }

    @Test
    void roundedSparsitiesAreTheSamePoint() {
        assertThat(Sparsities.isSame(0.999, 0.9990234375)).isTrue();
        assertThat(Sparsities.isSame(0.9844, 0.984375)).isTrue();
        assertThat(Sparsities.isSame(0.9961, 0.99609375)).isTrue();
        assertThat(Sparsities.isSame(0.9992, 0.9990234375)).isFalse();
        assertThat(Sparsities.isSame(0.93, 0.9375)).isFalse();
    }

    @Test
    void percentHasTheDigitsItNeeds() {
        assertThat(Sparsities.percent(0.75)).isEqualTo("75 %");
        assertThat(Sparsities.percent(0.9375)).isEqualTo("93.75 %");
        assertThat(Sparsities.percent(0.9990234375)).isEqualTo("99.90 %");
    }
}
