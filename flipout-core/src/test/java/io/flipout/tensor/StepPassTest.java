package io.flipout.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import io.flipout.Path;
import io.flipout.Trained;
import io.flipout.mask.Mask;
import io.flipout.signal.SignFlips;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class StepPassTest {

    /** One piece, a whole number of pieces, and one and a bit. */
    private static final int[] SIZES = {3, 2 * Chunks.SIZE, Chunks.SIZE + 1, 1, 100_000};

    @BeforeEach
    void memoryIsHandedOut() {
        in(
                manager ->
                        assumeThat(DirectMemory.of(manager.ones(new Shape(1))))
                                .as("older DJL hands out no memory")
                                .isPresent());
    }

    private static void in(java.util.function.Consumer<NDManager> test) {
        Path.DIRECT.run(
                () -> {
                    try (NDManager manager = NDManager.newBaseManager()) {
                        test.accept(manager);
                    }
                });
    }

    private static List<Update> step(NDManager manager) {
        List<Update> step = new ArrayList<>();
        for (int size : SIZES) {
            NDArray weight = manager.ones(new Shape(size));
            NDArray gradient = manager.arange(size).toType(weight.getDataType(), false);
            Mask mask = new Mask(size);
            for (int i = 0; i < size; i += 3) {
                mask.prune(i);
            }
            step.add(Update.of(Trained.tensor(weight, mask), weight, gradient));
        }
        return step;
    }

    @Test
    void everyWeightIsMetOnceWithItsGradient() {
        in(
                manager -> {
                    List<Update> step = step(manager);
                    List<AtomicIntegerArray> met = new ArrayList<>();
                    step.forEach(update -> met.add(new AtomicIntegerArray(update.size())));
                    StepPass.over(
                            step,
                            List.of(
                                    piece -> {
                                        assertThat(piece.update())
                                                .isSameAs(step.get(piece.tensor()));
                                        assertThat(piece.from())
                                                .isEqualTo(piece.chunk() * Chunks.SIZE);
                                        for (int i = 0; i < piece.size(); i++) {
                                            int at = piece.from() + i;
                                            met.get(piece.tensor()).incrementAndGet(at);
                                            float expected = at % 3 == 0 ? 0 : at;
                                            assertThat(piece.gradients()[i]).isEqualTo(expected);
                                        }
                                    }));
                    for (AtomicIntegerArray counts : met) {
                        for (int i = 0; i < counts.length(); i++) {
                            assertThat(counts.get(i)).isOne();
                        }
                    }
                });
    }

    @Test
    void whatIsNotSaidToChangeStays() {
        in(
                manager -> {
                    List<Update> step = step(manager);
                    StepPass.over(
                            step,
                            List.of(
                                    piece -> piece.weights()[0] = 7,
                                    piece -> piece.gradients()[0] = 7));
                    for (Update update : step) {
                        assertThat(update.weight().toFloatArray()).containsOnly(1);
                        assertThat(update.gradient().toFloatArray()[0]).isZero();
                    }
                });
    }

    /** A piece reuses its arrays: what was never read may not be written back. */
    @Test
    void whatWasNeverLookedAtStaysWhateverIsSaid() {
        in(
                manager -> {
                    List<Update> first = step(manager);
                    StepPass.over(first, List.of(Piece::gradients, Piece::weights));
                    NDArray weight = manager.create(new float[] {5, 6});
                    NDArray gradient = manager.create(new float[] {7, 8});
                    TrainedTensor tensor = Trained.tensor(weight, new Mask(2));
                    StepPass.over(
                            List.of(Update.of(tensor, weight, gradient)),
                            List.of(Piece::changeWeights, Piece::changeGradients));
                    assertThat(weight.toFloatArray()).containsExactly(5, 6);
                    assertThat(gradient.toFloatArray()).containsExactly(7, 8);
                });
    }

    @Test
    void worksSeeWhatTheEarlierOnesLeft() {
        in(
                manager -> {
                    List<Update> step = step(manager);
                    StepPass.over(
                            step,
                            List.of(
                                    piece -> {
                                        for (int i = 0; i < piece.size(); i++) {
                                            piece.weights()[i] += piece.gradients()[i] + 1;
                                        }
                                        piece.changeWeights();
                                    },
                                    Piece::maskWeights,
                                    Piece::clearGradients));
                    for (Update update : step) {
                        float[] weights = update.weight().toFloatArray();
                        for (int i = 0; i < weights.length; i++) {
                            assertThat(weights[i]).isEqualTo(i % 3 == 0 ? 0 : i + 2);
                        }
                        assertThat(update.gradient().toFloatArray()).containsOnly(0);
                    }
                });
    }

    /** A pruned weight is 0 also where it was not a number. */
    @Test
    void aMaskIsNoProduct() {
        in(
                manager -> {
                    NDArray weight = manager.create(new float[] {Float.NaN, 1, 2});
                    NDArray gradient =
                            manager.create(new float[] {Float.POSITIVE_INFINITY, Float.NaN, 3});
                    TrainedTensor tensor = Trained.tensor(weight, Trained.mask(3, 0));
                    StepPass.over(
                            List.of(Update.of(tensor, weight, gradient)),
                            List.of(
                                    Piece::maskWeights,
                                    piece -> {
                                        assertThat(piece.gradients()).startsWith(0, Float.NaN, 3);
                                        assertThat(piece.alive()).startsWith(1, 2);
                                        assertThat(piece.countAlive()).isEqualTo(2);
                                    }));
                    assertThat(weight.toFloatArray()).containsExactly(0, 1, 2);
                });
    }

    @Test
    void theNumberOfThreadsChangesNothing() throws Exception {
        List<float[]> results = new ArrayList<>();
        for (int threads : new int[] {1, 4}) {
            ForkJoinPool pool = new ForkJoinPool(threads);
            try {
                pool.submit(
                                () ->
                                        in(
                                                manager -> {
                                                    List<Update> step = step(manager);
                                                    StepPass.over(step, List.of(this::move));
                                                    results.add(
                                                            step.get(4).weight().toFloatArray());
                                                }))
                        .get();
            } finally {
                pool.shutdown();
            }
        }
        assertThat(results.get(0)).isEqualTo(results.get(1));
    }

    private void move(Piece piece) {
        new NormalNumbers(Randoms.key(1, piece.tensor(), piece.chunk()))
                .fill(piece.weights(), piece.size());
        piece.changeWeights();
    }

    /** NDArray.set gives an array new memory: what was kept of the old would be lost on it. */
    @Test
    void followsAnArrayThatIsGivenNewMemory() {
        in(
                manager -> {
                    NDArray weight = manager.create(new float[] {1, 2, 3});
                    NDArray gradient = manager.ones(new Shape(3));
                    TrainedTensor tensor = Trained.tensor(weight, Trained.mask(3, 1));
                    Update.of(tensor, weight, gradient);
                    weight.set(new float[] {4, 5, 6});
                    tensor.follow(weight);
                    Update update = Update.of(tensor, weight, gradient);
                    assertThat(tensor.values().toFloatArray()).containsExactly(4, 5, 6);
                    StepPass.over(List.of(update), List.of(Piece::maskWeights));
                    assertThat(weight.toFloatArray()).containsExactly(4, 0, 6);
                });
    }

    @Test
    void ofADenseTensorAllAreAlive() {
        in(
                manager -> {
                    NDArray weight = manager.ones(new Shape(20));
                    List<TrainedTensor> tensors =
                            List.of(
                                    Trained.tensor(weight, new Mask(20)),
                                    new TrainedTensor(
                                            Trained.info(0, weight, false), weight, null, 0));
                    for (TrainedTensor tensor : tensors) {
                        StepPass.over(
                                List.of(Update.of(tensor, weight, manager.ones(new Shape(20)))),
                                List.of(
                                        piece -> {
                                            assertThat(piece.isDense()).isTrue();
                                            assertThat(piece.countAlive()).isEqualTo(20);
                                            for (int i = 0; i < 20; i++) {
                                                assertThat(piece.alive()[i]).isEqualTo(i);
                                            }
                                        }));
                    }
                });
    }

    /** In eights and beyond: 19 weights, of which the second eight is pruned as a whole. */
    @Test
    void theLivingAreFoundInEightsAndBeyond() {
        in(
                manager -> {
                    Mask mask = Trained.mask(19, 0, 3, 8, 9, 10, 11, 12, 13, 14, 15, 17);
                    NDArray weight = manager.ones(new Shape(19));
                    StepPass.over(
                            List.of(
                                    Update.of(
                                            Trained.tensor(weight, mask),
                                            weight,
                                            manager.ones(new Shape(19)))),
                            List.of(
                                    piece -> {
                                        assertThat(piece.isDense()).isFalse();
                                        assertThat(piece.countAlive()).isEqualTo(8);
                                        assertThat(piece.alive())
                                                .startsWith(1, 2, 4, 5, 6, 7, 16, 18);
                                        assertThat(piece.gradients())
                                                .startsWith(
                                                        0, 1, 1, 0, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0,
                                                        0, 1, 0, 1);
                                    }));
                });
    }

    /** A dense tensor of three and a pruned one: 1 → −1 flips, 0 → 1 counts. */
    @Test
    void flipsAreCountedPieceByPiece() {
        in(
                manager -> {
                    SignFlips signal = new SignFlips();
                    for (int[] pruned : new int[][] {{}, {1}}) {
                        NDArray weight = manager.create(new float[] {1, -2, 0, 4});
                        TrainedTensor tensor = Trained.tensor(weight, Trained.mask(4, pruned));
                        tensor.applyMask(tensor.values());
                        SignFlips.Counts watch = signal.watch(tensor);
                        assertThat(watch.takesPieces()).isTrue();
                        NDArray move = manager.create(new float[] {-2, 3, 1, 1});
                        StepPass.over(
                                List.of(Update.of(tensor, weight, move)),
                                List.of(
                                        piece -> {
                                            for (int i = 0; i < piece.size(); i++) {
                                                piece.weights()[i] += piece.gradients()[i];
                                            }
                                            piece.changeWeights();
                                        },
                                        Piece::maskWeights,
                                        watch::afterStep));
                        assertThat(watch.flips())
                                .containsExactly(1, pruned.length == 0 ? 1 : 0, 1, 0);
                    }
                });
    }

    @Test
    void onlyFloatsTakeAStepTogether() {
        in(
                manager -> {
                    NDArray weight = manager.ones(new Shape(3));
                    NDArray doubles = manager.ones(new Shape(3), DataType.FLOAT64);
                    TrainedTensor tensor = Trained.tensor(weight, new Mask(3));
                    assertThat(Update.of(tensor, weight, weight).isFloat()).isTrue();
                    assertThat(Update.of(tensor, doubles, weight).isFloat()).isFalse();
                    assertThat(Update.of(tensor, weight, doubles).isFloat()).isFalse();
                    assertThat(Update.of(tensor, doubles, weight).isOnHost()).isFalse();
                    assertThat(Update.of(tensor, weight, doubles).isOnHost()).isFalse();
                    assertThat(Update.of(tensor, weight, weight).isOnHost()).isTrue();
                });
    }

    @Test
    void followingLeavesNoArraysBehind() {
        in(
                manager -> {
                    NDArray weight = manager.ones(new Shape(3));
                    TrainedTensor tensor = Trained.tensor(weight, new Mask(3));
                    int before = tensor.manager().getManagedArrays().size();
                    tensor.follow(weight);
                    tensor.follow(weight);
                    assertThat(tensor.manager().getManagedArrays()).hasSize(before);
                });
    }
}
