package io.flipout.djl.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.dataset.Batch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ForkJoinPool;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class ImageDatasetTest {

    private static final Normalization UNIT = new Normalization(new float[] {0}, new float[] {1});

    private NDManager manager;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager();
    }

    @AfterEach
    void close() {
        manager.close();
    }

    /** Images of one channel in which every byte is the image's number. */
    private static ImageSet numbered(int count, int side) {
        byte[][] images = new byte[count][side * side];
        int[] labels = new int[count];
        for (int i = 0; i < count; i++) {
            Arrays.fill(images[i], (byte) i);
            labels[i] = i % 2;
        }
        return new ImageSet(images, labels, 1, side, side, List.of("even", "odd"));
    }

    private static ImageDataset.Builder dataset(ImageSet images, int batchSize) {
        return ImageDataset.builder()
                .setImages(images)
                .setNormalization(UNIT)
                .setBatchSize(batchSize);
    }

    /** All pixels of an epoch, batch by batch. */
    private List<float[]> epoch(ImageDataset dataset) {
        List<float[]> batches = new ArrayList<>();
        for (Batch batch : dataset.getData(manager)) {
            batches.add(batch.getData().head().toFloatArray());
            batch.close();
        }
        return batches;
    }

    /** The numbers of the images in the order in which they came. */
    private List<Integer> order(ImageDataset dataset) {
        List<Integer> numbers = new ArrayList<>();
        for (float[] batch : epoch(dataset)) {
            for (float value : batch) {
                numbers.add(Math.round(value * 255));
            }
        }
        return numbers;
    }

    @Test
    void bytesAreNormalisedByChannel() {
        ImageSet set =
                new ImageSet(
                        new byte[][] {{0, (byte) 255, 51, 102}},
                        new int[] {0},
                        2,
                        1,
                        2,
                        List.of("a"));
        ImageDataset dataset =
                ImageDataset.builder()
                        .setImages(set)
                        .setNormalization(
                                new Normalization(new float[] {.5f, .2f}, new float[] {.25f, .1f}))
                        .setBatchSize(1)
                        .build();
        // (0 − .5)/.25, (1 − .5)/.25, (.2 − .2)/.1, (.4 − .2)/.1
        assertThat(epoch(dataset).get(0)).containsExactly(new float[] {-2, 2, 0, 2}, within(1e-5f));
    }

    @Test
    void batchesAreFloatsWithWholeLabelsAndTheLastMayBeSmaller() {
        ImageDataset dataset = dataset(numbered(10, 2), 4).build();
        List<Shape> shapes = new ArrayList<>();
        List<Long> labels = new ArrayList<>();
        for (Batch batch : dataset.getData(manager)) {
            shapes.add(batch.getData().head().getShape());
            assertThat(batch.getData().head().getDataType()).isEqualTo(DataType.FLOAT32);
            assertThat(batch.getSize()).isEqualTo((int) batch.getData().head().getShape().get(0));
            for (long label : batch.getLabels().head().toLongArray()) {
                labels.add(label);
            }
            batch.close();
        }
        assertThat(dataset.batches()).isEqualTo(3);
        assertThat(shapes)
                .containsExactly(
                        new Shape(4, 1, 2, 2), new Shape(4, 1, 2, 2), new Shape(2, 1, 2, 2));
        assertThat(labels).containsExactly(0L, 1L, 0L, 1L, 0L, 1L, 0L, 1L, 0L, 1L);
    }

    /** Two batches an epoch: step 2 is the end of the first, after which later rounds begin. */
    @Test
    void roundsRepeatTheirOrders() {
        ImageDataset plain = dataset(numbered(20, 1), 10).optShuffle(true).build();
        ImageDataset rounds = dataset(numbered(20, 1), 10).optShuffle(true).optRounds(3, 0).build();
        ImageDataset late = dataset(numbered(20, 1), 10).optShuffle(true).optRounds(3, 2).build();
        List<List<Integer>> orders = Stream.generate(() -> order(plain)).limit(4).toList();

        assertThat(Stream.generate(() -> order(rounds)).limit(7))
                .containsExactly(
                        orders.get(0),
                        orders.get(1),
                        orders.get(2),
                        orders.get(0),
                        orders.get(1),
                        orders.get(2),
                        orders.get(0));
        assertThat(Stream.generate(() -> order(late)).limit(7))
                .containsExactly(
                        orders.get(0),
                        orders.get(1),
                        orders.get(2),
                        orders.get(1),
                        orders.get(2),
                        orders.get(3),
                        orders.get(1));
        assertThatThrownBy(() -> dataset(numbered(20, 1), 10).optRounds(0, 0).build())
                .hasMessageContaining("A round must have at least 1 epoch");
    }

    @Test
    void everyEpochHasAnOrderOfItsOwnThatTheSeedRepeats() {
        ImageDataset dataset = dataset(numbered(100, 1), 7).optShuffle(true).optSeed(3).build();
        List<Integer> first = order(dataset);
        List<Integer> second = order(dataset);
        assertThat(first)
                .containsExactlyInAnyOrderElementsOf(IntStream.range(0, 100).boxed().toList())
                .isNotEqualTo(second);
        dataset.setPosition(0, 0);
        assertThat(order(dataset)).isEqualTo(first);
        assertThat(order(dataset)).isEqualTo(second);
        ImageDataset otherSeed = dataset(numbered(100, 1), 7).optShuffle(true).optSeed(4).build();
        assertThat(order(otherSeed)).isNotEqualTo(first);
    }

    @Test
    void aPassCanBeginWithinAnEpoch() {
        ImageDataset dataset = dataset(numbered(20, 1), 6).optShuffle(true).optSeed(3).build();
        List<Integer> first = order(dataset);
        List<Integer> second = order(dataset);
        dataset.setPosition(1, 2);
        assertThat(order(dataset)).isEqualTo(second.subList(12, 20));
        dataset.setPosition(0, 4); // After its last batch.
        assertThat(order(dataset)).isEmpty();
        assertThat(order(dataset)).isEqualTo(second);
        dataset.setPosition(0, 0);
        assertThat(order(dataset)).isEqualTo(first);
    }

    @Test
    void everyOrderIsAsLikelyAsAnother() {
        int[] counts = new int[6];
        ImageDataset dataset = dataset(numbered(3, 1), 3).optShuffle(true).build();
        for (int i = 0; i < 6000; i++) {
            List<Integer> order = order(dataset);
            counts[order.get(0) * 2 + (order.get(1) > order.get(2) ? 1 : 0)]++;
        }
        // Standard deviation of a count: 29.
        assertThat(IntStream.of(counts).boxed())
                .allSatisfy(c -> assertThat(c).isBetween(870, 1130));
    }

    @Test
    void aCropShiftsTheImageOverBlackAndAFlipMirrorsIt() {
        byte[] image = {1, 2, 3, 4, 5, 6, 7, 8, 9};
        ImageSet set = new ImageSet(new byte[][] {image}, new int[] {0}, 1, 3, 3, List.of("a"));
        Set<List<Integer>> expected = new HashSet<>();
        for (int dy = -1; dy <= 1; dy++) {
            for (int dx = -1; dx <= 1; dx++) {
                for (boolean flip : new boolean[] {false, true}) {
                    List<Integer> view = new ArrayList<>();
                    for (int y = 0; y < 3; y++) {
                        for (int x = 0; x < 3; x++) {
                            int sy = y + dy;
                            int sx = (flip ? 2 - x : x) + dx;
                            boolean inside = sy >= 0 && sy < 3 && sx >= 0 && sx < 3;
                            view.add(inside ? (int) image[sy * 3 + sx] : 0);
                        }
                    }
                    expected.add(view);
                }
            }
        }
        assertThat(expected).hasSize(18).contains(List.of(0, 0, 0, 0, 1, 2, 0, 4, 5));
        ImageDataset dataset = dataset(set, 1).optAugmentation(1).build();
        Set<List<Integer>> seen = new HashSet<>();
        for (int i = 0; i < 500; i++) {
            seen.add(order(dataset));
        }
        assertThat(seen).isEqualTo(expected);
    }

    @Test
    void blackIsNormalisedToo() {
        ImageSet set =
                new ImageSet(new byte[][] {{(byte) 255}}, new int[] {0}, 1, 1, 1, List.of("a"));
        ImageDataset dataset =
                ImageDataset.builder()
                        .setImages(set)
                        .setNormalization(new Normalization(new float[] {.5f}, new float[] {.5f}))
                        .setBatchSize(1)
                        .optAugmentation(2)
                        .build();
        Set<Float> seen = new HashSet<>();
        for (int i = 0; i < 200; i++) {
            seen.add(epoch(dataset).get(0)[0]);
        }
        assertThat(seen).containsExactlyInAnyOrder(-1f, 1f);
    }

    @Test
    void whatAnImageLooksLikeDependsNeitherOnTheBatchSizeNorOnTheThreads() {
        ImageSet images = numbered(50, 4);
        List<float[]> small = epoch(dataset(images, 3).optShuffle(true).optAugmentation(2).build());
        List<float[]> large =
                ForkJoinPool.commonPool()
                        .submit(
                                () ->
                                        epoch(
                                                dataset(images, 50)
                                                        .optShuffle(true)
                                                        .optAugmentation(2)
                                                        .build()))
                        .join();
        float[] joined = new float[large.get(0).length];
        int at = 0;
        for (float[] batch : small) {
            System.arraycopy(batch, 0, joined, at, batch.length);
            at += batch.length;
        }
        assertThat(joined).isEqualTo(large.get(0));
    }

    @Test
    void batchesLeaveNothingBehind() {
        ImageDataset dataset = dataset(numbered(300, 2), 1).optShuffle(true).build();
        try (NDManager batches = manager.newSubManager()) {
            for (int i = 0; i < 4; i++) {
                for (Batch batch : dataset.getData(batches)) {
                    batch.close();
                }
            }
            assertThat(batches.getManagedArrays()).isEmpty();
        }
    }

    @Test
    void aSingleRecordIsTheImageAsItIs() throws Exception {
        ImageDataset dataset =
                dataset(numbered(5, 2), 2).optShuffle(true).optAugmentation(1).build();
        assertThat(dataset.get(manager, 3).getData().head().toFloatArray())
                .containsExactly(
                        new float[] {3f / 255, 3f / 255, 3f / 255, 3f / 255}, within(1e-6f));
        assertThat(dataset.size()).isEqualTo(5);
    }

    @Test
    void aValidationSplitIsExactAndDisjoint() {
        ImageSet images = numbered(100, 1);
        ImageSet.Split last = images.splitLast(30);
        assertThat(last.rest().size()).isEqualTo(70);
        assertThat(last.part().image(0)[0]).isEqualTo((byte) 70);
        ImageSet.Split random = images.splitRandom(30, 5);
        Set<Byte> all = new HashSet<>();
        for (ImageSet part : List.of(random.rest(), random.part())) {
            for (int i = 0; i < part.size(); i++) {
                all.add(part.image(i)[0]);
            }
        }
        assertThat(all).hasSize(100);
        assertThat(random.part().size()).isEqualTo(30);
        assertThat(images.splitRandom(30, 5).part().image(0)).isEqualTo(random.part().image(0));
        assertThatThrownBy(() -> images.splitLast(100)).hasMessageContaining("1 to 99");
        assertThat(images.first(10).size()).isEqualTo(10);
    }

    @Test
    void aBatchLargerThanTheSetIsTheSet() {
        ImageDataset dataset = dataset(numbered(3, 1), Integer.MAX_VALUE).build();
        assertThat(dataset.batches()).isEqualTo(1);
        assertThat(order(dataset)).containsExactly(0, 1, 2);
    }

    @Test
    void aBatchOfMoreValuesThanAnArrayHoldsIsRefused() {
        byte[] image = new byte[1 << 20];
        byte[][] images = new byte[1 << 11][];
        Arrays.fill(images, image);
        ImageSet set = new ImageSet(images, new int[1 << 11], 1, 1 << 10, 1 << 10, List.of("only"));
        assertThatThrownBy(() -> dataset(set, 1 << 11).build())
                .hasMessage(
                        "A batch of 2048 images is too large, as it has 2147483648 values: make"
                                + " batches smaller.");
    }

    @Test
    void wrongNumbersAreRefused() {
        assertThatThrownBy(() -> dataset(numbered(2, 1), 0).build())
                .hasMessageContaining("batch size");
        assertThatThrownBy(() -> dataset(numbered(2, 1), 1).optAugmentation(-1).build())
                .hasMessageContaining("padding");
        assertThatThrownBy(() -> new Normalization(new float[] {0}, new float[] {0}))
                .hasMessageContaining("greater than 0");
        assertThatThrownBy(() -> new ImageSet(new byte[1][1], new int[] {1}, 1, 1, 1, List.of("a")))
                .hasMessageContaining("label 1");
    }

    /** Nine images by fours: batches of 4 and 5 in training, of 4, 4 and 1 in evaluation. */
    @Test
    void aLastImageIsNotAloneInTraining() {
        ImageSet images = numbered(9, 1);
        ImageDataset training = dataset(images, 4).optShuffle(true).build();

        assertThat(training.batches()).isEqualTo(2);
        assertThat(sizes(training)).containsExactly(4, 5);
        assertThat(order(training)).containsExactlyInAnyOrder(0, 1, 2, 3, 4, 5, 6, 7, 8);
        training.setPosition(0, 1);
        assertThat(sizes(training)).containsExactly(5);
        assertThat(sizes(dataset(images, 4).build())).containsExactly(4, 4, 1);
        assertThat(sizes(dataset(images, 1).optShuffle(true).build())).hasSize(9);
        assertThat(sizes(dataset(images, 7).optShuffle(true).build())).containsExactly(7, 2);
        assertThat(sizes(dataset(numbered(1, 1), 4).optShuffle(true).build())).containsExactly(1);
    }

    private List<Integer> sizes(ImageDataset dataset) {
        List<Integer> sizes = new ArrayList<>();
        for (Batch batch : dataset.getData(manager)) {
            try (batch) {
                assertThat(batch.getData().head().getShape().get(0)).isEqualTo(batch.getSize());
                sizes.add(batch.getSize());
            }
        }
        return sizes;
    }
}
