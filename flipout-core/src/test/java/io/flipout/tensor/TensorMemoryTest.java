package io.flipout.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.GradientCollector;
import io.flipout.Path;
import io.flipout.Trained;
import io.flipout.mask.Mask;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class TensorMemoryTest {

    private NDManager manager;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager();
    }

    @AfterEach
    void close() {
        manager.close();
    }

    private static boolean djlHandsOutMemory() {
        return Arrays.stream(NDArray.class.getMethods())
                .anyMatch(m -> m.getName().equals("toByteBuffer") && m.getParameterCount() == 1);
    }

    @Test
    void aViewIsTheArrayItself() {
        assumeTrue(djlHandsOutMemory());
        NDArray array = manager.create(new float[] {1, 2, 3, 4}, new Shape(2, 2));
        FloatBuffer memory = DirectMemory.of(array).orElseThrow();

        assertThat(memory.limit()).isEqualTo(4);
        assertThat(memory.get(2)).isEqualTo(3);
        memory.put(2, -7);
        assertThat(array.toFloatArray()).containsExactly(1, 2, -7, 4);
        array.muli(2);
        assertThat(memory.get(2)).isEqualTo(-14);
    }

    @Test
    void lookingForTheMemoryLeavesItAsItWas() {
        float[] values = {Float.NaN, -0f, Float.POSITIVE_INFINITY};
        NDArray array = manager.create(values);
        assertThat(DirectMemory.of(array).isPresent()).isEqualTo(djlHandsOutMemory());

        assertThat(array.toFloatArray()).containsExactly(values);
    }

    @Test
    void anArrayThatIsNotContiguousCannotBeViewed() {
        NDArray transposed = manager.arange(6f).reshape(2, 3).transpose();

        assertThat(DirectMemory.of(transposed)).isEmpty();
        assertThat(transposed.toFloatArray()).containsExactly(0, 3, 1, 4, 2, 5);
    }

    @Test
    void onlyFloatsCanBeViewed() {
        assertThat(DirectMemory.of(manager.ones(new Shape(3), DataType.FLOAT64))).isEmpty();
        assertThat(DirectMemory.of(manager.ones(new Shape(3), DataType.INT32))).isEmpty();
        assertThat(DirectMemory.of(manager.ones(new Shape(3), DataType.FLOAT16))).isEmpty();
    }

    @Test
    void aPropertyTurnsViewsOff() {
        NDArray array = manager.ones(new Shape(3));

        Path.ENGINE.run(() -> assertThat(DirectMemory.of(array)).isEqualTo(Optional.empty()));
    }

    @ParameterizedTest
    @EnumSource(Path.class)
    void aMaskZeroesWhatIsPrunedEvenInfinityAndNaN(Path path) {
        path.run(
                () -> {
                    Mask mask = Trained.mask(6, 0, 2, 3, 5);
                    NDArray values =
                            manager.create(
                                    new float[] {1, 2, Float.POSITIVE_INFINITY, Float.NaN, -5, -6},
                                    new Shape(2, 3));
                    TrainedTensor tensor = Trained.tensor(values, mask);
                    tensor.applyMask(tensor.values());

                    assertThat(values.toFloatArray()).containsExactly(0f, 2f, 0f, 0f, -5f, 0f);
                });
    }

    @ParameterizedTest
    @EnumSource(Path.class)
    void aMaskThatShrinksAgainIsFollowed(Path path) {
        path.run(
                () -> {
                    Mask mask = Trained.mask(3, 0);
                    NDArray values = manager.create(new float[] {1, 2, 3});
                    TrainedTensor tensor = Trained.tensor(values, mask);
                    tensor.applyMask(tensor.values());
                    mask.prune(2);
                    tensor.applyMask(tensor.values());

                    assertThat(values.toFloatArray()).containsExactly(0f, 2f, 0f);
                });
    }

    @ParameterizedTest
    @EnumSource(Path.class)
    void nothingPrunedMeansNothingTouched(Path path) {
        path.run(
                () -> {
                    NDArray values = manager.create(new float[] {1, Float.NaN});
                    TrainedTensor tensor = Trained.tensor(values, new Mask(2));
                    tensor.applyMask(tensor.values());

                    assertThat(tensor.mask()).isEmpty();
                    assertThat(values.toFloatArray()).containsExactly(1, Float.NaN);
                });
    }

    @ParameterizedTest
    @EnumSource(Path.class)
    void weightsThatTakeGradientsAreMaskedWhileTheyAreRecorded(Path path) {
        path.run(
                () -> {
                    NDArray values = manager.create(new float[] {1, 2, 3});
                    values.setRequiresGradient(true);
                    TrainedTensor tensor = Trained.tensor(values, Trained.mask(3, 1));
                    try (GradientCollector collector =
                            Engine.getInstance().newGradientCollector()) {
                        tensor.applyMask(tensor.values());
                        NDArray loss = values.mul(values).sum();
                        collector.backward(loss);
                    }

                    assertThat(values.toFloatArray()).containsExactly(1, 0, 3);
                    assertThat(values.getGradient().toFloatArray()).containsExactly(2, 0, 6);
                    assertThat(tensor.values().hasGradient()).isFalse();
                });
    }

    @Test
    void closingFreesWhatIsKeptBesideTheWeightsButNotTheWeights() {
        NDArray values = manager.create(new float[] {1, 2});
        TrainedTensor tensor = Trained.tensor(values, Trained.mask(2, 0));
        NDArray mask = tensor.deviceMask();
        assertThat(mask.toBooleanArray()).containsExactly(false, true);
        tensor.close();

        assertThat(mask.getManager().isOpen()).isFalse();
        assertThat(values.toFloatArray()).containsExactly(1, 2);
    }

    /** By MurmurHash3's finaliser, of which the hash of 1 is 0xb456bcfc34c2cb2c. */
    @Test
    void keysAreThoseOfTheFinaliser() {
        assertThat(Randoms.key(1)).isEqualTo(0xb456bcfc34c2cb2cL);
        assertThat(Randoms.key(1, 2, 3)).isEqualTo(1523698758602227232L);
        assertThat(Randoms.key(-5, 7)).isEqualTo(-4728056069866413658L);
    }

    @Test
    void streamsAreNamedBySeedAndNumbers() {
        SplittableRandom stream = Randoms.stream(1, 2, 3);

        assertThat(stream.nextLong()).isEqualTo(Randoms.stream(1, 2, 3).nextLong());
        assertThat(Randoms.key(1, 2, 3))
                .isNotIn(
                        Randoms.key(1, 3, 2),
                        Randoms.key(2, 2, 3),
                        Randoms.key(1, 2),
                        Randoms.key(1, 2, 3, 0));
    }

    @ParameterizedTest
    @EnumSource(Path.class)
    void aLargeTensorIsMaskedInEveryPiece(Path path) {
        path.run(
                () -> {
                    int size = 20 * Chunks.SIZE + 5;
                    Mask mask = new Mask(size);
                    for (int i = 0; i < size; i += 3) {
                        mask.prune(i);
                    }
                    TrainedTensor tensor = Trained.tensor(manager.ones(new Shape(size)), mask);
                    tensor.applyMask(tensor.values());

                    float[] values = tensor.values().toFloatArray();
                    for (int i = 0; i < size; i++) {
                        assertThat(values[i]).isEqualTo(i % 3 == 0 ? 0 : 1);
                    }
                });
    }

    /** A bit of the seed or of a name changes half of the bits, wherever both lie. */
    @Test
    void everyBitOfANameChangesHalfOfTheKey() {
        for (int bit = 0; bit < Long.SIZE; bit++) {
            long flip = 1L << bit;
            int[] bySeed = new int[Long.SIZE];
            int[] byName = new int[Long.SIZE];
            int keys = 400;
            for (long i = 0; i < keys; i++) {
                count(bySeed, Randoms.key(i, 7) ^ Randoms.key(i ^ flip, 7));
                count(byName, Randoms.key(7, i, 3) ^ Randoms.key(7, i ^ flip, 3));
            }
            // Six standard deviations of so many coins: 10 each.
            for (int[] changed : new int[][] {bySeed, byName}) {
                assertThat(Arrays.stream(changed))
                        .as("by bit %d", bit)
                        .allMatch(n -> n > 140 && n < 260);
            }
        }
    }

    private static void count(int[] changed, long bits) {
        for (int i = 0; i < changed.length; i++) {
            changed[i] += (int) (bits >>> i & 1);
        }
    }

    @Test
    void aTensorHasAsManyPiecesAsItFills() {
        assertThat(Chunks.count(1)).isEqualTo(1);
        assertThat(Chunks.count(Chunks.SIZE - 1)).isEqualTo(1);
        assertThat(Chunks.count(Chunks.SIZE)).isEqualTo(1);
        assertThat(Chunks.count(Chunks.SIZE + 1)).isEqualTo(2);
        assertThat(Chunks.count(40 * Chunks.SIZE)).isEqualTo(40);
    }
}
