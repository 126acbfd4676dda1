package io.flipout.method;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.flipout.Trained;
import io.flipout.Warnings;
import io.flipout.adjustment.LeastDamage;
import io.flipout.criterion.TensorView;
import io.flipout.gradient.GaussianNoise;
import io.flipout.gradient.GaussianNoise.Langevin;
import io.flipout.gradient.GradientTerm;
import io.flipout.gradient.HoyerSquarePenalty;
import io.flipout.gradient.L1Penalty;
import io.flipout.gradient.NoiseScale;
import io.flipout.gradient.ParameterScope;
import io.flipout.latent.HardConcreteGates;
import io.flipout.latent.MagnitudeThresholds;
import io.flipout.latent.NoiseVariances;
import io.flipout.mask.Mask;
import io.flipout.rewind.Rewind;
import io.flipout.rewiring.DeepRewiring;
import io.flipout.rewiring.PeriodicRewiring;
import io.flipout.rewiring.PeriodicRewiring.Growth;
import io.flipout.rewiring.SoftRewiring;
import io.flipout.signal.GradientProbe;
import io.flipout.signal.GradientProbe.Derivative;
import io.flipout.signal.GradientProbe.Portion;
import io.flipout.signal.LastValues;
import io.flipout.signal.Signal;
import io.flipout.tensor.TrainedTensor;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What each method is made of, told by what it does to weights of 1, −2 and 4. */
class MethodsTest {

    /**
     * Two steps take θ = (1, −2, 4) to (−1, −2, 4) and back, by gradients of (3, 1, −.5), which the
     * network is then shown. So the first flips twice and deviates by √2; Σ −g·θ is (−3 + 3, 2 + 2,
     * 2 + 2), and θ·g of what was shown (3, −2, −2).
     */
    private static double[] scores(PruningMethod method) {
        float[] weights = {1, -2, 4};
        try (NDManager manager = NDManager.newBaseManager()) {
            TrainedTensor tensor = Trained.tensor(manager, weights);
            List<? extends Signal.Watch> watches =
                    method.signals().stream().map(signal -> signal.watch(tensor)).toList();
            NDArray gradient = manager.create(new float[] {3, 1, -.5f});
            for (float[] moved : List.of(new float[] {-1, -2, 4}, weights)) {
                watches.forEach(watch -> watch.beforeStep(gradient));
                tensor.values().set(moved);
                watches.forEach(Signal.Watch::afterStep);
                tensor.countStep();
            }
            watches.forEach(watch -> watch.afterBackward(gradient));
            return method.criterion()
                    .score(
                            new TensorView(
                                    tensor.info(), weights, new Mask(3), List.copyOf(watches), 5));
        }
    }

    private static Arguments method(String name, PruningMethod method, double... scores) {
        return arguments(name, method, scores);
    }

    static Stream<Arguments> methods() {
        double root = Math.sqrt(2);
        double spread = Math.sqrt(6); // Of mean 1: 0, 9 and 9.
        return Stream.of(
                method("flipout", FlipOut.builder().build(), 1 / 3d, 4, 16),
                method("flipout", FlipOut.builder().optP(1).build(), 1 / 3d, 2, 4),
                method("global-magnitude", GlobalMagnitude.builder().build(), 1, 2, 4),
                method("gmp", new GradualMagnitude(), 1, 2, 4),
                method("hoyer-square", HoyerSquare.builder().setStrength(1).build(), 1, 2, 4),
                method("lottery-ticket", LotteryTicket.builder().build(), 1, 2, 4),
                method("filter-pruning", new FilterPruning(), 1, 2, 4),
                method("lamp", new LayerAdaptivePruning(), 1 / 21d, 4 / 20d, 1),
                method("layer-magnitude", new LayerMagnitude(), 1 / spread, 2 / spread, 4 / spread),
                method(
                        "magnitude-uncertainty",
                        MagnitudeUncertainty.builder().setValues(2).setLambda(1).build(),
                        1 / (1 + root),
                        2,
                        4),
                method("movement", new MovementPruning(), 0, 4, 4),
                method("snip", new Snip(), 3, 2, 2),
                method("grasp", GradientSignalPreservation.builder().build(), 3, -2, -2),
                method("synflow", new SynapticFlow(), 3, 2, 2),
                method("obd", new OptimalBrainDamage(), 1 * 9 / 2d, 4 * 1 / 2d, 16 * .25 / 2),
                // F = I + g·gᵀ, 1/[F⁻¹]₁₁ = 1/(1 − 1/11.25), and the second is the first to go. The
                // first is −6/10.25 less then, and does less damage; the last comes to 3.6 by both.
                method(
                        "obs",
                        OptimalBrainSurgeon.builder().optBlock(3).optDamping(1).build(),
                        4 / (2 * (1 - 1 / 11.25)),
                        4 / (2 * (1 - 1 / 11.25)),
                        3.6 * 3.6 * 1.25 / 2));
    }

