package io.flipout.djl;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.training.GradientCollector;
import ai.djl.training.ParameterStore;
import ai.djl.training.Trainer;
import ai.djl.training.dataset.Batch;
import ai.djl.training.dataset.Dataset;
import ai.djl.training.loss.Loss;
import ai.djl.translate.TranslateException;
import io.flipout.djl.torchscript.ModuleEvaluation;
import io.flipout.djl.training.Sgd;
import io.flipout.mask.BlockPaths;
import io.flipout.mask.ParameterInfo;
import io.flipout.signal.GradientProbe;
import io.flipout.tensor.Transfers;
import java.io.IOException;

/**
 * Shows a network data without training it, so that signals see its gradients. Weights, running
 * statistics, gradients and the optimizer's state are afterwards what they were.
 */
final class GradientPass {

    private final Dataset dataset;
    private final int count;

    /** A pass over the first so many batches or examples of a data set, anew every time. */
    GradientPass(Dataset dataset, int count) {
        if (count < 1) {
            throw new IllegalArgumentException(
                    "The batches or examples that a network is shown must be at least 1, got "
                            + count);
        }
        this.dataset = dataset;
        this.count = count;
    }

    /** Shows the network what the probe asks for; what is drawn comes from the seed. */
    void show(Trainer trainer, PrunedNetwork network, GradientProbe probe, long seed)
            throws IOException, TranslateException {
        network.checkTrainsInPlace();
        Block block = trainer.getModel().getBlock();
        Device device = network.parameters().get(0).parameter().getArray().getDevice();
        // Of the trainer's own store, further devices would take part.
        try (NDManager manager = trainer.getManager().newSubManager(device)) {
            if (probe.isInDouble()) {
                new DoublePass(trainer, network, probe, manager).show(dataset, count, seed);
                return;
            }
            Snapshot before = statistics(block, manager);
            Snapshot gradients = gradients(network, manager);
            try {
                probe.weights().ifPresent(weights -> draw(network, weights, seed, before));
                if (!new Showing(trainer, network, probe, device, manager).showAll()) {
                    throw Shown.noGradient();
                }
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

    /** One pass: what is shown to whom, and whether a gradient has come of it. */
    private final class Showing {

        private final Trainer trainer;
        private final PrunedNetwork network;
        private final Device device;
        private final GradientProbe probe;
        private final Block block;
        private final Loss loss;
        private final ParameterStore store;
        private int left = count;
        private boolean anyGradient;

        Showing(
                Trainer trainer,
                PrunedNetwork network,
                GradientProbe probe,
                Device device,
                NDManager manager) {
            this.trainer = trainer;
            this.network = network;
            this.device = device;
            this.probe = probe;
            block = trainer.getModel().getBlock();
            loss = probe.loss().orElse(trainer.getLoss());
            store = new ParameterStore(manager, false);
        }

        boolean showAll() throws IOException, TranslateException {
            for (Batch batch : trainer.iterateDataset(dataset)) {
                try (batch) {
                    Batch moved = batch.split(new Device[] {device}, false)[0];
                    switch (probe.portion()) {
                        case BATCH -> show(moved.getData(), moved.getLabels(), true);
                        case EXAMPLE -> showEach(moved);
                        case ONES -> throw new AssertionError("Shown in double.");
                    }
                }
                if (left == 0) {
                    break;
                }
            }
            return anyGradient;
        }

        /** Shows the examples of a batch, which lie along the first axis of each array. */
        private void showEach(Batch batch) {
            for (int i = 0; i < batch.getSize() && left > 0; i++) {
                // What is computed of an example belongs to its manager, and is freed with it.
                try (NDManager scratch = store.getManager().newSubManager(device)) {
                    NDList data = example(batch.getData(), i, scratch);
                    show(data, example(batch.getLabels(), i, scratch), false);
                }
            }
        }

        private static NDList example(NDList batch, int index, NDManager manager) {
            NDList example = new NDList();
            NDIndex slice = new NDIndex(index + ":" + (index + 1));
            for (NDArray array : batch) {
                example.add(array.get(slice));
            }
            example.attach(manager);
            return example;
        }

        private void show(NDList data, NDList labels, boolean training) {
            try (GradientCollector collector = trainer.newGradientCollector()) {
                NDList outputs =
                        training
                                ? block.forward(store, data, labels, null)
                                : ModuleEvaluation.forward(block, store, data);
                collector.backward(loss.evaluate(labels, Shown.tempered(probe, outputs)));
            }
            anyGradient = handOver(network, anyGradient);
            left--;
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
            return Transfers.floats(norm)[0] != 0;
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
