package io.flipout.djl;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.training.optimizer.Optimizer;
import io.flipout.djl.GradientPath.Part;
import io.flipout.djl.checkpoint.CheckpointException;
import io.flipout.djl.checkpoint.SafeTensors;
import io.flipout.djl.checkpoint.Snapshots;
import io.flipout.djl.kernel.TorchKernels;
import io.flipout.djl.training.ElementwiseOptimizer;
import io.flipout.djl.training.OptimizerState;
import io.flipout.djl.training.ParameterGradient;
import io.flipout.latent.LatentPass;
import io.flipout.latent.LatentTensor;
import io.flipout.latent.Reparameterization;
import io.flipout.mask.ParameterInfo;
import io.flipout.method.PruningMethod;
import io.flipout.tensor.ListKernels;
import io.flipout.tensor.TrainedTensor;
import io.flipout.tensor.Transfers;
import io.flipout.tensor.Update;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The latent weights of a network's parameters, where the method trains such. The network holds its
 * weights of test time, but from the forward pass of a training to its step.
 */
final class LatentWeights {

    private static final String LATENT = "latent/";
    private static final String OPTIMIZER = "latent-optimizer/";
    private static final String UPDATES = "latent-updates/";

    /** What the optimizer knows the numbers beside a parameter's weights by, after its id. */
    private static final String BESIDE = "/beside";

    private final PruningMethod method;
    private final Optional<Reparameterization> by;
    private final long seed;
    private final Map<TrainedTensor, LatentTensor> byTensor = new LinkedHashMap<>();

    /** By path, as they last left their devices. */
    private final Map<String, Object> snapshots = new HashMap<>();

    /** Those whose tensors hold the weights of training. */
    private final Set<Device> training = new HashSet<>();

    private LatentPass pass;

    LatentWeights(PruningMethod method, long seed) {
        this.method = method;
        this.seed = seed;
        by = method.reparameterization();
    }

    boolean exist() {
        return by.isPresent();
    }

    /** Tells whether passes of the training are to be told of. */
    boolean areDrawn() {
        return by.filter(b -> b.draws() != Reparameterization.Draw.NOTHING).isPresent();
    }

    /** Tells whether the weights of a device are those of training. */
    boolean areTraining(Device device) {
        return training.contains(device);
    }

    /** Tells whether a parameter has latent weights by now. */
    boolean has(ParameterInfo info) {
        return snapshots.containsKey(info.path())
                || byTensor.keySet().stream().anyMatch(t -> t.info().path().equals(info.path()));
    }

    private LatentPass pass(PrunedNetwork network) {
        if (pass == null) {
            List<ParameterInfo> own =
                    network.parameters().stream().filter(ParameterInfo::prunable).toList();
            pass = new LatentPass(by.orElseThrow(), own, seed);
        }
        return pass;
    }

    private LatentTensor of(Mirror mirror) {
        mirror.tensor().follow(mirror.weight()); // NDArray.set gives it other memory.
        return byTensor.computeIfAbsent(
                mirror.tensor(),
                tensor -> {
                    LatentTensor latent =
                            new LatentTensor(tensor, mirror.weight(), by.orElseThrow(), seed);
                    Object before = snapshots.get(tensor.info().path());
                    if (before != null) {
                        latent.restore(before);
                    }
                    return latent;
                });
    }

    private static ListKernels kernels(List<LatentTensor> tensors) {
        return TorchKernels.of(tensors.get(0).latent());
    }

    /** A pass of the training begins on a device: its weights are drawn. */
    void train(Device device, List<Mirror> mirrors, long step, PrunedNetwork network) {
        List<LatentTensor> tensors = mirrors.stream().map(this::of).toList();
        if (!tensors.isEmpty()) {
            pass(network).train(tensors, step, kernels(tensors));
            training.add(device);
        }
    }