    @ParameterizedTest
    @MethodSource("methods")
    void everyMethodScoresByItsFormula(String name, PruningMethod method, double[] scores) {
        assertThat(method.name()).isEqualTo(name);
        assertThat(scores(method)).containsExactly(scores, within(1e-6));
    }

    @Test
    void aFlipOffsetOfZeroSparesWhatNeverFlipped() {
        double[] scores = scores(FlipOut.builder().optFlipOffset(0).build());
        assertThat(scores[0]).isEqualTo(.5);
        assertThat(scores[1]).isGreaterThan(1e30).isLessThan(scores[2]);
    }

    /** τ = 1/3, 4, 16 after two flips of the first: τ/Στ = .33/20.33, 4/20, 16/16. */
    @Test
    void adaptiveFlipOutRanksByShareOfWhatIsAsHighAndExchanges() {
        AdaptiveFlipOut method = AdaptiveFlipOut.builder().setSteps(1_000).build();
        assertThat(method.name()).isEqualTo("flipout-adaptive");
        assertThat(scores(method)).containsExactly(new double[] {1 / 61d, .2, 1}, within(1e-9));
        assertThat(scores(AdaptiveFlipOut.builder().setSteps(1).optP(0).build()))
                .containsExactly(new double[] {1 / 7d, .5, 1}, within(1e-9));
        assertThat(scores(AdaptiveFlipOut.builder().setSteps(1).optFlipOffset(0).build())[0])
                .isLessThan(1e-30);
        assertThat(method.gradientTerms()).isEmpty();
        assertThat(method.rewiring())
                .contains(new PeriodicRewiring(Growth.GRADIENT, .3, true, 100, 1_000));
        assertThat(AdaptiveFlipOut.builder().setSteps(9).optShare(0).build().rewiring()).isEmpty();
        assertThatThrownBy(() -> AdaptiveFlipOut.builder().build())
                .hasMessageContaining("setSteps(epochs * batches)");
        assertThatThrownBy(() -> AdaptiveFlipOut.builder().setSteps(9).optShare(1.1).build())
                .hasMessageContaining("must lie in (0, 1]");
    }

    /** Of those that rewire, what is left at first is drawn. */
    static Stream<Arguments> randomMethods() {
        return Stream.of(
                method("random", new RandomPruning()),
                method("deep-r", DeepR.builder().build()),
                method("soft-deep-r", SoftDeepR.builder().build()),
                method("set", SparseEvolution.builder().build()),
                method("rigl", RigL.builder().build()));
    }

    @ParameterizedTest
    @MethodSource("randomMethods")
    void whatDoesNotRankDraws(String name, PruningMethod method) {
        assertThat(method.name()).isEqualTo(name);
        double[] scores = scores(method);
        assertThat(Arrays.stream(scores).distinct().toArray()).hasSize(3);
        assertThat(scores).isEqualTo(scores(new RandomPruning()));
        assertThat(Arrays.stream(scores)).allMatch(score -> score >= 0 && score < 1);
    }

    @Test
    void methodsThatRewireSayHow() {
        assertThat(new RandomPruning().rewiring()).isEmpty();
        assertThat(DeepR.builder().build().rewiring().orElseThrow())
                .isInstanceOf(DeepRewiring.class);
        assertThat(RigL.builder().optShare(.2).optPeriod(50).optUntil(1_000).build().rewiring())
                .contains(new PeriodicRewiring(Growth.GRADIENT, .2, true, 50, 1_000));
        assertThat(SparseEvolution.builder().build().rewiring())
                .contains(new PeriodicRewiring(Growth.RANDOM, .3, false, 100, Long.MAX_VALUE));
        assertThat(SparseEvolution.builder().optUntil(9).build().rewiring())
                .contains(new PeriodicRewiring(Growth.RANDOM, .3, false, 100, 9));
    }

