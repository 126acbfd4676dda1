package io.flipout.djl.data;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.dataset.Batch;
import ai.djl.training.dataset.RandomAccessDataset;
import ai.djl.training.dataset.Record;
import ai.djl.translate.Batchifier;
import ai.djl.util.Progress;
import io.flipout.tensor.DirectMemory;
import io.flipout.tensor.Randoms;
import java.nio.FloatBuffer;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.stream.IntStream;

/**
 * Images as a DJL data set: batches of float32 (N, C, H, W), normalised, with int64 labels (N).
 *
 * <p>For training, the images come in a new uniform order every epoch, cropped and flipped at
 * random if asked for. Order, crops and flips depend on the seed, the epoch and the image alone, so
 * they do not change with the batch size or the number of threads. The last batch may be smaller,
 * but trains no image alone: that one joins the batch before. Whole batches are filled on all
 * cores, one ahead of the training.
 */
public final class ImageDataset extends RandomAccessDataset {

    /** Names the random stream of the order; those of images are named by their positions. */
    private static final long ORDER = -1;

    private final ImageSet images;
    private final int batchSize;
    private final boolean shuffle;
    private final long seed;
    private final Augmentation augmentation;
    private final Augmentation plain;
    private final int round;
    private final int rewind;
    private int epoch;
    private int firstBatch;

    private ImageDataset(Builder builder) {
        super(builder);
        images = builder.images;
        batchSize = Math.min(builder.batchSize, images.size());
        shuffle = builder.shuffle;
        seed = builder.seed;
        round = builder.round;
        rewind = Math.toIntExact(builder.rewindStep / batches());
        plain = new Augmentation(builder.normalization, 0, false);
        augmentation =
                builder.augment
                        ? new Augmentation(builder.normalization, builder.padding, true)
                        : plain;
    }

    /**
     * Creates a builder.
     *
     * @return a new builder
     */
    public static Builder builder() {
        return new Builder();
    }

    /**
     * Returns the images.
     *
     * @return the images
     */
    public ImageSet images() {
        return images;
    }

    /**
     * Returns the number of batches in an epoch.
     *
     * @return the number of batches, the last included, which is smaller, or larger by an image
     */
    public int batches() {
        int batches = (images.size() + batchSize - 1) / batchSize;
        return joinsTheLast() ? batches - 1 : batches;
    }

    /** Batch normalisation cannot train on one image alone; evaluation goes by it as it is. */
    private boolean joinsTheLast() {
        return shuffle && batchSize > 1 && images.size() % batchSize == 1;
    }

    /**
     * Sets where the next pass over the data begins, so that a run can be taken up again. Each pass
     * is an epoch.
     *
     * @param epoch the next epoch, from 0
     * @param batch the batch of it that comes first, from 0; if it has no more, the pass is empty
     */
    public void setPosition(int epoch, int batch) {
        this.epoch = epoch;
        this.firstBatch = batch;
    }

    /** {@inheritDoc} */
    @Override
    public Record get(NDManager manager, long index) {
        int i = Math.toIntExact(index);
        float[] pixels = new float[images.image(i).length];
        plain.fill(images, i, new SplittableRandom(0), pixels, 0);
        Shape shape = new Shape(images.channels(), images.height(), images.width());
        return new Record(
                new NDList(manager.create(pixels, shape)),
                new NDList(manager.create((long) images.label(i))));
    }

    /** {@inheritDoc} */
    @Override
    protected long availableSize() {
        return images.size();
    }

    /** {@inheritDoc} */
    @Override
    public void prepare(Progress progress) {
        // The images are in memory.
    }

    /** {@inheritDoc} */
    @Override
    public Iterable<Batch> getData(NDManager manager) {
        return getData(manager, (ExecutorService) null);
    }

    /** {@inheritDoc} */
    @Override
    public Iterable<Batch> getData(NDManager manager, ExecutorService executor) {
        int thisEpoch = inRound(epoch++);
        int first = firstBatch;
        firstBatch = 0;
        return () -> new Batches(manager, thisEpoch, first);
    }

    private int inRound(int next) {
        return next < round ? next : rewind + next % round;
    }

    /** The batches of one epoch, the next of which is being filled while one is used. */
    private final class Batches implements Iterator<Batch> {

        private final NDManager manager;
        private final int epoch;
        private final int[] order;
        private final float[][] buffers = new float[2][];
        private CompletableFuture<float[]> pending;
        private int next;

        Batches(NDManager manager, int epoch, int first) {
            this.manager = manager;
            this.epoch = epoch;
            next = first;
            order =
                    shuffle
                            ? ImageSet.permutation(
                                    images.size(), Randoms.stream(seed, epoch, ORDER))
                            : IntStream.range(0, images.size()).toArray();
            prefetch();
        }

        private void prefetch() {
            int batch = next;
            if (batch < batches()) {
                pending = CompletableFuture.supplyAsync(() -> fill(batch));
            }
        }

        private int size(int batch) {
            int left = images.size() - batch * batchSize;
            return batch == batches() - 1 ? left : batchSize;
        }

        private float[] fill(int batch) {
            int length = images.image(0).length;
            float[] values = buffers[batch % 2];
            if (values == null) {
                values = new float[(batchSize + (joinsTheLast() ? 1 : 0)) * length];
                buffers[batch % 2] = values;
            }
            float[] target = values;
            IntStream.range(0, size(batch))
                    .parallel()
                    .forEach(
                            i -> {
                                int image = order[batch * batchSize + i];
                                SplittableRandom draw = Randoms.stream(seed, epoch, image);
                                augmentation.fill(images, image, draw, target, i * length);
                            });
            return values;
        }

