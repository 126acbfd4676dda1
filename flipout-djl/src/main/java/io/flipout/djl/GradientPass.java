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
import ai.djl.translate.TranslateException;
import io.flipout.mask.BlockPaths;
import io.flipout.mask.ParameterInfo;
import java.io.IOException;

/**
 * Shows a network batches without training it, so that signals see its gradients. Weights, running
 * statistics and the optimizer's state stay as they were, gradients are 0 again.
 */
final class GradientPass {

    private final Trainer trainer;
    private final Dataset dataset;
    private final int batches;

    /** A pass over the first so many batches of a data set, anew every time. */
    GradientPass(Trainer trainer, Dataset dataset, int batches) {
        if (batches < 1) {
            throw new IllegalArgumentException(
                    "The batches that a network is shown must be at least 1, got " + batches);
        }
        this.trainer = trainer;
        this.dataset = dataset;
        this.batches = batches;
    }

    void show(PrunedNetwork network) throws IOException, TranslateException {
        Block block = trainer.getModel().getBlock();
        Device device = network.parameters().get(0).parameter().getArray().getDevice();
        boolean anyGradient = false;
        // Of the trainer's own store, further devices would take part.
        try (NDManager manager = trainer.getManager().newSubManager(device)) {
            ParameterStore store = new ParameterStore(manager, false);
            Snapshot statistics = statistics(block, manager);
            int left = batches;
            for (Batch batch : trainer.iterateDataset(dataset)) {
                try (batch) {
                    Batch moved = batch.split(new Device[] {device}, false)[0];
                    try (GradientCollector collector = trainer.newGradientCollector()) {
                        NDList outputs =
                                block.forward(store, moved.getData(), moved.getLabels(), null);
                        collector.backward(trainer.getLoss().evaluate(moved.getLabels(), outputs));
                    }
                    anyGradient |= handOver(network);
                }
                if (--left == 0) {
                    break;
                }
            }
            statistics.parameters().forEach(p -> statistics.restore(p, p.getArray()));
        }
        if (!anyGradient) {
            throw new IllegalStateException(
                    "No gradient reaches the prunable weights: give the network other batches, or"
                            + " check its initialisation and loss.");
        }
    }

    /** Gives the gradients to the signals and clears them for the next batch. */
    private static boolean handOver(PrunedNetwork network) {
        boolean any = false;
        for (ParameterInfo info : network.parameters()) {
            NDArray weight = info.parameter().getArray();
            if (info.prunable()) {
                try (NDArray gradient = weight.getGradient();
                        NDArray norm = gradient.norm()) {
                    any |= norm.getFloat() != 0;
                    network.showGradient(info, gradient);
                }
            }
            Sgd.zeroGradient(weight);
        }
        return any;
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
