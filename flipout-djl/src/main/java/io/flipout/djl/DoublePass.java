package io.flipout.djl;

import ai.djl.Device;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.DataType;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.nn.SymbolBlock;
import ai.djl.training.GradientCollector;
import ai.djl.training.ParameterStore;
import ai.djl.training.Trainer;
import ai.djl.training.dataset.Batch;
import ai.djl.training.dataset.Dataset;
import ai.djl.training.loss.Loss;
import ai.djl.translate.TranslateException;
import io.flipout.djl.training.Sgd;
import io.flipout.mask.BlockPaths;
import io.flipout.mask.ParameterInfo;
import io.flipout.signal.GradientProbe;
import io.flipout.signal.GradientProbe.Derivative;
import io.flipout.signal.GradientProbe.Portion;
import io.flipout.tensor.Transfers;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Shows data to a copy of a network in double, for probes that floats are too short for. The
 * network itself, its statistics and gradients are not touched.
 */
final class DoublePass {

    /** How far θ is moved along g for H·g, as a share of its norm. */
    private static final double STEP = 1e-6;

    private final Trainer trainer;
    private final PrunedNetwork network;
    private final GradientProbe probe;
    private final NDManager manager;
    private final Device device;
    private final Block block;
    private final Doubles doubles;
    private final List<NDList> inputs = new ArrayList<>();
    private final List<NDList> labels = new ArrayList<>();

    /** Hands the blocks copies of their parameters. */
    private static final class Doubles extends ParameterStore {

        private final Map<Parameter, NDArray> copies = new HashMap<>();

        Doubles(NDManager manager) {
            super(manager, false);
        }

        @Override
        public NDArray getValue(Parameter parameter, Device device, boolean training) {
            return copies.get(parameter);
        }
    }

    DoublePass(Trainer trainer, PrunedNetwork network, GradientProbe probe, NDManager manager) {
        this.trainer = trainer;
        this.network = network;
        this.probe = probe;
        this.manager = manager;
        device = manager.getDevice();
        block = trainer.getModel().getBlock();
        Map<String, Block> owners = BlockPaths.owners(block);
        if (owners.values().stream().anyMatch(SymbolBlock.class::isInstance)) {
            throw new IllegalStateException(
                    "The method computes the network in double before training, which the parameters"
                            + " of a TorchScript module, of floats, do not allow: take another"
                            + " method, or a network that is no such module.");
        }
        doubles = new Doubles(manager);
        for (Parameter parameter : BlockPaths.parameters(block).values()) {
            doubles.copies.put(parameter, copy(parameter));
        }
    }

    private NDArray copy(Parameter parameter) {
        try (NDArray values = parameter.getArray().stopGradient();
                NDArray precise = values.toType(DataType.FLOAT64, true)) {
            NDArray copy = probe.portion() == Portion.ONES ? precise.abs() : precise.duplicate();
            copy.attach(manager);
            if (parameter.requiresGradient()) {
                copy.setRequiresGradient(true);
            }
            return copy;
        }
    }

    /** Shows the data, and hands over what signals are to see. */
    void show(Dataset dataset, int count, long seed) throws IOException, TranslateException {
        take(dataset, count);
        Map<ParameterInfo, NDArray> gradients = gradients(seed);
        if (probe.derivative() == Derivative.HESSIAN_GRADIENT) {
            gradients = hessianProduct(gradients, seed);
        }
        for (Map.Entry<ParameterInfo, NDArray> entry : gradients.entrySet()) {
            try (NDArray gradient = entry.getValue().toType(DataType.FLOAT32, true)) {
                network.showGradient(entry.getKey(), gradient);
            }
        }
    }

    /** Takes the batches once, however often they are shown. */
    private void take(Dataset dataset, int count) throws IOException, TranslateException {
        int left = probe.portion() == Portion.ONES ? 1 : count;
        for (Batch batch : trainer.iterateDataset(dataset)) {
            try (batch) {
                Batch moved = batch.split(new Device[] {device}, false)[0];
                inputs.add(
                        probe.portion() == Portion.ONES
                                ? ones(moved.getData())
                                : precise(moved.getData()));
                labels.add(precise(moved.getLabels()));
            }
            if (--left == 0) {
                break;
            }
        }
    }

