package io.flipout.cli.option;

import ai.djl.training.optimizer.Optimizer;
import ai.djl.training.tracker.Tracker;
import io.flipout.cli.terminal.Failure;
import io.flipout.djl.training.Adagrad;
import io.flipout.djl.training.Adam;
import io.flipout.djl.training.Milestones;
import io.flipout.djl.training.RmsProp;
import io.flipout.djl.training.Sgd;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import picocli.CommandLine.Option;

/** Options of the optimizer; those of stochastic gradient descent are by default the paper's. */
public final class OptimizerOptions {

    /** The shares of a training after which the paper's learning rate drops. */
    private static final List<Double> PAPER_MILESTONES = List.of(150 / 350.0, 250 / 350.0);

    /** Those that suit gradual pruning, which is to have ended by the first of them. */
    private static final List<Double> MILESTONES = List.of(0.6, 0.8);

    /** The optimizers, with the defaults of what depends on them. */
    private enum Kind {
        SGD(0.1f, 5e-4f),
        NAG(0.1f, 5e-4f),
        ADAM(1e-3f, 0),
        ADAMW(1e-3f, 1e-2f),
        RMSPROP(1e-2f, 0),
        ADAGRAD(1e-2f, 0);

        private final float rate;
        private final float decay;

        Kind(float rate, float decay) {
            this.rate = rate;
            this.decay = decay;
        }

        boolean isSgd() {
            return this == SGD || this == NAG;
        }

        boolean isAdam() {
            return this == ADAM || this == ADAMW;
        }
    }

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
            names = "--optimizer",
            paramLabel = "sgd|nag|adam|adamw|rmsprop|adagrad",
            description =
                    "How the gradient moves the weights, by PyTorch's formulas; nag is sgd with"
                            + " Nesterov's momentum (default: adam for l0 and variational-dropout,"
                            + " else sgd).")
    private Kind kind;

    @Option(
            names = "--lr",
            paramLabel = "RATE",
            description =
                    "Learning rate (default: 0.1 for sgd and nag, 0.001 for adam and adamw, 0.01 for"
                            + " rmsprop and adagrad).")
    private Float lr;

    @Option(
            names = "--momentum",
            paramLabel = "M",
            description = "Momentum (default: 0.9 for sgd and nag, 0 for rmsprop).")
    private Float momentum;

    @Option(
            names = "--weight-decay",
            paramLabel = "W",
            description =
                    "Weight decay on all parameters (default: 5e-4 for sgd and nag, 0.01 for adamw,"
                            + " which takes it off the weights, else 0).")
    private Float weightDecay;

    @Option(
            names = "--betas",
            paramLabel = "B1,B2",
            split = ",",
            description =
                    "What adam and adamw keep of the mean gradient and of its mean square in a step"
                            + " (default: 0.9,0.999).")
    private List<Double> betas;

    @Option(
            names = "--rmsprop-alpha",
            paramLabel = "A",
            description =
                    "What rmsprop keeps of the mean squared gradient in a step (default: 0.99).")
    private Double alpha;

    @Option(
            names = "--epsilon",
            paramLabel = "E",
            description =
                    "What adam, adamw, rmsprop and adagrad add to the root that they divide by"
                            + " (default: 1e-8, and 1e-10 for adagrad).")
    private Double epsilon;

    @Option(
            names = "--milestones",
            paramLabel = "E",
            split = ",",
            description =
                    "Epochs after which the learning rate drops (default: 0.6 and 0.8 of --epochs, and"
                            + " 150,250 of 350 in proportion with --schedule paper).")
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

    /**
     * Checks the values and fills in what depends on the optimizer.
     *
     * @param byDefault the optimizer where no option tells
     */
    public void resolve(String byDefault) {
        if (kind == null) {
            kind = Kind.valueOf(byDefault.toUpperCase(Locale.ROOT));
        }
        if (epochs < 1) {
            throw Failure.misuse("--epochs must be at least 1, got " + epochs + ".");
        }
        if (batchSize < 1) {
            throw Failure.misuse("--batch-size must be at least 1, got " + batchSize + ".");
        }
        fillIn();
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
    }

    /**
     * Fills in the milestones.
     *
     * @param isOfPaper whether the training prunes as the paper's do
     */
    public void resolveMilestones(boolean isOfPaper) {
        if (milestones == null) {
            milestones =
                    (isOfPaper ? PAPER_MILESTONES : MILESTONES)
                            .stream()
                                    .map(share -> (int) Math.round(share * epochs))
                                    .filter(m -> m > 0)
                                    .toList();
        }
    }

    /** Fills in what the optimizer decides, and refuses what it does not have. */
    private void fillIn() {
        lr = lr == null ? kind.rate : lr;
        weightDecay = weightDecay == null ? kind.decay : weightDecay;
        if (kind.isSgd() || kind == Kind.RMSPROP) {
            momentum = momentum == null ? kind.isSgd() ? 0.9f : 0 : momentum;
        } else {
            refuse("--momentum", momentum);
        }
        if (kind.isAdam()) {
            betas = betas == null ? List.of(0.9, 0.999) : betas;
            if (betas.size() != 2) {
                throw Failure.misuse("--betas takes two numbers, such as 0.9,0.999.");
            }
        } else {
            refuse("--betas", betas);
        }
        if (kind == Kind.RMSPROP) {
            alpha = alpha == null ? 0.99 : alpha;
        } else {
            refuse("--rmsprop-alpha", alpha);
        }
        if (kind.isSgd()) {
            refuse("--epsilon", epsilon);
        } else {
            epsilon = epsilon == null ? kind == Kind.ADAGRAD ? 1e-10 : 1e-8 : epsilon;
        }
    }

    private void refuse(String option, Object value) {
        if (value != null) {
            throw Failure.misuse(
                    option
                            + " is no option of --optimizer "
                            + kind.name().toLowerCase(Locale.ROOT)
                            + ".");
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

    /**
     * Makes the optimizer.
     *
     * @throws IllegalArgumentException if a value is out of its range
     */
    public Optimizer optimizer(Tracker learningRate) {
        return switch (kind) {
            case SGD, NAG ->
                    Sgd.builder()
                            .setLearningRateTracker(learningRate)
                            .optMomentum(momentum)
                            .optNesterov(kind == Kind.NAG)
                            .optWeightDecays(weightDecay)
                            .build();
            case ADAM, ADAMW ->
                    Adam.builder()
                            .setLearningRateTracker(learningRate)
                            .optBeta1(betas.get(0))
                            .optBeta2(betas.get(1))
                            .optEpsilon(epsilon)
                            .optDecoupledWeightDecay(kind == Kind.ADAMW)
                            .optWeightDecays(weightDecay)
                            .build();
            case RMSPROP ->
                    RmsProp.builder()
                            .setLearningRateTracker(learningRate)
                            .optAlpha(alpha)
                            .optEpsilon(epsilon)
                            .optMomentum(momentum)
                            .optWeightDecays(weightDecay)
                            .build();
            case ADAGRAD ->
                    Adagrad.builder()
                            .setLearningRateTracker(learningRate)
                            .optEpsilon(epsilon)
                            .optWeightDecays(weightDecay)
                            .build();
        };
    }
}
