package io.flipout.djl;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.training.optimizer.Optimizer;
import io.flipout.djl.kernel.JoinedTensors;
import io.flipout.djl.training.ElementwiseOptimizer;
import io.flipout.djl.training.Sgd;
import io.flipout.gradient.GradientTerm;
import io.flipout.signal.Signal;
import io.flipout.tensor.DeviceStep;
import io.flipout.tensor.Piece;
import io.flipout.tensor.StepPass;
import io.flipout.tensor.TrainedTensor;
import io.flipout.tensor.Update;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * The way of the gradients of a step through pruning; see the package's documentation of the order.
 *
 * <p>It has three forms with one meaning. In the host's memory a step is one walk over all tensors,
 * piece by piece, after one that measures what noise needs. On a device it is some thirty
 * operations on flat arrays of all tensors. What neither can take, such as a step that rewires,
 * goes tensor by tensor.
 */
final class GradientPath implements AutoCloseable {

    private final List<Signal> signals;
    private final JoinedTensors joined = new JoinedTensors();

    /**
     * A parameter that takes part in a step, on one device.
     *
     * @param isOwn whether the gradient is the array's own, to be written to and left 0
     */
    record Part(Mirror mirror, Update update, boolean isOwn, Optional<RewiredTensor> wiring) {

        NDArray gradient() {
            return update.gradient();
        }

        TrainedTensor tensor() {
            return mirror.tensor();
        }

        String id() {
            return tensor().info().parameter().getId();
        }

        /** Whether this step may change which weights are alive, or what they are. */
        boolean isRewired() {
            return wiring.isPresent() && !wiring.get().isIdle(mirror);
        }

        void see(Piece piece) {
            for (Signal.Watch watch : mirror.watches()) {
                watch.afterStep(piece);
            }
        }
    }

    GradientPath(List<Signal> signals) {
        this.signals = signals;
    }

    /**
     * Takes a step on one device.
     *
     * @param devices on how many the step is taken
     */
    void take(List<Part> parts, List<GradientTerm.Running> terms, Optimizer base, int devices) {
        List<Part> onHost = new ArrayList<>();
        List<Part> together = new ArrayList<>();
        List<Part> alone = new ArrayList<>();
        for (Part part : parts) {
            if (part.tensor().info().size() > 0) {
                part.mirror().watches().forEach(watch -> watch.beforeStep(part.gradient()));
                (part.isRewired()
                                ? alone
                                : part.update().isOnHost()
                                        ? onHost
                                        : part.update().isFloat() ? together : alone)
                        .add(part);
            }
        }
        if (!takeInPieces(onHost, terms, base)) {
            alone.addAll(onHost);
        }
        if (!takeFlat(together, terms, base)) {
            alone.addAll(together);
        }
        alone.forEach(part -> takeAlone(part, terms, base, devices));
        parts.forEach(part -> part.tensor().countStep());
    }

    /** Takes the step in the host's memory, where everything that takes part in it can. */
    private static boolean takeInPieces(
            List<Part> parts, List<GradientTerm.Running> terms, Optimizer base) {
        if (parts.isEmpty() || !(base instanceof ElementwiseOptimizer optimizer)) {
            return false;
        }
        List<Update> step = parts.stream().map(Part::update).toList();
        List<StepPass.Work> works = new ArrayList<>();
        terms.forEach(term -> term.inPieces(step).ifPresent(works::add));
        Optional<StepPass.Work> move =
                works.size() == terms.size() ? optimizer.inPieces(step) : Optional.empty();
        if (move.isEmpty()) {
            return false;
        }
        works.add(move.get());
        works.add(Piece::maskWeights);
        works.add(piece -> parts.get(piece.tensor()).see(piece));
        if (parts.get(0).isOwn()) {
            works.add(Piece::clearGradients);
        }
        StepPass.over(step, works);
        for (Part part : parts) {
            if (!part.isOwn()) {
                Sgd.zeroGradient(part.mirror().weight());
            }
            for (Signal.Watch watch : part.mirror().watches()) {
                if (!watch.takesPieces()) {
                    watch.afterStep();
                }
            }
        }
        return true;
    }

    /** Takes the step on flat arrays, where several tensors can be joined. */
    private boolean takeFlat(List<Part> parts, List<GradientTerm.Running> terms, Optimizer base) {
        if (parts.size() < 2) {
            return false;
        }
        List<Update> step = parts.stream().map(Part::update).toList();
        try (DeviceStep flat = joined.begin(step)) {
            for (GradientTerm.Running term : terms) {
                if (!term.apply(flat)) {
                    NDList gradients = flat.parts(flat.gradients());
                    for (int i = 0; i < parts.size(); i++) {
                        term.apply(parts.get(i).tensor(), gradients.get(i));
                    }
                }
            }
            if (base instanceof ElementwiseOptimizer optimizer) {
                optimizer.step(flat);
            } else {
                NDList gradients = flat.parts(flat.gradients());
                for (int i = 0; i < parts.size(); i++) {
                    Part part = parts.get(i);
                    base.update(part.id(), part.mirror().weight(), gradients.get(i));
                }
                flat.forgetWeights();
            }
            flat.putWeights();
            for (int i = 0; i < signals.size(); i++) {
                see(flat, parts, i);
            }
            if (parts.get(0).isOwn()) {
                flat.clearGradients();
            } else {
                parts.forEach(part -> Sgd.zeroGradient(part.mirror().weight()));
            }
        }
        return true;
    }

    private void see(DeviceStep flat, List<Part> parts, int signal) {
        List<Signal.Watch> watches = new ArrayList<>();
        for (Part part : parts) {
            List<Signal.Watch> all = part.mirror().watches();
            watches.add(all.isEmpty() ? null : all.get(signal));
        }
        if (!signals.get(signal).afterStep(flat, watches)) {
            watches.stream().filter(Objects::nonNull).forEach(Signal.Watch::afterStep);
        }
    }

    private static void takeAlone(
            Part part, List<GradientTerm.Running> terms, Optimizer base, int devices) {
        TrainedTensor tensor = part.tensor();
        NDArray weight = part.mirror().weight();
        NDArray gradient = part.gradient();
        Optional<RewiredTensor> wiring = part.wiring();
        if (terms.isEmpty() && tensor.mask().isEmpty() && wiring.isEmpty()) {
            base.update(part.id(), weight, gradient);
        } else {
            // DJL hands the same gradient on to the parameter's next device: then on a copy.
            boolean isShared = devices > 1 && !part.isOwn();
            try (NDArray changed = isShared ? gradient.duplicate() : gradient.stopGradient()) {
                wiring.ifPresent(rewires -> rewires.afterBackward(part.mirror(), changed));
                tensor.applyMask(changed);
                terms.forEach(term -> term.apply(tensor, changed));
                wiring.ifPresent(rewires -> rewires.beforeStep(part.mirror()));
                base.update(part.id(), weight, changed);
            }
            if (wiring.isEmpty()) {
                tensor.applyMask(tensor.values());
            }
        }
        wiring.ifPresent(rewires -> rewires.afterStep(part.mirror()));
        part.mirror().watches().forEach(Signal.Watch::afterStep);
        wiring.ifPresent(rewires -> rewires.rewire(part.mirror(), base, devices));
    }

    /** The tensors leave their devices; their states stay where they are. */
    @Override
    public void close() {
        joined.close();
    }
}
