package io.flipout.djl;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.training.optimizer.Optimizer;
import io.flipout.djl.GradientPath.Part;
import io.flipout.djl.training.ParameterGradient;
import io.flipout.gradient.GradientTerm;
import io.flipout.method.PruningMethod;
import io.flipout.tensor.Update;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What a method does in each step of a training: its gradient terms and its wirings at work. */
final class RunningMethod {

    private final PruningMethod method;
    private final long seed;
    private final Wirings wirings;
    private final LatentWeights latents;
    private final GradientPath path;
    private List<GradientTerm.Running> terms = List.of();

    RunningMethod(PruningSettings settings, Wirings wirings, LatentWeights latents) {
        method = settings.method();
        seed = settings.seed();
        this.wirings = wirings;
        this.latents = latents;
        path = new GradientPath(method.signals());
    }

    /**
     * A step begins, before which the terms start that the trainer has none of yet.
     *
     * @param isPruned whether there has been a pruning
     */
    void beginStep(PrunedNetwork network, boolean isPruned) {
        if (terms.isEmpty() && !method.gradientTerms().isEmpty()) {
            terms =
                    method.gradientTerms().stream()
                            .map(term -> term.start(network.parameters(), seed))
                            .toList();
            if (isPruned) {
                afterPruning();
            }
        }
    }

    /**
     * Returns what the path of gradients takes.
     *
     * @param isOwn whether the gradient is the array's own, to be written to and left 0
     */
    Part part(Mirror mirror, ParameterGradient update, boolean isOwn, PrunedNetwork network) {
        Update moved = Update.of(mirror.tensor(), mirror.weight(), update.gradient());
        if (moved.isOnHost()) {
            mirror.tensor().follow(mirror.weight()); // NDArray.set gives it other memory.
        }
        return new Part(mirror, moved, isOwn, wirings.of(mirror.tensor().info(), network));
    }

    /**
     * Takes a step.
     *
     * @param devices on how many the network trains
     * @param network whose parameters they are
     */
    void take(List<Part> parts, Optimizer base, int devices, PrunedNetwork network) {
        Map<Device, List<Part>> byDevice = new LinkedHashMap<>();
        for (Part part : parts) {
            Device device = part.mirror().weight().getDevice();
            byDevice.computeIfAbsent(device, d -> new ArrayList<>()).add(part);
        }
        for (List<Part> onDevice : byDevice.values()) {
            onDevice.sort(Comparator.comparingInt(part -> part.tensor().info().index()));
            if (latents.exist()) {
                takeLatent(onDevice, base, devices, network);
            } else {
                path.take(onDevice, terms, base, devices);
            }
        }
    }

    private void takeLatent(List<Part> parts, Optimizer base, int devices, PrunedNetwork network) {
        List<NDArray> copies = new ArrayList<>();
        List<Part> carried = latents.carry(parts, devices, network, copies);
        path.take(carried, terms, base, devices);
        latents.settle(carried, base, network);
        copies.forEach(NDArray::close);
    }

    void afterPruning() {
        terms.forEach(GradientTerm.Running::afterPruning);
    }

    /** The arrays of the devices go; what wirings know stays. */
    void leaveDevices(Optimizer optimizer) {
        terms.forEach(GradientTerm.Running::close);
        terms = List.of();
        wirings.leaveDevices();
        latents.leaveDevices(optimizer);
        path.close();
    }
}
