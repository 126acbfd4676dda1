package io.flipout.djl;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.training.GradientCollector;
import ai.djl.training.ParameterStore;
import ai.djl.training.Trainer;
import ai.djl.training.dataset.Batch;
import ai.djl.training.dataset.Dataset;
import ai.djl.training.loss.Loss;
import ai.djl.translate.TranslateException;
import io.flipout.mask.BlockPaths;
import io.flipout.mask.ParameterInfo;
import io.flipout.signal.GradientProbe;
import java.io.IOException;

/**
 * Shows a network data without training it, so that signals see its gradients. Weights, running
 * statistics, gradients and the optimizer's state are afterwards what they were.
 */
final class GradientPass {

    private final Trainer trainer;
    private final Dataset dataset;
    private final int count;

    /** A pass over the first so many batches of a data set, anew every time. */
    GradientPass(Trainer trainer, Dataset dataset, int count) {
        if (count < 1) {
            throw new IllegalArgumentException(
                    "The batches that a network is shown must be at least 1, got " + count);
        }
        this.trainer = trainer;
        this.dataset = dataset;
        this.count = count;
    }

    /** Shows the network what the probe asks for; what is drawn comes from the seed. */
    void show(PrunedNetwork network, GradientProbe probe, long seed)
            throws IOException, TranslateException {
        network.checkTrainsInPlace();
        Block block = trainer.getModel().getBlock();
        Device device = network.parameters().get(0).parameter().getArray().getDevice();
        // Of the trainer's own store, further devices would take part.
        try (NDManager manager = trainer.getManager().newSubManager(device)) {
            Snapshot before = statistics(block, manager);
            Snapshot gradients = gradients(network, manager);
            try {
                probe.weights().ifPresent(weights -> draw(network, weights, seed, before));
                showBatches(network, probe, device, new ParameterStore(manager, false));
            } finally {
                before.parameters().forEach(p -> before.restore(p, p.getArray()));
                for (Parameter parameter : gradients.parameters()) {
                    try (NDArray gradient = parameter.getArray().getGradient()) {
                        gradients.restore(parameter, gradient);
                    }
                }
            }
        }
    }

    private void showBatches(
            PrunedNetwork network, GradientProbe probe, Device device, ParameterStore store)
            throws IOException, TranslateException {
        Block block = trainer.getModel().getBlock();
        Loss loss = probe.loss().orElse(trainer.getLoss());
        boolean anyGradient = false;
        int left = count;
        for (Batch batch : trainer.iterateDataset(dataset)) {
            try (batch) {
                Batch moved = batch.split(new Device[] {device}, false)[0];
                try (GradientCollector collector = trainer.newGradientCollector()) {
                    NDList outputs = block.forward(store, moved.getData(), moved.getLabels(), null);
                    collector.backward(loss.evaluate(moved.getLabels(), outputs));
                }
                anyGradient = handOver(network, anyGradient);
            }
            if (--left == 0) {
                break;
            }
        }
        if (!anyGradient) {
            throw new IllegalStateException(
                    "No gradient reaches the prunable weights: give the network other batches, or"
                            + " check its initialisation and loss.");
        }
    }

    /** Puts other weights in the place of the network's, pruned as those are. */
    private static void draw(
            PrunedNetwork network, GradientProbe.Weights weights, long seed, Snapshot before) {
        for (ParameterInfo info : network.parameters()) {
            if (info.prunable()) {
                NDArray array = info.parameter().getArray();
                before.take(info.parameter(), array);
                float[] drawn = weights.draw(info, seed);
                byte[] alive = network.masks().get(info.path()).bytes();
                for (int i = 0; i < drawn.length; i++) {
                    drawn[i] *= alive[i];
                }
                try (NDArray values = array.getManager().create(drawn, array.getShape())) {
                    Snapshot.write(values, array);
                }
            }
        }
    }

    /** Gives the gradients to the signals and clears them for the next batch. */
    private static boolean handOver(PrunedNetwork network, boolean anyBefore) {
        boolean any = anyBefore;
        for (ParameterInfo info : network.parameters()) {
            NDArray weight = info.parameter().getArray();
            if (info.prunable()) {
                try (NDArray gradient = weight.getGradient()) {
                    any = any || isAnything(gradient);
                    network.showGradient(info, gradient);
                }
            }
            Sgd.zeroGradient(weight);
        }
        return any;
    }

    private static boolean isAnything(NDArray gradient) {
        try (NDArray norm = gradient.norm()) {
            return norm.getFloat() != 0;
        }
    }

    /** Sets aside the gradients that a step is still to take. */
    private static Snapshot gradients(PrunedNetwork network, NDManager manager) {
        Snapshot gradients = new Snapshot(manager);
        for (ParameterInfo info : network.parameters()) {
            NDArray weight = info.parameter().getArray();
            try (NDArray gradient = weight.getGradient()) {
                gradients.take(info.parameter(), gradient);
            }
            Sgd.zeroGradient(weight);
        }
        return gradients;
    }

    /** Copies what a forward pass changes, such as the running means of batch normalisation. */
    private static Snapshot statistics(Block block, NDManager manager) {
        Snapshot statistics = new Snapshot(manager);
        for (Parameter parameter : BlockPaths.parameters(block).values()) {
            if (!parameter.requiresGradient()) {
                statistics.take(parameter, parameter.getArray());
            }
        }
        return statistics;
    }
}