    /** λ and the divergence's strength are divided by the number of images. */
    @Test
    void methodsOfLatentWeightsSayHowTheyComeOfThem() {
        assertThat(
                        L0Regularization.builder()
                                .setStrength(3)
                                .setExamples(60)
                                .optTemperature(.5)
                                .optStretch(-.2, 1.3)
                                .optDropped(.3)
                                .optGatesOfNeurons(true)
                                .build()
                                .reparameterization())
                .contains(new HardConcreteGates(.05, .5, -.2, 1.3, .3, true));
        PruningMethod l0 = L0Regularization.builder().setStrength(3).setExamples(60).build();
        assertThat(l0.name()).isEqualTo("l0");
        assertThat(l0.reparameterization())
                .contains(new HardConcreteGates(.05, 2 / 3d, -.1, 1.1, .5, false));
        PruningMethod dropout = VariationalDropout.builder().setExamples(50).build();
        assertThat(dropout.name()).isEqualTo("variational-dropout");
        assertThat(dropout.reparameterization()).contains(new NoiseVariances(.02, 0, 0, 3, -10));
        assertThat(
                        VariationalDropout.builder()
                                .setExamples(50)
                                .optStrength(2)
                                .optWarmUp(5, 20)
                                .optThreshold(2)
                                .optLogVariance(-8)
                                .build()
                                .reparameterization())
                .contains(new NoiseVariances(.04, 5, 20, 2, -8));
        PruningMethod thresholds =
                DynamicSparseTraining.builder().setStrength(1e-5).optLeastKept(.01).build();
        assertThat(thresholds.name()).isEqualTo("dynamic-sparse");
        assertThat(thresholds.reparameterization()).contains(new MagnitudeThresholds(1e-5, .01));
        for (PruningMethod method : List.of(l0, dropout, thresholds)) {
            assertThat(method.bringsBack()).isTrue();
            assertThat(method.rewiring()).isEmpty();
            assertThat(method.signals()).isEmpty();
        }
        assertThat(new RandomPruning().reparameterization()).isEmpty();
        assertThat(new RandomPruning().bringsBack()).isFalse();
        assertThat(new MovementPruning().bringsBack()).isTrue();
        assertThat(DeepR.builder().build().bringsBack()).isTrue();
        for (ThrowingCallable lacking :
                List.<ThrowingCallable>of(
                        () -> L0Regularization.builder().setStrength(1).build(),
                        () -> L0Regularization.builder().setExamples(1).build(),
                        () -> VariationalDropout.builder().build(),
                        () -> DynamicSparseTraining.builder().build())) {
            assertThatThrownBy(lacking).isInstanceOf(IllegalArgumentException.class);
        }
    }

    /** T = η·λ²/2 = .0025, β = α/T = 4, θ_min = −(1 − p)/(p·β) = −.8/.8. */
    @Test
    void softDeepRsLeastLatentValueIsThatOfItsDensity() {
        SoftDeepR method =
                SoftDeepR.builder()
                        .optL1(.01f)
                        .optNoise(.1f)
                        .optLearningRate(.5)
                        .optDensity(.2)
                        .build();
        SoftRewiring rewiring = (SoftRewiring) method.rewiring().orElseThrow();
        assertThat(rewiring.minimum()).isCloseTo(-1, within(1e-6f));
        // Weights that are dormant move by noise too.
        assertThat(method.gradientTerms())
                .containsExactly(
                        new L1Penalty(.01f, ParameterScope.PRUNABLE),
                        new GaussianNoise(.1f, NoiseScale.FIXED, ParameterScope.PRUNABLE, true));
    }

    @Test
    void theLotteryTicketGoesBackToItsStep() {
        assertThat(LotteryTicket.builder().build().rewind()).contains(new Rewind(0));
        assertThat(LotteryTicket.builder().optRewindStep(7).build().rewind())
                .contains(new Rewind(7));
        assertThat(new GradualMagnitude().rewind()).isEmpty();
    }

