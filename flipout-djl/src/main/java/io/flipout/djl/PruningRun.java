package io.flipout.djl;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.nn.Block;
import ai.djl.training.Trainer;
import ai.djl.training.optimizer.Optimizer;
import ai.djl.translate.TranslateException;
import io.flipout.djl.GradientPath.Part;
import io.flipout.djl.checkpoint.SafeTensors;
import io.flipout.djl.training.InitialWeights;
import io.flipout.djl.training.ParameterGradient;
import io.flipout.djl.training.PassStore;
import io.flipout.schedule.PruningEvent;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/** A training under pruning: what is done at each of its steps and epochs, and in which order. */
final class PruningRun {

    private final PruningSettings settings;
    private final TrainingClock clock = new TrainingClock();
    private final OpenStep step = new OpenStep();
    private final RunningMethod method;
    private final Prunings prunings;
    private final RunState state;
    private final LatentWeights latents;

    private Optimizer optimizer;
    private Attachment attachment;
    private Block block;
    private int devices = 1;
    private PrunedNetwork network;

    /**
     * Makes a run.
     *
     * @param examples what the network is shown before every pruning
     */
    PruningRun(PruningSettings settings, Optional<GradientPass> examples) {
        this.settings = settings;
        Wirings wirings = new Wirings(settings.method().rewiring(), settings.seed());
        latents = new LatentWeights(settings.method(), settings.seed());
        method = new RunningMethod(settings, wirings, latents);
        prunings = new Prunings(settings, examples, clock, method);
        state = new RunState(settings, clock, prunings.rewind(), wirings, latents);
    }

    void optimizeWith(Optimizer base) {
        optimizer = base;
    }

    void beforePruning(Consumer<PruningEvent> observer) {
        prunings.observe(observer);
    }

    int prunings() {
        return clock.prunings();
    }

    /** Returns the share of the prunable weights that is pruned; 0 before the first step. */
    double sparsity() {
        return network == null ? 0 : 1 - (double) network.remaining() / network.weights();
    }

    /** A trainer has been made; its parameters may not be initialised yet. */
    void begin(Trainer trainer) {
        Block trained = trainer.getModel().getBlock();
        if (block != null && block != trained) {
            throw new IllegalStateException(
                    "A pruner serves one network, and this one has another already: build a"
                            + " pruner for each.");
        }
        Attachment next = Attachment.to(trainer, attachment, optimizer != null);
        leave();
        attachment = next;
        block = trained;
        devices = trainer.getDevices().length;
        if (latents.areDrawn()) {
            PassStore.install(trainer, this::beginPass);
        }
        clock.beginTrainer();
        prunings.beginTrainer(trained);
    }

    /** The network, looked at when it is first needed: by then its parameters exist. */
    PrunedNetwork network() {
        if (network == null) {
            if (block == null) {
                throw notListening();
            }
            network = new PrunedNetwork(block, settings);
        }
        return network;
    }

    /** The network, with masks that tell which of its weights are 0 where those are learned. */
    PrunedNetwork settledNetwork() {
        PrunedNetwork settled = network();
        if (latents.exist()) {
            latents.rest();
            settled.readMasks(latents::has);
        }
        return settled;
    }

    /** A forward pass begins on a device, of a training or an evaluation. */
    private synchronized void beginPass(Device device, boolean training, PassStore store) {
        if (!training) {
            latents.rest(device);
        } else if (!latents.areTraining(device)) {
            endOpenStep(); // Some parameter took no part.
            if (clock.batches() == 0) {
                prunings.lookAtZeros(network());
            }
            latents.train(device, network().latent(device, store::array), clock.steps(), network());
        }
    }

    private static IllegalStateException notListening() {
        return new IllegalStateException(
                "The pruner knows no network: add pruner.listener() to the training configuration,"
                        + " addTrainingListeners(pruner.listener()), before the trainer is made, or"
                        + " call pruner.attach(config, optimizer).");
    }

    /** Updates one parameter on one device. */
    void update(String parameterId, NDArray weight, NDArray gradient, Optimizer base) {
        ParameterGradient update = new ParameterGradient(parameterId, weight, gradient);
        method.take(List.of(part(update, false, base)), base, devices, network);
        if (step.isComplete()) {
            endStep();
        }
    }

