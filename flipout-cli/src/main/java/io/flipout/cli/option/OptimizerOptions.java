package io.flipout.cli.option;

import ai.djl.training.tracker.Tracker;
import io.flipout.cli.terminal.Failure;
import io.flipout.djl.training.Milestones;
import io.flipout.djl.training.Sgd;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Option;

/** Options of stochastic gradient descent; the defaults are the paper's. */
public final class OptimizerOptions {

    /** The paper's milestones, and the epochs they belong to. */
    private static final List<Integer> PAPER_MILESTONES = List.of(150, 250);

    private static final int PAPER_EPOCHS = 350;

    @Option(
            names = "--epochs",
            paramLabel = "N",
            defaultValue = "20",
            description =
                    "Epochs to train, lottery-ticket in each round (default: ${DEFAULT-VALUE}; the"
                            + " paper trains 350).")
    private int epochs;

    @Option(
            names = "--batch-size",
            paramLabel = "N",
            defaultValue = "128",
            description = "Images in a batch (default: ${DEFAULT-VALUE}).")
    private int batchSize;

    @Option(
            names = "--lr",
            paramLabel = "RATE",
            defaultValue = "0.1",
            description = "Learning rate (default: ${DEFAULT-VALUE}).")
    private float lr;

    @Option(
            names = "--momentum",
            paramLabel = "M",
            defaultValue = "0.9",
            description = "Momentum (default: ${DEFAULT-VALUE}).")
    private float momentum;

    @Option(
            names = "--weight-decay",
            paramLabel = "W",
            defaultValue = "5e-4",
            description = "Weight decay on all parameters (default: ${DEFAULT-VALUE}).")
    private float weightDecay;

    @Option(
            names = "--milestones",
            paramLabel = "E",
            split = ",",
            description =
                    "Epochs after which the learning rate drops (default: 150,250 of 350, scaled"
                            + " to --epochs).")
    private List<Integer> milestones;

    @Option(
            names = "--gamma",
            paramLabel = "G",
            defaultValue = "0.1",
            description = "Factor of a drop of the learning rate (default: ${DEFAULT-VALUE}).")
    private float gamma;

    public int epochs() {
        return epochs;
    }

    public int batchSize() {
        return batchSize;
    }

    /** Returns the learning rate of the first step. */
    public float learningRate() {
        return lr;
    }

    /** Checks the values and fills in the milestones. */
    public void resolve() {
        if (epochs < 1) {
            throw Failure.misuse("--epochs must be at least 1, got " + epochs + ".");
        }
        if (batchSize < 1) {
            throw Failure.misuse("--batch-size must be at least 1, got " + batchSize + ".");
        }
        if (!(lr > 0 && Float.isFinite(lr))) {
            throw Failure.misuse("--lr must be a number greater than 0, got " + lr + ".");
        }
        if (!(weightDecay >= 0 && Float.isFinite(weightDecay))) {
            throw Failure.misuse(
                    "--weight-decay must be a number of at least 0, got " + weightDecay + ".");
        }
        if (!(gamma > 0 && Float.isFinite(gamma))) {
            throw Failure.misuse("--gamma must be a number greater than 0, got " + gamma + ".");
        }
        if (milestones != null && milestones.stream().anyMatch(m -> m < 1)) {
            throw Failure.misuse("--milestones must be at least 1, got " + milestones + ".");
        }
        if (milestones == null) {
            milestones =
                    PAPER_MILESTONES.stream()
                            .map(m -> (int) Math.round((double) m * epochs / PAPER_EPOCHS))
                            .filter(m -> m > 0)
                            .toList();
        }
    }

    /** Returns the options of this training made longer, whose learning rate drops when it did. */
    public Map<String, String> lengthened(int more) {
        return Map.of(
                "epochs", Integer.toString(more), "milestones", Configuration.text(milestones));
    }

    /** Returns the learning rate by step; rounds of so many epochs start it anew. */
    public Tracker learningRate(long stepsPerEpoch, long rewindStep) {
        return new Milestones(
                        lr, gamma, milestones.stream().mapToLong(m -> m * stepsPerEpoch).toArray())
                .inRounds(epochs * stepsPerEpoch, rewindStep);
    }

    public Sgd sgd(Tracker learningRate) {
        return Sgd.builder()
                .setLearningRateTracker(learningRate)
                .optMomentum(momentum)
                .optWeightDecays(weightDecay)
                .build();
    }
}
