package io.flipout.cli.comparison;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TradeOffTest {

    private TradeOff curve;

    @BeforeEach
    void makeCurve() {
        curve = new TradeOff();
    }

    /** Two of the authors' runs on VGG-19, α = 6e-5 and 1e-4. */
    @Test
    void betweenTwoRunsAccuracyIsLinearInTheHalvingsOfTheDensity() {
        curve.add(0.9992, 80.42);
        curve.add(0.9989, 82.79);
        // log2 of 1/(1 − s): 9.8283, 10 and 10.2877; 82.79 − 0.3738·2.37.
        assertThat(curve.at(0.9990234375).orElseThrow()).isCloseTo(81.90, within(0.005));
    }

    /** Two of the authors' runs on DenseNet-121. */
    @Test
    void theAuthorsOtherNetworkAgrees() {
        curve.add(0.9986, 83.64);
        curve.add(0.9995, 78.45);
        assertThat(curve.at(0.9990234375).orElseThrow()).isCloseTo(81.82, within(0.005));
    }

    @Test
    void aRunAtTheSparsityItselfDecides() {
        curve.add(0.5, 90);
        curve.add(0.75, 80);
        curve.add(0.875, 10);
        assertThat(curve.at(0.75).orElseThrow()).isEqualTo(80);
    }

    @Test
    void aRunThatASparserOneBeatsIsPassedOver() {
        curve.add(0.5, 90);
        curve.add(0.75, 10);
        curve.add(0.875, 80);
        // Where it lies, the sparser one's accuracy stands.
        assertThat(curve.at(0.75).orElseThrow()).isEqualTo(80);
        // Half a halving from 0.5: 1 − 0.5 / √2.
        assertThat(curve.at(1 - 0.5 / Math.sqrt(2)).orElseThrow()).isCloseTo(85, within(1e-9));
    }

    @Test
    void ofTwoRunsOfOneSparsityTheBetterCounts() {
        curve.add(0.5, 90);
        curve.add(0.5, 10);
        assertThat(curve.at(0.5).orElseThrow()).isEqualTo(90);
    }

    @ParameterizedTest
    @ValueSource(doubles = {0.4, 0.9})
    void beyondWhatWasMeasuredNothingIsKnown(double sparsity) {
        curve.add(0.5, 90);
        curve.add(0.75, 80);
        assertThat(curve.at(sparsity)).isEmpty();
    }

    @Test
    void runsThatPrunedNothingOrAllAreLeftOut() {
        curve.add(0, 90);
        curve.add(0.5, 80);
        curve.add(1, 10);
        assertThat(curve.at(0.25)).isEmpty();
        assertThat(curve.at(0.75)).isEmpty();
    }

    @Test
    void withoutRunsNothingIsKnown() {
        assertThat(curve.at(0.5)).isEmpty();
    }
}