        @Override
        public boolean hasNext() {
            return next < batches();
        }

        @Override
        public Batch next() {
            if (!hasNext()) {
                throw new NoSuchElementException();
            }
            float[] values = pending.join();
            int batch = next++;
            prefetch();
            int size = size(batch);
            NDManager owner = manager.newSubManager();
            Shape shape = new Shape(size, images.channels(), images.height(), images.width());
            NDArray data = owner.create(shape);
            int count = size * images.image(0).length;
            // Into memory that the engine owns and frees with the batch, not the garbage collector.
            DirectMemory.of(data)
                    .ifPresentOrElse(
                            memory -> memory.put(0, values, 0, count),
                            () -> {
                                FloatBuffer pixels = FloatBuffer.wrap(values, 0, count);
                                data.set(new NDIndex("..."), owner.create(pixels, shape));
                            });
            long[] labels = new long[size];
            for (int i = 0; i < size; i++) {
                labels[i] = images.label(order[batch * batchSize + i]);
            }
            return new Batch(
                    owner,
                    new NDList(data),
                    new NDList(owner.create(labels)),
                    size,
                    Batchifier.STACK,
                    Batchifier.STACK,
                    batch,
                    batches());
        }
    }

    /** Builds an {@link ImageDataset}. */
    public static final class Builder extends BaseBuilder<Builder> {

        private ImageSet images;
        private Normalization normalization;
        private int batchSize;
        private boolean shuffle;
        private boolean augment;
        private int padding;
        private long seed;
        private int round = Integer.MAX_VALUE;
        private long rewindStep;

        private Builder() {}

        /** {@inheritDoc} */
        @Override
        protected Builder self() {
            return this;
        }

        /**
         * Sets the images.
         *
         * @param images the images, at least one
         * @return this builder
         */
        public Builder setImages(ImageSet images) {
            this.images = images;
            return this;
        }

        /**
         * Sets the normalisation.
         *
         * @param normalization one mean and deviation for each channel
         * @return this builder
         */
        public Builder setNormalization(Normalization normalization) {
            this.normalization = normalization;
            return this;
        }

        /**
         * Sets the number of images in a batch.
         *
         * @param batchSize at least 1; all images where it is larger than the set
         * @return this builder
         */
        public Builder setBatchSize(int batchSize) {
            this.batchSize = batchSize;
            return this;
        }

        /**
         * Brings the images in a new random order every epoch. One that would make a last batch
         * alone, which batch normalisation cannot train on, joins the batch before, so that none is
         * left out as by PyTorch's {@code drop_last}.
         *
         * @param shuffle true for training, default false
         * @return this builder
         */
        public Builder optShuffle(boolean shuffle) {
            this.shuffle = shuffle;
            return this;
        }

        /**
         * Crops and flips the images at random.
         *
         * @param padding pixels of black around an image before it is cropped to its size again, at
         *     least 0
         * @return this builder
         */
        public Builder optAugmentation(int padding) {
            this.augment = true;
            this.padding = padding;
            return this;
        }

        /**
         * Sets the seed of order, crops and flips.
         *
         * @param seed the seed, default 0
         * @return this builder
         */
        public Builder optSeed(long seed) {
            this.seed = seed;
            return this;
        }

        /**
         * Starts order, crops and flips anew in every round, for trainings that go back to an early
         * step after each.
         *
         * @param epochs the epochs of a round, at least 1; by default there is one round
         * @param rewindStep the step that later rounds begin after, 0 for the beginning; they begin
         *     with the whole epoch that the next step is of
         * @return this builder
         */
        public Builder optRounds(int epochs, long rewindStep) {
            this.round = epochs;
            this.rewindStep = rewindStep;
            return this;
        }

        /**
         * Builds the data set.
         *
         * @return the data set
         * @throws NullPointerException if images or normalisation are missing
         * @throws IllegalArgumentException if a number is out of its range
         */
        public ImageDataset build() {
            Objects.requireNonNull(images, "The data set needs images: setImages(...)");
            Objects.requireNonNull(
                    normalization, "The data set needs a normalisation: setNormalization(...)");
            if (images.size() == 0) {
                throw new IllegalArgumentException("The data set has no images.");
            }
            if (normalization.mean().length != images.channels()) {
                throw new IllegalArgumentException(
                        "The normalisation is of "
                                + normalization.mean().length
                                + " channels, the images have "
                                + images.channels()
                                + ".");
            }
            if (batchSize < 1) {
                throw new IllegalArgumentException(
                        "The batch size must be at least 1, got " + batchSize);
            }
            long most = Math.min(batchSize, images.size());
            if (shuffle && batchSize > 1 && images.size() % batchSize == 1) {
                most++; // A last image joins.
            }
            long values = most * images.image(0).length;
            if (values > Integer.MAX_VALUE) {
                throw new IllegalArgumentException(
                        "A batch of "
                                + batchSize
                                + " images is too large, as it has "
                                + values
                                + " values: make batches smaller.");
            }
            if (padding < 0) {
                throw new IllegalArgumentException(
                        "The padding must be at least 0, got " + padding);
            }
            if (round < 1 || rewindStep < 0) {
                throw new IllegalArgumentException(
                        "A round must have at least 1 epoch and begin after step 0 or later, got "
                                + round
                                + " and "
                                + rewindStep);
            }
            setSampling(batchSize, shuffle);
            return new ImageDataset(this);
        }
    }
}