    /** Puts the weights of test time into a device's tensors. */
    void rest(Device device) {
        if (training.remove(device)) {
            List<LatentTensor> tensors =
                    byTensor.values().stream()
                            .filter(LatentTensor::isTraining)
                            .filter(each -> each.weight().getDevice().equals(device))
                            .toList();
            if (!tensors.isEmpty()) {
                tensors.forEach(each -> each.tensor().follow(each.weight()));
                pass.rest(tensors, kernels(tensors));
            }
        }
    }

    /** Puts the weights of test time into all tensors. */
    void rest() {
        List.copyOf(training).forEach(this::rest);
    }

    /**
     * Carries the gradients of a step to latent weights, which come into the tensors for the
     * optimizer to move.
     *
     * @param devices on how many the step is taken
     * @param copies takes the gradients that are copied, to be closed after the step
     * @return the parts, with gradients of their own where DJL hands the same on to other devices
     */
    List<Part> carry(List<Part> parts, int devices, PrunedNetwork network, List<NDArray> copies) {
        List<Part> carried = new ArrayList<>();
        List<LatentTensor> tensors = new ArrayList<>();
        List<NDArray> gradients = new ArrayList<>();
        for (Part part : parts) {
            if (!isLatent(part)) {
                carried.add(part);
                continue;
            }
            Part own = part;
            if (devices > 1 && !part.isOwn()) {
                own = withOwnGradient(part);
                copies.add(own.gradient());
            }
            LatentTensor tensor = of(part.mirror());
            if (areDrawn() && !tensor.isDrawn()) {
                throw new IllegalStateException(
                        "The method "
                                + method.name()
                                + " draws the weights of a step before its forward pass, and has"
                                + " seen none: compute it by trainer.forward(...), and load"
                                + " TorchScript modules by TorchScriptModels.");
            }
            carried.add(own);
            tensors.add(tensor);
            gradients.add(own.gradient());
        }
        if (!tensors.isEmpty()) {
            pass(network)
                    .carry(tensors, gradients, tensors.get(0).tensor().steps(), kernels(tensors));
        }
        return carried;
    }

    private static boolean isLatent(Part part) {
        ParameterInfo info = part.tensor().info();
        return info.prunable() && info.size() > 0;
    }

    private static Part withOwnGradient(Part part) {
        Update update = part.update();
        NDArray gradient = update.gradient().duplicate();
        Update own = Update.of(part.tensor(), update.weight(), gradient);
        return new Part(part.mirror(), own, false, part.wiring());
    }

    /** Takes up what the optimizer has moved, moves what is beside it, and lets all rest. */
    void settle(List<Part> parts, Optimizer optimizer, PrunedNetwork network) {
        List<LatentTensor> tensors =
                parts.stream().filter(LatentWeights::isLatent).map(p -> of(p.mirror())).toList();
        if (tensors.isEmpty()) {
            return;
        }
        List<ParameterGradient> beside = new ArrayList<>();
        for (LatentTensor tensor : tensors) {
            beside.add(new ParameterGradient(id(tensor), tensor.auxiliary(), tensor.gradient()));
        }
        if (optimizer instanceof ElementwiseOptimizer elementwise) {
            elementwise.stepWithoutDecay(beside);
        } else {
            beside.forEach(each -> optimizer.update(each.id(), each.weight(), each.gradient()));
        }
        pass(network).settle(tensors, kernels(tensors));
    }

    private static String id(LatentTensor tensor) {
        return id(tensor.tensor().info());
    }

    private static String id(ParameterInfo info) {
        return info.parameter().getId() + BESIDE;
    }

    private Optional<LatentTensor> first(ParameterInfo info) {
        return byTensor.values().stream()
                .filter(each -> each.tensor().info().path().equals(info.path()))
                .findFirst();
    }