    @Test
    void methodsThatAskForGradientsSayOfWhat() {
        GradientProbe snip = new Snip().probe().orElseThrow();
        assertThat(snip.portion()).isEqualTo(Portion.BATCH);
        assertThat(snip.derivative()).isEqualTo(Derivative.GRADIENT);
        assertThat(snip.isInDouble()).isFalse();

        GradientProbe damage = new OptimalBrainDamage().probe().orElseThrow();
        assertThat(damage.portion()).isEqualTo(Portion.EXAMPLE);
        assertThat(damage.isInDouble()).isFalse();
        assertThat(OptimalBrainSurgeon.builder().build().probe()).contains(damage);

        GradientProbe flow = new SynapticFlow().probe().orElseThrow();
        assertThat(flow.portion()).isEqualTo(Portion.ONES);
        assertThat(flow.isInDouble()).as("R leaves the range of floats").isTrue();

        GradientProbe grasp = GradientSignalPreservation.builder().build().probe().orElseThrow();
        assertThat(grasp.portion()).isEqualTo(Portion.BATCH);
        assertThat(grasp.derivative()).isEqualTo(Derivative.HESSIAN_GRADIENT);
        assertThat(grasp.temperature()).isEqualTo(200);
        assertThat(grasp.isInDouble()).as("differences of gradients cancel").isTrue();
        assertThat(GradientSignalPreservation.builder().optTemperature(1).build().probe())
                .contains(GradientProbe.ofHessian(1));
    }

    @Test
    void onlyTheSurgeonMovesTheWeightsThatStay() {
        assertThat(OptimalBrainSurgeon.builder().build().adjustment().orElseThrow())
                .isInstanceOf(LeastDamage.class);
        assertThat(new OptimalBrainDamage().adjustment()).isEmpty();
        assertThat(OptimalBrainSurgeon.builder().build().bringsBack()).isFalse();
        assertThatThrownBy(() -> OptimalBrainSurgeon.builder().optBlock(0).build())
                .hasMessageContaining("1 to 65535 weights, got 0");
        assertThatThrownBy(() -> OptimalBrainSurgeon.builder().optDamping(0).build())
                .hasMessageContaining("greater than 0, got 0.0");
    }

    @Test
    void onlyMovementBringsPrunedWeightsBackToBeRanked() {
        assertThat(new MovementPruning().signals()).allMatch(Signal::revives);
        assertThat(FlipOut.builder().build().signals()).hasSize(1).noneMatch(Signal::revives);
    }

    private static List<GradientTerm> terms(GaussianNoise noise) {
        return List.of(noise);
    }

    @Test
    void noiseIsAsTheBuilderSays() {
        assertThat(
                        GlobalMagnitude.builder()
                                .optNoise(.5f)
                                .optNoiseScope(ParameterScope.PRUNABLE)
                                .build())
                .satisfies(
                        noisy -> assertThat(noisy.name()).isEqualTo("noisy-global-magnitude"),
                        noisy ->
                                assertThat(noisy.gradientTerms())
                                        .isEqualTo(
                                                terms(
                                                        new GaussianNoise(
                                                                .5f,
                                                                NoiseScale.GRADIENT,
                                                                ParameterScope.PRUNABLE))));
        Langevin measure = new Langevin(10, step -> .1f);
        assertThat(
                        FlipOut.builder()
                                .optNoiseScale(NoiseScale.LANGEVIN)
                                .optLangevin(10, measure.learningRate())
                                .build()
                                .gradientTerms())
                .isEqualTo(
                        terms(
                                new GaussianNoise(
                                        1,
                                        NoiseScale.LANGEVIN,
                                        ParameterScope.ALL,
                                        false,
                                        Optional.of(measure))));
        assertThat(
                        HoyerSquare.builder()
                                .setStrength(2)
                                .optScope(ParameterScope.ALL)
                                .build()
                                .gradientTerms())
                .containsExactly(new HoyerSquarePenalty(2, ParameterScope.ALL));
    }

    /** It diverges at usual learning rates; the other scales do not. */
    @Test
    void noiseByTheWeightsIsWarnedOf() {
        for (NoiseScale scale : List.of(NoiseScale.values())) {
            List<String> warnings =
                    Warnings.of(
                            () ->
                                    FlipOut.builder()
                                            .optNoiseScale(scale)
                                            .optLangevin(1, step -> 1f)
                                            .build());
            if (scale == NoiseScale.WEIGHT) {
                assertThat(warnings)
                        .singleElement()
                        .asString()
                        .contains("diverge", "measured by the gradient");
            } else {
                assertThat(warnings).isEmpty();
            }
        }
    }

    @Test
    void buildersAndProbesAreHandedOn() {
        assertThat(SparseEvolution.builder().optShare(.2).build().name()).isEqualTo("set");
        MagnitudeUncertainty method =
                MagnitudeUncertainty.builder().setValues(2).setLambda(1).optEvery(5).build();
        assertThat(method.signals()).containsExactly(new LastValues(2, 5));
        assertThat(GradientProbe.ofBatches().weights()).isEmpty();
    }
}
