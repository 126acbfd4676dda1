package io.flipout.djl.training;

import ai.djl.Device;
import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.training.GradientCollector;
import ai.djl.training.Trainer;
import ai.djl.training.dataset.Batch;
import ai.djl.training.dataset.Dataset;
import ai.djl.training.listener.TrainingListener.BatchData;
import ai.djl.translate.TranslateException;
import io.flipout.tensor.Randoms;
import io.flipout.tensor.Scalars;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Trains a classifier epoch by epoch: train, evaluate, prune, report.
 *
 * <p>It does what {@code EasyTrain.fit} does and notifies the trainer's listeners in the same
 * order, with these differences: it waits for all devices before it steps, weighs their shares of a
 * batch by size, leaves out a last batch of one sample where batch normalisation cannot train on
 * it, never makes a GPU wait for the host within a step, stops at the first loss that is not
 * finite, and counts hits and losses without DJL's evaluators.
 */
public final class TrainingLoop {

    /** What PyTorch says where a channel has one value in all. */
    private static final String TOO_FEW_VALUES = "more than 1 value per channel";

    private final Trainer trainer;
    private final int epochs;
    private final Dataset train;
    private final Dataset validation;
    private final Dataset test;
    private final TrainingProgress progress;
    private final LoopPosition start;
    private final Long seed;

