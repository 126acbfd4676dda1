package io.flipout.method;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.flipout.gradient.GaussianNoise;
import io.flipout.gradient.NoiseScale;
import java.lang.reflect.Method;
import java.util.List;
import org.junit.jupiter.api.Test;

class NoisyMethodTest {

    /** A part that is not handed on would silently be left out. */
    @Test
    void everyPartOfTheMethodIsHandedOn() {
        for (Method part : PruningMethod.class.getMethods()) {
            assertThat(NoisyMethod.class.getDeclaredMethods())
                    .extracting(Method::getName)
                    .contains(part.getName());
        }
    }

    @Test
    void everyPartIsThatOfTheMethod() {
        for (PruningMethod method :
                List.of(
                        MagnitudeUncertainty.builder().setValues(2).setLambda(1).build(),
                        RigL.builder().build(),
                        AdaptiveFlipOut.builder().setSteps(9).build(),
                        LotteryTicket.builder().optRewindStep(3).build(),
                        DynamicSparseTraining.builder().setStrength(1).build(),
                        new OptimalBrainDamage(),
                        OptimalBrainSurgeon.builder().build())) {
            PruningMethod noisy = NoisyMethod.builder().setMethod(method).build();

            assertThat(noisy.criterion()).hasSameClassAs(method.criterion());
            assertThat(noisy.signals()).hasSameSizeAs(method.signals());
            assertThat(noisy.rewiring()).isEqualTo(method.rewiring());
            assertThat(noisy.reparameterization()).isEqualTo(method.reparameterization());
            assertThat(noisy.adjustment().isPresent()).isEqualTo(method.adjustment().isPresent());
            assertThat(noisy.rewind()).isEqualTo(method.rewind());
            assertThat(noisy.probe()).isEqualTo(method.probe());
            assertThat(noisy.prunesDisconnectedFirst()).isEqualTo(method.prunesDisconnectedFirst());
        }
    }

    @Test
    void noiseComesAfterTheTermsOfTheMethod() {
        PruningMethod noisy =
                NoisyMethod.builder()
                        .setMethod(HoyerSquare.builder().setStrength(1).build())
                        .optNoise(.3f)
                        .optNoiseScale(NoiseScale.ANNEALED)
                        .build();
        assertThat(noisy.name()).isEqualTo("hoyer-square");
        assertThat(noisy.gradientTerms()).hasSize(2);
        assertThat(noisy.gradientTerms().get(1)).isInstanceOf(GaussianNoise.class);
        assertThatThrownBy(() -> NoisyMethod.builder().optNoise(1).build())
                .isInstanceOf(NullPointerException.class)
                .hasMessageContaining("setMethod(...)");
    }
}
