package io.flipout.djl.training;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import io.flipout.tensor.Transfers;
import java.util.ArrayList;
import java.util.List;

/**
 * Adds up losses and hits without making a GPU wait for the host: what a batch yields stays on its
 * device, and is fetched a window of batches at a time. On a CPU the window is one batch.
 */
final class Meter implements AutoCloseable {

    private static final int GPU_WINDOW = 50;

    private final NDManager manager;
    private final int window;
    private final List<NDArray> losses = new ArrayList<>();
    private final List<NDArray> hits = new ArrayList<>();
    private final List<Integer> sizes = new ArrayList<>();
    private double lossSum;
    private double hitSum;
    private long images;
    private int fetched;
    private int firstBad;
    private float badLoss;

    Meter(NDManager parent) {
        this(parent, LoopPosition.BEGIN, 1);
    }

    /** Goes on from what has been added up, by so many devices a batch. */
    Meter(NDManager parent, LoopPosition from, int devices) {
        manager = parent.newSubManager();
        window = manager.getDevice().isGpu() ? GPU_WINDOW : 1;
        fetched = from.batches() * devices;
        lossSum = from.lossSum();
        hitSum = from.hits();
        images = from.images();
    }

    /** Tells what has been added up within an epoch. */
    LoopPosition position(int epochs, int batches) {
        fetch();
        return new LoopPosition(epochs, batches, images, lossSum, hitSum);
    }

    /** Adds a batch, or one device's part of it. The arrays stay the caller's. */
    void add(NDArray loss, NDArray outputs, NDArray labels, int size) {
        try (NDManager scratch = manager.newSubManager(outputs.getDevice())) {
            NDArray predicted = outputs.argMax(1);
            predicted.attach(scratch);
            NDArray wanted = labels.reshape(-1).toType(predicted.getDataType(), false);
            wanted.attach(scratch);
            NDArray equal = predicted.reshape(-1).eq(wanted);
            equal.attach(scratch);
            NDArray count = equal.toType(DataType.FLOAT32, false);
            count.attach(scratch);
            synchronized (this) {
                keep(losses, loss.stopGradient().reshape(1));
                keep(hits, count.sum().reshape(1));
                sizes.add(size);
            }
        }
    }

    private void keep(List<NDArray> list, NDArray scalar) {
        list.add(Transfers.move(scalar, manager.getDevice(), manager));
    }

    /** Fetches what has gathered, once it is a window, and tells whether all losses are finite. */
    boolean isFinite() {
        if (losses.size() >= window) {
            fetch();
        }
        return firstBad == 0;
    }

    private void fetch() {
        if (losses.isEmpty()) {
            return;
        }
        float[] lossValues = values(losses);
        float[] hitValues = values(hits);
        for (int i = 0; i < lossValues.length; i++) {
            fetched++;
            if (!Float.isFinite(lossValues[i]) && firstBad == 0) {
                firstBad = fetched;
                badLoss = lossValues[i];
            }
            lossSum += (double) lossValues[i] * sizes.get(i);
            hitSum += hitValues[i];
            images += sizes.get(i);
        }
        losses.clear();
        hits.clear();
        sizes.clear();
    }

    private static float[] values(List<NDArray> scalars) {
        NDList list = new NDList(scalars);
        try (NDArray all = NDArrays.concat(list)) {
            return Transfers.floats(all);
        } finally {
            list.close();
        }
    }

    /** Returns the number of the first part whose loss was not finite, from 1; 0 if none was. */
    int firstBad() {
        return firstBad;
    }

    float badLoss() {
        return badLoss;
    }

    Score score() {
        fetch();
        return new Score(lossSum / images, hitSum / images, images);
    }

    @Override
    public void close() {
        manager.close();
    }
}
