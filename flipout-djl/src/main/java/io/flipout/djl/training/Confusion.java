package io.flipout.djl.training;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.training.Trainer;
import ai.djl.training.dataset.Batch;
import ai.djl.training.dataset.Dataset;
import ai.djl.translate.TranslateException;
import io.flipout.tensor.Transfers;
import java.io.IOException;
import java.util.Arrays;
import java.util.OptionalDouble;

/**
 * Which classes a network takes for which: row t, column p of the matrix counts the images of class
 * t whose highest output is p.
 *
 * <p>A network may have outputs that are no class of the data set; they are columns too.
 */
public final class Confusion {

    private final long[][] counts;

    private Confusion(long[][] counts) {
        this.counts = counts;
    }

    /**
     * Shows a network images and counts.
     *
     * @param trainer the trainer that holds the network
     * @param dataset batches of images and their classes, from 0
     * @param classes the number of classes, at least 1
     * @return the counts
     * @throws IOException if the data set cannot be read
     * @throws TranslateException if the data set cannot be prepared
     */
    public static Confusion of(Trainer trainer, Dataset dataset, int classes)
            throws IOException, TranslateException {
        long[][] counts = new long[classes][classes];
        for (Batch batch : trainer.iterateDataset(dataset)) {
            try (batch;
                    NDManager scratch = trainer.getManager().newSubManager()) {
                for (Batch split : batch.split(trainer.getDevices(), false)) {
                    NDArray outputs = trainer.evaluate(split.getData()).head();
                    outputs.attach(scratch);
                    long[] predicted = longs(outputs.argMax(1));
                    long[] wanted = longs(split.getLabels().head());
                    for (int i = 0; i < wanted.length; i++) {
                        int truth = Math.toIntExact(wanted[i]);
                        int guess = Math.toIntExact(predicted[i]);
                        if (guess >= counts[truth].length) {
                            widen(counts, guess + 1);
                        }
                        counts[truth][guess]++;
                    }
                }
            }
        }
        return new Confusion(counts);
    }

    /**
     * Takes counts that were made elsewhere.
     *
     * @param counts a row for each class and a column for each output, as many in every row and at
     *     least one for each class
     * @return the counts
     */
    public static Confusion of(long[][] counts) {
        return new Confusion(Arrays.stream(counts).map(long[]::clone).toArray(long[][]::new));
    }

    private static long[] longs(NDArray array) {
        try (NDArray flat = array.toType(DataType.INT64, true)) {
            return Transfers.longs(flat);
        }
    }

    private static void widen(long[][] rows, int columns) {
        for (int i = 0; i < rows.length; i++) {
            rows[i] = Arrays.copyOf(rows[i], columns);
        }
    }

    /**
     * Returns the matrix.
     *
     * @return a copy, a row for each class and a column for each output
     */
    public long[][] counts() {
        return Arrays.stream(counts).map(long[]::clone).toArray(long[][]::new);
    }

    /**
     * Returns how many images are of a class.
     *
     * @param label the class, from 0
     * @return the number of images
     */
    public long images(int label) {
        return Arrays.stream(counts[label]).sum();
    }

    /**
     * Returns the share of the images of a class that are classified rightly.
     *
     * @param label the class, from 0
     * @return the accuracy, 0 to 1; empty if there are no images of it
     */
    public OptionalDouble accuracy(int label) {
        long images = images(label);
        return images == 0
                ? OptionalDouble.empty()
                : OptionalDouble.of((double) counts[label][label] / images);
    }
}