    private NDList ones(NDList batch) {
        NDList ones = new NDList();
        for (NDArray array : batch) {
            ones.add(manager.ones(array.get(new NDIndex("0:1")).getShape(), DataType.FLOAT64));
        }
        return ones;
    }

    /** Copies arrays, which keep their type if it is none of fractions. */
    private NDList precise(NDList arrays) {
        NDList copies = new NDList();
        for (NDArray array : arrays) {
            boolean isReal = array.getDataType().isFloating();
            DataType type = isReal ? DataType.FLOAT64 : array.getDataType();
            // An array of the type already would share its memory, which ends with the batch.
            copies.add(type == array.getDataType() ? array.duplicate() : array.toType(type, false));
        }
        copies.attach(manager);
        return copies;
    }

    /** Returns the gradients of the prunable weights, summed over all that is shown. */
    private Map<ParameterInfo, NDArray> gradients(long seed) {
        Engine engine = manager.getEngine();
        for (ParameterInfo info : network.parameters()) {
            Sgd.zeroGradient(doubles.copies.get(info.parameter()));
        }
        for (int i = 0; i < inputs.size(); i++) {
            engine.setRandomSeed((int) seed + i); // The same dropout wherever it is shown.
            try (GradientCollector collector = trainer.newGradientCollector()) {
                collector.backward(loss(i));
            }
        }
        Map<ParameterInfo, NDArray> gradients = new LinkedHashMap<>();
        boolean isAnything = false;
        for (ParameterInfo info : network.parameters()) {
            if (info.prunable()) {
                try (NDArray gradient = doubles.copies.get(info.parameter()).getGradient();
                        NDArray alive = alive(info)) {
                    NDArray masked = gradient.mul(alive);
                    masked.attach(manager);
                    gradients.put(info, masked);
                    isAnything = isAnything || norm(masked) != 0;
                }
            }
        }
        if (!isAnything) {
            throw Shown.noGradient();
        }
        return gradients;
    }

    private NDArray loss(int batch) {
        if (probe.portion() == Portion.ONES) {
            NDArray sum = block.forward(doubles, inputs.get(batch), false, null).head().sum();
            double flow = Transfers.doubles(sum)[0];
            if (!(flow > 0 && Double.isFinite(flow))) {
                throw new IllegalStateException(
                        "The magnitudes of the network's weights let nothing through that can be"
                                + " ranked: its outputs add up to "
                                + flow
                                + ", where a number greater than 0 is needed.");
            }
            return sum.log();
        }
        NDList outputs = block.forward(doubles, inputs.get(batch), labels.get(batch), null);
        Loss loss = probe.loss().orElse(trainer.getLoss());
        return loss.evaluate(labels.get(batch), Shown.tempered(probe, outputs));
    }

    private NDArray alive(ParameterInfo info) {
        byte[] bytes = network.masks().get(info.path()).bytes();
        double[] alive = new double[bytes.length];
        for (int i = 0; i < alive.length; i++) {
            alive[i] = bytes[i];
        }
        return manager.create(alive, info.shape());
    }

    private static double norm(NDArray array) {
        try (NDArray norm = array.norm()) {
            return Transfers.doubles(norm)[0];
        }
    }

    /** Returns H·g ≈ (g(θ + ε·g) − g(θ − ε·g)) / 2ε. */
    private Map<ParameterInfo, NDArray> hessianProduct(
            Map<ParameterInfo, NDArray> gradients, long seed) {
        double squares = 0;
        double weights = 0;
        for (Map.Entry<ParameterInfo, NDArray> entry : gradients.entrySet()) {
            squares += Math.pow(norm(entry.getValue()), 2);
            weights += Math.pow(norm(doubles.copies.get(entry.getKey().parameter())), 2);
        }
        double epsilon = STEP * Math.max(1e-3, Math.sqrt(weights)) / Math.sqrt(squares);
        move(gradients, epsilon);
        Map<ParameterInfo, NDArray> product = gradients(seed);
        move(gradients, -2 * epsilon);
        gradients(seed).forEach((info, behind) -> product.get(info).subi(behind));
        product.values().forEach(difference -> difference.divi(2 * epsilon));
        return product;
    }

    private void move(Map<ParameterInfo, NDArray> along, double length) {
        along.forEach(
                (info, gradient) -> {
                    try (NDArray values = doubles.copies.get(info.parameter()).stopGradient();
                            NDArray step = gradient.mul(length)) {
                        values.addi(step);
                    }
                });
    }
}