    private TrainingLoop(Builder builder) {
        trainer = builder.trainer;
        StepServer.serve(trainer);
        epochs = builder.epochs;
        train = builder.train;
        validation = builder.validation;
        test = builder.test;
        progress = builder.progress;
        start = builder.start;
        seed = builder.seed;
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
     * Trains the network.
     *
     * @return what each epoch came to that was finished now
     * @throws DivergedException if the loss is not finite
     * @throws IllegalArgumentException if the network arrives with values that are not finite
     * @throws IOException if a data set cannot be read
     * @throws TranslateException if a data set cannot be prepared
     */
    public List<EpochResult> run() throws IOException, TranslateException {
        if (start.equals(LoopPosition.BEGIN)) {
            InitialWeights.check(trainer.getModel().getBlock());
        }
        List<EpochResult> results = new ArrayList<>();
        LoopPosition position = start;
        while (position.epochs() < epochs) {
            int epoch = position.epochs() + 1;
            progress.onEpochBegin(epoch);
            long begin = System.nanoTime();
            Optional<Score> trained = trainEpoch(position);
            if (trained.isEmpty()) {
                break;
            }
            double trainSeconds = secondsSince(begin);
            Optional<Score> validated = evaluate(trainer, validation);
            Optional<Score> tested = evaluate(trainer, test);
            trainer.notifyListeners(listener -> listener.onEpoch(trainer));
            EpochResult result =
                    new EpochResult(
                            epoch,
                            trained.get(),
                            validated,
                            tested,
                            trainSeconds,
                            secondsSince(begin));
            results.add(result);
            progress.onEpochEnd(result);
            LoopPosition next = LoopPosition.after(epoch);
            position = next;
            if (!progress.proceed(() -> next)) {
                break;
            }
        }
        return results;
    }

    private static double secondsSince(long nanos) {
        return (System.nanoTime() - nanos) / 1e9;
    }

    /** Trains what is left of an epoch; returns nothing if it is to end before the epoch does. */
    private Optional<Score> trainEpoch(LoopPosition from) throws IOException, TranslateException {
        Device[] devices = trainer.getDevices();
        int epoch = from.epochs() + 1;
        int batches = from.batches();
        long images = from.images();
        try (Meter meter = new Meter(trainer.getManager(), from, devices.length)) {
            for (Batch batch : trainer.iterateDataset(train)) {
                try (batch) {
                    seedStep(epoch, batches);
                    if (trainBatch(batch, meter, batches == 0)) {
                        trainer.step();
                    }
                    images += batch.getSize();
                }
                batches++;
                if (!meter.isFinite()) {
                    int step = (meter.firstBad() - 1) / devices.length + 1;
                    throw new DivergedException(epoch, step, meter.badLoss());
                }
                progress.onBatch(epoch, images);
                int done = batches;
                if (!progress.proceed(() -> meter.position(from.epochs(), done))) {
                    return Optional.empty();
                }
            }
            return Optional.of(meter.score());
        }
    }

    /** Names what the engine draws at random in a step by the step, not by what came before. */
    private void seedStep(int epoch, int batch) {
        if (seed != null) {
            int drawn = Randoms.stream(seed, epoch, batch).nextInt();
            trainer.getManager().getEngine().setRandomSeed(drawn);
        }
    }

    /**
     * Computes the gradients of a batch. A last one of a single sample, which batch normalisation
     * has no variance of, is left out, as {@code drop_last} does in PyTorch.
     */
    private boolean trainBatch(Batch batch, Meter meter, boolean isFirst) {
        try {
            trainBatch(batch, meter);
            return true;
        } catch (EngineException e) {
            if (!String.valueOf(e.getMessage()).contains(TOO_FEW_VALUES)) {
                throw e;
            }
            if (batch.getSize() > 1 || isFirst) {
                throw new IllegalStateException(
                        "Batch normalisation has no variance of a single value, and the share of a"
                                + " device in a batch of "
                                + batch.getSize()
                                + " has no more: make batches larger.",
                        e);
            }
            return false;
        }
    }

    private void trainBatch(Batch batch, Meter meter) {
        Batch[] splits = batch.split(trainer.getDevices(), false);
        BatchData batchData =
                new BatchData(batch, new ConcurrentHashMap<>(), new ConcurrentHashMap<>());
        try (GradientCollector collector = trainer.newGradientCollector()) {
            CompletableFuture<?>[] others = new CompletableFuture<?>[splits.length - 1];
            for (int i = 1; i < splits.length; i++) {
                Batch split = splits[i];
                Runnable work = () -> trainSplit(batch, split, collector, batchData, meter);
                others[i - 1] = CompletableFuture.runAsync(work);
            }
            trainSplit(batch, splits[0], collector, batchData, meter);
            CompletableFuture.allOf(others).join();
        } catch (CompletionException e) {
            if (e.getCause() instanceof RuntimeException cause) {
                throw cause;
            }
            throw e;
        }
        trainer.notifyListeners(listener -> listener.onTrainingBatch(trainer, batchData));
    }

    private void trainSplit(
            Batch batch,
            Batch split,
            GradientCollector collector,
            BatchData batchData,
            Meter meter) {
        NDList labels = split.getLabels();
        NDList outputs = trainer.forward(split.getData(), labels);
        NDArray loss = trainer.getLoss().evaluate(labels, outputs);
        // The gradients of the devices are summed: each counts for its share of the batch.
        int size = split.getSize();
        float share = (float) size / batch.getSize();
        collector.backward(share == 1 ? loss : loss.mul(Scalars.of(share, loss.getManager())));
        meter.add(loss, outputs.head(), labels.head(), size);
        batchData.getLabels().put(labels.head().getDevice(), labels);
        batchData.getPredictions().put(outputs.head().getDevice(), outputs);
    }

    /**
     * Evaluates a network.
     *
     * @param trainer the trainer that holds the network and the loss
     * @param dataset the images; null if there are none
     * @return the score; empty if there are no images
     * @throws IOException if the data set cannot be read
     * @throws TranslateException if the data set cannot be prepared
     */
    public static Optional<Score> evaluate(Trainer trainer, Dataset dataset)
            throws IOException, TranslateException {
        if (dataset == null) {
            return Optional.empty();
        }
        try (Meter meter = new Meter(trainer.getManager())) {
            for (Batch batch : trainer.iterateDataset(dataset)) {
                try (batch) {
                    for (Batch split : batch.split(trainer.getDevices(), false)) {
                        NDList labels = split.getLabels();
                        NDList outputs = trainer.evaluate(split.getData());
                        NDArray loss = trainer.getLoss().evaluate(labels, outputs);
                        meter.add(loss, outputs.head(), labels.head(), split.getSize());
                    }
                }
                meter.isFinite();
            }
            return Optional.of(meter.score());
        }
    }

    /** Builds a {@link TrainingLoop}. */
    public static final class Builder {

        private Trainer trainer;
        private int epochs;
        private Dataset train;
        private Dataset validation;
        private Dataset test;
        private TrainingProgress progress = new TrainingProgress() {};
        private LoopPosition start = LoopPosition.BEGIN;
        private Long seed;

        private Builder() {}

        /**
         * Sets the trainer, with its network initialised.
         *
         * @param trainer the trainer
         * @return this builder
         */
        public Builder setTrainer(Trainer trainer) {
            this.trainer = trainer;
            return this;
        }

        /**
         * Sets the number of epochs.
         *
         * @param epochs at least 1
         * @return this builder
         */
        public Builder setEpochs(int epochs) {
            this.epochs = epochs;
            return this;
        }

        /**
         * Sets the training images.
         *
         * @param train batches of (N, C, H, W) and N labels
         * @return this builder
         */
        public Builder setTrain(Dataset train) {
            this.train = train;
            return this;
        }

        /**
         * Sets held-out training images, scored after every epoch.
         *
         * @param validation the images; null for none
         * @return this builder
         */
        public Builder optValidation(Dataset validation) {
            this.validation = validation;
            return this;
        }

        /**
         * Sets test images, scored after every epoch.
         *
         * @param test the images; null for none
         * @return this builder
         */
        public Builder optTest(Dataset test) {
            this.test = test;
            return this;
        }

        /**
         * Sets who follows the training.
         *
         * @param progress the follower
         * @return this builder
         */
        public Builder optProgress(TrainingProgress progress) {
            this.progress = progress;
            return this;
        }

        /**
         * Sets where the training begins, to go on with one that was stopped. The network, the
         * optimizer and the pruner are then as they were there ({@code Pruner.load}), and the next
         * pass over the training images begins with the next batch ({@link
         * io.flipout.djl.data.ImageDataset#setPosition}).
         *
         * @param start the position, default {@link LoopPosition#BEGIN}
         * @return this builder
         */
        public Builder optStart(LoopPosition start) {
            this.start = start;
            return this;
        }

        /**
         * Sets a seed for what the engine draws at random in a step, such as dropout: it then
         * depends on the seed and the step alone, so that a training that was stopped goes on as if
         * it had not been. It seeds the engine anew before every step.
         *
         * @param seed the seed, by default none
         * @return this builder
         */
        public Builder optSeed(long seed) {
            this.seed = seed;
            return this;
        }

        /**
         * Builds the loop.
         *
         * @return the loop
         * @throws NullPointerException if the trainer or the training images are missing
         * @throws IllegalArgumentException if epochs are fewer than 1
         */
        public TrainingLoop build() {
            Objects.requireNonNull(trainer, "The loop needs a trainer: setTrainer(...)");
            Objects.requireNonNull(train, "The loop needs training images: setTrain(...)");
            if (epochs < 1) {
                throw new IllegalArgumentException("Epochs must be at least 1, got " + epochs);
            }
            return new TrainingLoop(this);
        }
    }
}