    /** Takes a whole step. */
    void step(List<ParameterGradient> updates, Optimizer base) {
        endOpenStep(); // Somebody has updated parameters apart from the trainer.
        List<Part> parts = new ArrayList<>();
        for (ParameterGradient update : updates) {
            parts.add(part(update, true, base));
        }
        method.take(parts, base, devices, network);
        endStep();
    }

    private Part part(ParameterGradient update, boolean isOwn, Optimizer base) {
        return method.part(arrive(update, base), update, isOwn, network);
    }

    /** Finds the parameter of an update, and out which step it belongs to. */
    private Mirror arrive(ParameterGradient update, Optimizer base) {
        if (attachment == null) {
            throw notListening();
        }
        attachment.countUpdate();
        optimizer = base;
        Mirror mirror = mirror(update);
        if (!step.add(mirror.tensor())) {
            endStep(); // Some parameter took no part in that step.
            mirror = mirror(update);
            step.add(mirror.tensor());
        }
        Unfreezing.catchUp(mirror, clock.steps(), optimizer);
        return mirror;
    }

    private Mirror mirror(ParameterGradient update) {
        if (step.isEmpty()) {
            beginStep(update.weight().getDevice());
        }
        return network.mirror(update.id(), update.weight());
    }

    private void beginStep(Device device) {
        if (!step.isAnnounced()) {
            announceStep(); // The training's loop does not tell of batches.
        }
        if (!network.isComplete()) {
            PrunedNetwork whole = Unfreezing.takeIn(network, settings, clock.steps(), optimizer);
            leaveDevices();
            network = whole;
        }
        step.begin(network.trained() * devices);
        if (clock.steps() == 0) {
            PassiveWaiting.adviseOnce(device);
        }
        method.beginStep(network, clock.prunings() > 0);
    }

    /** DJL tells of a batch after its gradients and before the step. */
    void beforeStep() {
        endOpenStep();
        attachment.checkBatch(network());
        announceStep();
    }

    private void announceStep() {
        if (clock.batches() == 0) {
            InitialWeights.check(block);
            prunings.begin(training());
        }
        network();
        clock.countBatch();
        step.announce();
    }

    /** Ends a step in which some parameter takes no part. */
    private void endOpenStep() {
        if (!step.isEmpty()) {
            endStep();
        }
    }

    private void endStep() {
        latents.rest(); // What took no part in it.
        step.end();
        clock.countStep();
        prunings.afterStep(training());
    }

    void endEpoch() {
        endOpenStep();
        attachment.checkEpoch(network());
        clock.countEpoch();
        settledNetwork();
        prunings.afterEpoch(training());
    }

    /** The trainer closes, and the arrays on its devices with it. */
    void end(Trainer trainer) {
        if (attachment == null || !attachment.isOf(trainer)) {
            return; // Another one has taken its place.
        }
        attachment.warnAtEnd();
        boolean hasTrained = attachment.hasUpdates();
        leave();
        if (hasTrained && !state.isSaved() && !prunings.hasFailed()) {
            clock.warnOfWhatIsLeft(network);
        }
    }

    private void leave() {
        if (!step.isEmpty()) { // Some parameter took no part.
            clock.countStep(); // What is due comes with the next step.
        }
        step.end();
        if (attachment != null) {
            attachment.close();
            attachment = null;
        }
        leaveDevices();
    }

    private void leaveDevices() {
        method.leaveDevices(optimizer);
        if (network != null) {
            network.leaveDevices();
        }
    }

    private NetworkInTraining training() {
        Trainer trainer = attachment == null ? null : attachment.trainer();
        return new NetworkInTraining(network(), optimizer, trainer);
    }

    void pruneBeforeTraining(Trainer initialised, GradientPass pass)
            throws IOException, TranslateException {
        prunings.pruneBefore(training(), initialised, pass);
    }

    void pruneBeforeTraining() {
        prunings.pruneBefore(training());
    }

    void pruneDue() {
        prunings.pruneDue(training());
    }

    void save(Map<String, Object> arrays, Map<String, String> metadata) {
        endOpenStep();
        settledNetwork();
        state.save(training(), arrays, metadata);
    }

    void load(SafeTensors file) throws IOException {
        state.load(training(), file);
    }
}
