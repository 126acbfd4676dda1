package io.flipout.gradient;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.flipout.Path;
import io.flipout.Trained;
import io.flipout.gradient.GaussianNoise.Langevin;
import io.flipout.mask.Mask;
import io.flipout.mask.ParameterInfo;
import io.flipout.method.FlipOut;
import io.flipout.method.GlobalMagnitude;
import io.flipout.tensor.Chunks;
import io.flipout.tensor.DirectMemory;
import io.flipout.tensor.TrainedTensor;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ForkJoinPool;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class GaussianNoiseTest {

    private static final long SEED = 11;

    private static GaussianNoise noise(float lambda) {
        return new GaussianNoise(lambda, NoiseScale.GRADIENT, ParameterScope.ALL);
    }

    private static void in(Path path, Consumer<NDManager> test) {
        path.run(
                () -> {
                    try (NDManager manager = NDManager.newBaseManager()) {
                        // Where the engine draws, it draws from its own seed.
                        manager.getEngine().setRandomSeed((int) SEED);
                        test.accept(manager);
                    }
                });
    }

    /** Applies the term once and returns what it has added. */
    private static float[] added(GaussianNoise noise, TrainedTensor tensor, NDArray gradient) {
        try (GradientTerm.Running running = noise.start(List.of(tensor.info()), SEED)) {
            return added(running, tensor, gradient);
        }
    }

    private static float[] added(
            GradientTerm.Running running, TrainedTensor tensor, NDArray gradient) {
        try (NDArray before = gradient.duplicate()) {
            running.apply(tensor, gradient);
            try (NDArray difference = gradient.sub(before)) {
                return difference.toFloatArray();
            }
        }
    }

    /** Half of a million weights are alive; their gradient is ±0.3, so ‖g‖/√d = 0.3·√½. */
    @ParameterizedTest
    @EnumSource(Path.class)
    void isNormalWithTheGradientsRootMeanSquareOverTheWholeTensor(Path path) {
        in(
                path,
                manager -> {
                    int size = 1_000_000;
                    Mask mask = new Mask(size);
                    float[] values = new float[size];
                    for (int i = 0; i < size; i++) {
                        values[i] = i % 4 == 1 ? .3f : -.3f;
                        if (i % 2 == 0) {
                            mask.prune(i);
                            values[i] = 0;
                        }
                    }
                    TrainedTensor tensor =
                            Trained.tensor(manager.ones(new Shape(100, size / 100)), mask);
                    float[] noise =
                            added(noise(2), tensor, manager.create(values, tensor.info().shape()));

                    double square = 0;
                    double fourth = 0;
                    double sum = 0;
                    double neighbours = 0;
                    for (int i = 1; i < size; i += 2) {
                        double value = noise[i];
                        assertThat(noise[i - 1]).as("a pruned weight gets none").isZero();
                        sum += value;
                        square += value * value;
                        fourth += value * value * value * value;
                        neighbours += i < 2 ? 0 : value * noise[i - 2];
                    }
                    double n = size / 2d;
                    double sigma = 2 * .3 * Math.sqrt(.5);
                    // Five standard errors of each moment.
                    assertThat(sum / n).isCloseTo(0, within(5 * sigma / Math.sqrt(n)));
                    assertThat(Math.sqrt(square / n))
                            .isCloseTo(sigma, within(5 * sigma / Math.sqrt(2 * n)));
                    assertThat(fourth / n / Math.pow(square / n, 2))
                            .isCloseTo(3, within(5 * Math.sqrt(24 / n)));
                    assertThat(neighbours / square).isCloseTo(0, within(5 / Math.sqrt(n)));
                });
    }

    /** θ = (3, 4), g = (.6, .8): σ is .70711 by the gradient, 3.53553 by the weights. */
    @ParameterizedTest
    @EnumSource(Path.class)
    void sigmaIsThatOfTheExampleWorkedByHand(Path path) {
        float[] byGradient = example(path, NoiseScale.GRADIENT);
        float[] byWeight = example(path, NoiseScale.WEIGHT);
        float[] masked = example(path, NoiseScale.GRADIENT, 1);

        for (int i = 0; i < 2; i++) {
            assertThat(byWeight[i] / byGradient[i]).isCloseTo(3.53553f / .70711f, within(1e-3f));
        }
        assertThat(masked[0] / byGradient[0]).isCloseTo(.42426f / .70711f, within(1e-3f));
        assertThat(masked[1]).isZero();
    }

    private static float[] example(Path path, NoiseScale scale, int... pruned) {
        float[][] noise = new float[1][];
        in(
                path,
                manager -> {
                    Mask mask = Trained.mask(2, pruned);
                    TrainedTensor tensor = Trained.tensor(manager.create(new float[] {3, 4}), mask);
                    tensor.applyMask(tensor.values());
                    NDArray gradient = manager.create(new float[] {.6f, .8f});
                    tensor.applyMask(gradient);
                    noise[0] =
                            added(
                                    new GaussianNoise(1, scale, ParameterScope.ALL),
                                    tensor,
                                    gradient);
                });
        return noise[0];
    }

    /** σ = 2 whatever the gradient is; where nothing lives, only if asked for. */
    @ParameterizedTest
    @CsvSource({"DIRECT, false", "DIRECT, true", "ENGINE, false", "ENGINE, true"})
    void aFixedScaleIsTheStrengthItself(Path path, boolean everywhere) {
        in(
                path,
                manager -> {
                    int size = 40_000;
                    Mask mask = new Mask(size);
                    for (int i = 0; i < size / 2; i++) {
                        mask.prune(i);
                    }
                    NDArray weights = manager.zeros(new Shape(size));
                    GaussianNoise noise =
                            new GaussianNoise(
                                    2, NoiseScale.FIXED, ParameterScope.PRUNABLE, everywhere);
                    float[] added =
                            added(
                                    noise,
                                    Trained.tensor(weights, mask),
                                    manager.zeros(new Shape(size)));

                    double[] squares = new double[2];
                    for (int i = 0; i < size; i++) {
                        squares[2 * i / size] += added[i] * added[i] / (size / 2d);
                    }
                    assertThat(Math.sqrt(squares[0])).isCloseTo(everywhere ? 2 : 0, within(.05));
                    assertThat(Math.sqrt(squares[1])).isCloseTo(2, within(.05));
                });
    }

    /** Returns σ after so many steps, as a multiple of that of fixed noise of strength 1. */
    private static double deviation(NDManager manager, GaussianNoise noise, long steps) {
        NDArray weights = manager.ones(new Shape(3));
        GaussianNoise fixed = new GaussianNoise(1, NoiseScale.FIXED, ParameterScope.ALL);
        float[] ones =
                added(
                        fixed,
                        new TrainedTensor(Trained.info(0, weights, true), weights, null, steps),
                        manager.zeros(new Shape(3)));
        float[] added =
                added(
                        noise,
                        new TrainedTensor(Trained.info(0, weights, true), weights, null, steps),
                        manager.zeros(new Shape(3)));
        for (int i = 1; i < 3; i++) {
            assertThat(added[i] / ones[i]).isCloseTo(added[0] / ones[0], within(1e-5f));
        }
        return added[0] / ones[0];
    }

    /** η = .3: a variance of .3 at first and of .3/100^.55 after 99 steps. */
    @ParameterizedTest
    @EnumSource(Path.class)
    void annealedNoiseFadesWithTheSteps(Path path) {
        in(
                path,
                manager -> {
                    GaussianNoise noise =
                            new GaussianNoise(.3f, NoiseScale.ANNEALED, ParameterScope.ALL);
                    assertThat(deviation(manager, noise, 0)).isCloseTo(.54772, within(1e-5));
                    assertThat(deviation(manager, noise, 99)).isCloseTo(.15437, within(1e-5));
                });
    }

    /** N = 50,000 and η = .1: √(2/5,000) = .02; after the rate's drop to .001 it is .2. */
    @ParameterizedTest
    @EnumSource(Path.class)
    void langevinNoiseIsThatOfTheLearningRate(Path path) {
        in(
                path,
                manager -> {
                    Langevin measure = new Langevin(50_000, step -> step <= 10 ? .1f : .001f);
                    GaussianNoise noise =
                            new GaussianNoise(
                                    1,
                                    NoiseScale.LANGEVIN,
                                    ParameterScope.ALL,
                                    false,
                                    Optional.of(measure));
                    assertThat(deviation(manager, noise, 9)).isCloseTo(.02, within(1e-6));
                    assertThat(deviation(manager, noise, 10)).isCloseTo(.2, within(1e-5));
                });
        assertThatThrownBy(() -> new GaussianNoise(1, NoiseScale.LANGEVIN, ParameterScope.ALL))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("give them, optLangevin(examples, learningRate)");
        assertThatThrownBy(() -> new Langevin(0, step -> .1f))
                .hasMessageContaining("at least 1, got 0");
    }

    @ParameterizedTest
    @EnumSource(Path.class)
    void allMirrorsOfAParameterGetTheSameInEveryStep(Path path) {
        in(
                path,
                manager -> {
                    NDArray first = manager.ones(new Shape(50, 100));
                    NDArray second = manager.ones(new Shape(50, 100));
                    ParameterInfo info = Trained.info(0, first, true);
                    Mask mask = Trained.mask(5_000, 1, 7);
                    TrainedTensor one = new TrainedTensor(info, first, mask, 0);
                    TrainedTensor two = new TrainedTensor(info, second, mask, 0);
                    float[] before = {};
                    try (GradientTerm.Running running = noise(1).start(List.of(info), SEED)) {
                        for (int step = 0; step < 3; step++) {
                            float[] onOne = added(running, one, first.mul(.1f));
                            float[] onTwo = added(running, two, second.mul(.1f));
                            one.countStep();
                            two.countStep();

                            assertThat(onOne).isEqualTo(onTwo);
                            assertThat(onOne).as("every step draws afresh").isNotEqualTo(before);
                            before = onOne;
                        }
                    }
                });
    }

    @ParameterizedTest
    @EnumSource(Path.class)
    void whatIsDrawnDoesNotDependOnTheOrderOfUpdates(Path path) {
        float[][] inOrder = twoParameters(path, 0, 1);
        float[][] reversed = twoParameters(path, 1, 0);

        assertThat(inOrder[0]).isEqualTo(reversed[0]);
        assertThat(inOrder[1]).isEqualTo(reversed[1]);
        assertThat(inOrder[0]).as("parameters differ").isNotEqualTo(inOrder[1]);
    }

    private static float[][] twoParameters(Path path, int... order) {
        float[][] noise = new float[2][];
        in(
                path,
                manager -> {
                    TrainedTensor[] tensors = new TrainedTensor[2];
                    for (int i = 0; i < 2; i++) {
                        NDArray values = manager.ones(new Shape(6_000));
                        tensors[i] =
                                new TrainedTensor(
                                        Trained.info(i, values, true), values, new Mask(6_000), 0);
                    }
                    List<ParameterInfo> infos = List.of(tensors[0].info(), tensors[1].info());
                    try (GradientTerm.Running running = noise(1).start(infos, SEED)) {
                        for (int i : order) {
                            noise[i] = added(running, tensors[i], tensors[i].values().mul(1));
                        }
                    }
                });
        return noise;
    }

    @Test
    void whatIsDrawnDoesNotDependOnTheNumberOfThreads() throws Exception {
        assertThat(onThreads(1)).isEqualTo(onThreads(4));
    }

    private static float[] onThreads(int threads) throws Exception {
        float[][] noise = new float[1][];
        ForkJoinPool pool = new ForkJoinPool(threads);
        try {
            pool.submit(
                            () ->
                                    in(
                                            Path.DIRECT,
                                            manager -> {
                                                manager.getEngine().setRandomSeed(1);
                                                NDArray values =
                                                        manager.randomNormal(new Shape(200_000));
                                                TrainedTensor tensor =
                                                        Trained.tensor(values, new Mask(200_000));
                                                noise[0] = added(noise(1), tensor, values.mul(1));
                                            }))
                    .get();
        } finally {
            pool.shutdown();
        }
        return noise[0];
    }

    @ParameterizedTest
    @CsvSource({
        "DIRECT, ALL, true",
        "DIRECT, PRUNABLE, false",
        "ENGINE, ALL, true",
        "ENGINE, PRUNABLE, false"
    })
    void theScopeSaysWhetherBiasesGetNoise(Path path, ParameterScope scope, boolean noisy) {
        in(
                path,
                manager -> {
                    NDArray weight = manager.ones(new Shape(3, 3));
                    NDArray bias = manager.ones(new Shape(3));
                    List<ParameterInfo> infos =
                            List.of(Trained.info(0, weight, true), Trained.info(1, bias, false));
                    TrainedTensor weights = new TrainedTensor(infos.get(0), weight, new Mask(9), 0);
                    TrainedTensor biases = new TrainedTensor(infos.get(1), bias, null, 0);
                    try (GradientTerm.Running running =
                            new GaussianNoise(1, NoiseScale.GRADIENT, scope).start(infos, SEED)) {
                        assertThat(added(running, weights, weight.mul(1))).doesNotContain(0f);
                        float[] onBiases = added(running, biases, bias.mul(1));
                        if (noisy) {
                            assertThat(onBiases).doesNotContain(0f);
                        } else {
                            assertThat(onBiases).containsOnly(0f);
                        }
                    }
                });
    }

    @ParameterizedTest
    @EnumSource(Path.class)
    void stepsLeaveNoArraysBehind(Path path) {
        in(
                path,
                manager -> {
                    TrainedTensor tensor =
                            Trained.tensor(manager.ones(new Shape(4, 4)), Trained.mask(16, 3));
                    NDArray gradient = manager.ones(new Shape(4, 4));
                    try (GradientTerm.Running running =
                            noise(1).start(List.of(tensor.info()), SEED)) {
                        int[] arrays = new int[4];
                        for (int step = 0; step < arrays.length; step++) {
                            running.apply(tensor, gradient);
                            tensor.applyMask(gradient);
                            tensor.countStep();
                            arrays[step] =
                                    manager.getManagedArrays().size()
                                            + tensor.manager().getManagedArrays().size();
                        }
                        assertThat(arrays).containsOnly(arrays[0]);
                    }
                });
    }

    @ParameterizedTest
    @EnumSource(Path.class)
    void aGradientOfZeroGetsNoNoise(Path path) {
        in(
                path,
                manager -> {
                    TrainedTensor tensor = Trained.tensor(manager, 1, 2, 3);
                    assertThat(added(noise(1), tensor, manager.zeros(new Shape(3))))
                            .containsOnly(0f);
                });
    }

    @ParameterizedTest
    @ValueSource(floats = {0, -1, Float.NaN, Float.POSITIVE_INFINITY})
    void refusesAStrengthThatIsNotAPositiveNumber(float lambda) {
        assertThatThrownBy(() -> noise(lambda)).hasMessageContaining("greater than 0");
    }

    @Test
    void aStrengthOfZeroMeansNoTermAtAll() {
        assertThat(FlipOut.builder().optNoise(0).build().gradientTerms()).isEmpty();
        assertThat(GlobalMagnitude.builder().build().gradientTerms()).isEmpty();
        assertThat(FlipOut.builder().build().gradientTerms()).containsExactly(noise(1));
        assertThatThrownBy(() -> FlipOut.builder().optNoise(-1).build())
                .hasMessageContaining("greater than 0");
    }

    /**
     * What is drawn is the same for noise of any measure, so that noise by the gradient is {@code
     * ‖g‖/√d} times that of a fixed strength: for (1, −2, 3, −4, 5, 6, 7), √(140/7).
     */
    @ParameterizedTest
    @EnumSource(Path.class)
    void everyValueOfTheGradientCounts(Path path) {
        in(
                path,
                manager -> {
                    for (int size = 1; size <= 9; size++) {
                        float[] gradient = new float[size];
                        double square = 0;
                        for (int i = 0; i < size; i++) {
                            gradient[i] = i % 2 == 0 ? i + 1 : -i - 1;
                            square += gradient[i] * gradient[i];
                        }
                        TrainedTensor tensor =
                                Trained.tensor(manager.ones(new Shape(size)), new Mask(size));
                        // A large tensor before it must leave nothing behind.
                        int large = Chunks.SIZE;
                        added(
                                noise(1),
                                Trained.tensor(manager.ones(new Shape(large)), new Mask(large)),
                                manager.full(new Shape(large), 1e3f));
                        float[] fixed =
                                added(
                                        new GaussianNoise(1, NoiseScale.FIXED, ParameterScope.ALL),
                                        tensor,
                                        manager.zeros(new Shape(size)));
                        float[] byGradient = added(noise(1), tensor, manager.create(gradient));
                        for (int i = 0; i < size; i++) {
                            assertThat((double) byGradient[i])
                                    .isCloseTo(fixed[i] * Math.sqrt(square / size), within(1e-5));
                        }
                    }
                });
    }

    /** Dropout and whatever else the engine draws for go on as without noise. */
    @Test
    void noiseInTheHostsMemoryLeavesTheEnginesGeneratorAlone() {
        in(
                Path.DIRECT,
                manager -> {
                    assumeTrue(DirectMemory.of(manager.ones(new Shape(3))).isPresent());
                    float[] expected = manager.randomNormal(new Shape(5)).toFloatArray();
                    manager.getEngine().setRandomSeed((int) SEED);
                    added(noise(1), Trained.tensor(manager, 1, 2), manager.ones(new Shape(2)));

                    assertThat(manager.randomNormal(new Shape(5)).toFloatArray())
                            .containsExactly(expected);
                });
    }

    @ParameterizedTest
    @EnumSource(Path.class)
    void closingLeavesNothingBehind(Path path) {
        in(
                path,
                manager -> {
                    TrainedTensor tensor = Trained.tensor(manager, 1, 2);
                    NDArray gradient = manager.ones(new Shape(2));
                    int arrays = manager.getManagedArrays().size();
                    try (GradientTerm.Running running =
                            noise(1).start(List.of(tensor.info()), SEED)) {
                        running.apply(tensor, gradient);
                    }
                    assertThat(manager.getManagedArrays()).hasSize(arrays);
                });
    }
}