    /**
     * Adds latent weights, what is beside them, and what the optimizer keeps of that, to arrays.
     */
    void save(PrunedNetwork network, Optimizer optimizer, Map<String, Object> arrays) {
        if (by.isEmpty()) {
            return;
        }
        for (ParameterInfo info : network.parameters()) {
            if (info.prunable()) {
                Optional<LatentTensor> tensor = first(info);
                Object now = tensor.map(LatentTensor::snapshot).orElse(snapshots.get(info.path()));
                Snapshots.put(arrays, LATENT + info.path(), now == null ? List.of() : now);
                if (tensor.isPresent() && optimizer instanceof OptimizerState stateful) {
                    NDArray beside = tensor.get().auxiliary();
                    String id = id(info);
                    int updates = stateful.updates(id, beside);
                    arrays.put(
                            UPDATES + info.path(),
                            new long[] {updates, stateful.clearedAt(id, beside)});
                    Snapshots.put(arrays, OPTIMIZER + info.path(), state(stateful, id, beside));
                }
            }
        }
    }

    private static List<float[]> state(OptimizerState optimizer, String id, NDArray beside) {
        return optimizer.state(id, beside).stream().map(Transfers::floats).toList();
    }

    /**
     * Continues from a file.
     *
     * @param steps how many the training had taken
     */
    void load(PrunedNetwork network, Optimizer optimizer, SafeTensors file, long steps)
            throws IOException {
        byTensor.clear();
        training.clear();
        snapshots.clear();
        if (by.isEmpty()) {
            return;
        }
        for (ParameterInfo info : network.parameters()) {
            String name = LATENT + info.path();
            if (!info.prunable()) {
                continue;
            }
            if (!Snapshots.contains(file, name)) {
                if (steps > 0) {
                    throw lacking(info);
                }
                continue;
            }
            List<?> saved = (List<?>) Snapshots.get(file, name, info.size());
            if (saved.isEmpty()) {
                continue;
            }
            check(info, saved);
            snapshots.put(info.path(), saved);
            if (optimizer instanceof OptimizerState stateful
                    && Snapshots.contains(file, OPTIMIZER + info.path())) {
                List<?> state = (List<?>) Snapshots.get(file, OPTIMIZER + info.path(), info.size());
                long[] updates = file.longs(UPDATES + info.path(), 2);
                stateful.restore(
                        id(info),
                        state.stream().map(float[].class::cast).toList(),
                        Math.toIntExact(updates[0]),
                        Math.toIntExact(updates[1]));
            }
        }
    }

    private void check(ParameterInfo info, List<?> saved) throws CheckpointException {
        long count = LatentTensor.count(info, by.orElseThrow());
        boolean fits =
                saved.size() == 2
                        && saved.get(0) instanceof float[] latent
                        && latent.length == info.size()
                        && saved.get(1) instanceof float[] beside
                        && beside.length == count;
        if (!fits) {
            throw lacking(info);
        }
    }

    private CheckpointException lacking(ParameterInfo info) {
        return new CheckpointException(
                "The saved training lacks the latent weights that "
                        + method.name()
                        + " trains in the place of "
                        + info.path()
                        + ": begin anew, or go on with the method that it was saved by.");
    }

    /** Takes the latent weights off the devices, for a next training of the same network. */
    void leaveDevices(Optimizer optimizer) {
        rest();
        Set<String> left = new HashSet<>();
        for (LatentTensor tensor : byTensor.values()) {
            ParameterInfo info = tensor.tensor().info();
            if (left.add(info.path())) { // Of mirrors, which are the same.
                snapshots.put(info.path(), tensor.snapshot());
                if (optimizer instanceof OptimizerState stateful) {
                    NDArray beside = tensor.auxiliary();
                    String id = id(info);
                    stateful.restore(
                            id,
                            state(stateful, id, beside),
                            stateful.updates(id, beside),
                            stateful.clearedAt(id, beside));
                }
            }
        }
        byTensor.clear();
        training.clear();
        if (pass != null) {
            pass.close();
            pass = null;
        }
    }
}
