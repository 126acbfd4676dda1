package io.flipout.djl;

import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.Trainer;
import ai.djl.training.dataset.Dataset;
import ai.djl.training.listener.TrainingListener;
import ai.djl.training.optimizer.Optimizer;
import ai.djl.translate.TranslateException;
import io.flipout.allocation.Allocation;
import io.flipout.djl.checkpoint.Checkpoint;
import io.flipout.djl.training.OptimizerState;
import io.flipout.djl.training.Sgd;
import io.flipout.mask.Mask;
import io.flipout.mask.ParameterInfo;
import io.flipout.mask.WeightSelector;
import io.flipout.method.PruningMethod;
import io.flipout.report.SparsityReport;
import io.flipout.schedule.PruningEvent;
import io.flipout.schedule.Schedule;
import io.flipout.signal.Signal;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * Prunes a network while DJL trains it.
 *
 * <pre>{@code
 * Pruner pruner = Pruner.builder()
 *         .setMethod(FlipOut.builder().build())
 *         .setSchedule(Schedule.toSparsity(0.999).overEpochs(350))
 *         .build();
 * pruner.attach(config, optimizer);                  // and train as before
 * }</pre>
 *
 * <p>A pruner serves one network. It works with any optimizer and block and with {@code
 * EasyTrain.fit} unchanged. {@link #attach} is {@link #wrap} and {@link #listener}: the wrapped
 * optimizer adds the method's terms to the gradients, keeps pruned weights at 0 after every step
 * and watches the signals; the listener learns of the network and of the end of epochs, when
 * weights are pruned, after the epoch's evaluation. A loop of your own tells it of the latter by
 * {@code trainer.notifyListeners(listener -> listener.onEpoch(trainer))}, as {@code EasyTrain}
 * does. A training in which one of the two is missing, or twice, ends in a sentence.
 *
 * <p>Parameters that are frozen are not pruned. One that is frozen later keeps the weights it has
 * by then, and the others are pruned so that the whole is as sparse as planned; one that is
 * unfrozen later joins, and from then on counts among all.
 *
 * <p>For FlipOut, state takes at most 6 bytes for each prunable weight on each device. Masks live
 * here and never in the block, so copying, saving and exporting the block stay ordinary; pruned
 * weights in it are exactly 0.
 *
 * <p>Not thread-safe: DJL calls it from the training thread.
 */
public final class Pruner {

    private final PruningRun run;

    private Pruner(Builder builder) {
        run =
                new PruningRun(
                        new PruningSettings(
                                builder.method,
                                builder.schedule,
                                builder.allocation,
                                builder.weights,
                                builder.seed,
                                builder.keepZeros,
                                builder.advice),
                        Optional.ofNullable(builder.examples));
    }

    /**
     * Creates a builder.
     *
     * @return a new builder
     */
    public static Builder builder() {
        return new Builder();
    }

    /**
     * Makes a training one that prunes: gives it the optimizer, wrapped, and the listener. It is
     * all that a training needs, and cannot be half forgotten.
     *
     * @param config the configuration of the training
     * @param optimizer any optimizer, not wrapped
     * @return the configuration
     * @throws NullPointerException if one is null
     * @throws IllegalArgumentException if the configuration has the pruner's listener already, or
     *     the optimizer is wrapped
     */
    public DefaultTrainingConfig attach(DefaultTrainingConfig config, Optimizer optimizer) {
        Objects.requireNonNull(
                config, "The configuration to attach the pruner to must not be null");
        boolean isAttached =
                config.getTrainingListeners().stream()
                        .anyMatch(l -> l instanceof PruningListener listener && listener.isOf(run));
        if (isAttached) {
            throw new IllegalArgumentException(
                    "The configuration has the pruner's listener already: attach the pruner once,"
                            + " and leave out addTrainingListeners(pruner.listener()).");
        }
        return config.optOptimizer(wrap(optimizer)).addTrainingListeners(listener());
    }

    /**
     * Wraps an optimizer, so that the network is pruned while it trains. The training needs {@link
     * #listener} too; {@link #attach} gives it both.
     *
     * @param optimizer any optimizer
     * @return the optimizer to train with
     * @throws NullPointerException if it is null
     * @throws IllegalArgumentException if this pruner wraps it already
     */
    public Optimizer wrap(Optimizer optimizer) {
        Objects.requireNonNull(optimizer, "The optimizer to wrap must not be null");
        if (PruningOptimizer.isWrapped(optimizer, run)) {
            throw new IllegalArgumentException(
                    "The pruner wraps this optimizer already: wrap it once, and not again in"
                            + " pruner.attach(config, optimizer).");
        }
        return new PruningOptimizer(run, optimizer);
    }

    /**
     * Returns the listener that the trainer needs beside the wrapped optimizer, once. It adds the
     * sparsity to the trainer's evaluators, as {@code Sparsity%}, where DJL's logging shows it, and
     * after each epoch and its pruning to the metrics, as {@code sparsity} from 0 to 1.
     *
     * @return the listener
     */
    public TrainingListener listener() {
        return new PruningListener(run);
    }

    /**
     * Prunes before training, for methods that rank weights by gradients: does now what the
     * schedule plans for time 0, and before each of these prunings shows the network batches,
     * forward and backward, without a step.
     *
     * <pre>{@code
     * trainer.initialize(shape);
     * pruner.pruneBeforeTraining(trainer, trainSet, 1);
     * EasyTrain.fit(trainer, epochs, trainSet, testSet);
     * }</pre>
     *
     * <p>The batches are seen as in training. The weights that are kept, running statistics and the
     * optimizer's state stay as they were, and the gradients are 0 afterwards. It takes the device
     * of the parameters only; where a trainer has several, the others hold pruned weights from the
     * second step on.
     *
     * @param trainer the trainer, initialised and not used yet
     * @param dataset the data set to take batches of; it is iterated once for every pruning
     * @param batches the number of batches for each pruning, at least 1; of single examples, where
     *     the method looks at those
     * @throws IllegalStateException if the schedule plans no pruning at time 0, the training has
     *     begun, or no gradient reaches the weights
     * @throws IOException if the data set cannot be read
     * @throws TranslateException if the data set cannot be prepared
     */
    public void pruneBeforeTraining(Trainer trainer, Dataset dataset, int batches)
            throws IOException, TranslateException {
        run.pruneBeforeTraining(trainer, new GradientPass(dataset, batches));
    }

    /**
     * Prunes before training, for methods that rank weights without gradients, or not at all: does
     * now what the schedule plans for time 0. Without it, that comes between the first backward
     * pass and the first step.
     *
     * @throws IllegalStateException if the schedule plans no pruning at time 0, or the training has
     *     begun
     */
    public void pruneBeforeTraining() {
        run.pruneBeforeTraining();
    }

    /**
     * Lists the network's trainable parameters.
     *
     * @return the parameters in block order
     * @throws IllegalStateException if no trainer has been made yet
     */
    public List<ParameterInfo> parameters() {
        return run.network().parameters();
    }

    /**
     * Returns the masks.
     *
     * @return the masks of the prunable parameters by block path, in block order; live, not to be
     *     changed. Of methods that train latent weights they tell which are 0 at test time, as of
     *     this call and of the end of an epoch
     * @throws IllegalStateException if no trainer has been made yet
     */
    public Map<String, Mask> masks() {
        return run.settledNetwork().masks();
    }

    /**
     * Lists the prunings of the whole training.
     *
     * @return the events in order of time, done or not
     * @throws IllegalStateException if no trainer has been made yet
     */
    public List<PruningEvent> events() {
        return run.network().events();
    }

    /**
     * Returns the number of prunings so far.
     *
     * @return the number of prunings
     */
    public int prunings() {
        return run.prunings();
    }

    /**
     * Calls back before each pruning of the training, when weights, masks and what the method's
     * signals have seen are still those that it decides by.
     *
     * @param observer takes the pruning; it is not to change the network
     */
    public void beforePruning(Consumer<PruningEvent> observer) {
        run.beforePruning(observer);
    }

    /**
     * Returns what the method's signals have seen of a parameter, such as its sign flips.
     *
     * @param path the parameter's block path
     * @return the watches on the parameter's first device; empty before its first step
     * @throws IllegalArgumentException if there is no such prunable parameter
     */
    public List<Signal.Watch> watches(String path) {
        return run.network().watches(path);
    }

    /**
     * Reports what is left of the network.
     *
     * @return the report as of now
     * @throws IllegalStateException if no trainer has been made yet
     */
    public SparsityReport report() {
        return run.settledNetwork().report();
    }

    /**
     * Saves the training, so that another one goes on as if this one had: weights and running
     * statistics of the network, masks, what the method has seen, where the schedule is, and the
     * optimizer's state if it is an {@link OptimizerState}, as {@link Sgd} is. Call it between two
     * steps or epochs.
     *
     * <p>The file is in the safetensors format, which Python reads; arrays that pruning has emptied
     * are small. It is written beside its place, synced to the disk and then moved there, so that
     * an earlier file stays whole until the new one is. The caller keeps what is the training
     * loop's own, such as the epoch and the order of the data, in the notes or by itself.
     *
     * @param file the file, replaced if it exists
     * @param notes texts to keep beside
     * @throws IOException if it cannot be written
     * @throws IllegalStateException if no trainer has been made yet
     */
    public void save(Path file, Map<String, String> notes) throws IOException {
        Map<String, Object> arrays = new LinkedHashMap<>();
        Map<String, String> metadata = new LinkedHashMap<>();
        run.save(arrays, metadata);
        Checkpoint.write(file, arrays, metadata, notes);
    }

    /**
     * Continues a saved training. Call it once the trainer is initialised and before the first
     * step; what the schedule pruned before training is pruned then.
     *
     * <p>The schedule may be longer than the saved one: the same prunings, and more from now on.
     * One that it plans for this very moment, such as after the epoch that was the last one, waits
     * for {@link #pruneDue}.
     *
     * @param file what {@link #save} wrote
     * @return the notes
     * @throws io.flipout.djl.checkpoint.CheckpointException if the file is damaged, or of another
     *     network, method, schedule, seed or version; the sentence names the difference
     * @throws IOException if it cannot be read
     * @throws IllegalStateException if no trainer has been made yet, or it has taken a step
     */
    public Map<String, String> load(Path file) throws IOException {
        Checkpoint checkpoint = Checkpoint.read(file);
        run.load(checkpoint.arrays());
        return checkpoint.notes();
    }

    /**
     * Prunes what a longer schedule than the saved one plans for the moment at which it was saved.
     * Call it after {@link #load} and before the first step; where nothing is due it does nothing.
     *
     * @throws IllegalStateException if no trainer has been made yet
     */
    public void pruneDue() {
        run.pruneDue();
    }

    /** Builds a {@link Pruner}. */
    public static final class Builder {

        private PruningMethod method;
        private Schedule schedule;
        private Allocation allocation = Allocation.global();
        private WeightSelector weights = WeightSelector.builder().build();
        private long seed;
        private GradientPass examples;
        private boolean keepZeros;
        private Advice advice = new Advice() {};

        private Builder() {}

        /**
         * Sets the method.
         *
         * @param method the method
         * @return this builder
         */
        public Builder setMethod(PruningMethod method) {
            this.method = method;
            return this;
        }

        /**
         * Sets when weights are pruned, and down to how many.
         *
         * @param schedule the schedule
         * @return this builder
         */
        public Builder setSchedule(Schedule schedule) {
            this.schedule = schedule;
            return this;
        }

        /**
         * Sets who competes with whom.
         *
         * @param allocation the allocation, default {@link Allocation#global()}
         * @return this builder
         */
        public Builder optAllocation(Allocation allocation) {
            this.allocation = allocation;
            return this;
        }

        /**
         * Sets which weights may be pruned.
         *
         * @param weights the selector; by default all matrices of weights
         * @return this builder
         */
        public Builder optWeights(WeightSelector weights) {
            this.weights = weights;
            return this;
        }

        /**
         * Sets the seed of whatever is drawn at random, such as noise. Weights are initialised from
         * the engine's own seed.
         *
         * @param seed the seed, default 0
         * @return this builder
         */
        public Builder optSeed(long seed) {
            this.seed = seed;
            return this;
        }

        /**
         * Sets what the network is shown before every pruning, for methods that rank weights by the
         * gradients of examples: forward and backward, without a step. Weights, running statistics,
         * gradients and the optimizer's state stay as they are.
         *
         * @param dataset the data set to take them of, iterated once for every pruning; not the one
         *     that trains, if that counts its passes, as {@code ImageDataset} does
         * @param count the number of examples for each pruning, at least 1, as far as the data set
         *     has them; of batches, where the method looks at whole ones
         * @return this builder
         * @throws IllegalArgumentException if the count is below 1
         */
        public Builder optExamples(Dataset dataset, int count) {
            Objects.requireNonNull(dataset, "The data set of the examples must not be null");
            this.examples = new GradientPass(dataset, count);
            return this;
        }

        /**
         * Takes the network as one that is pruned already, as {@link #optKeepZeros(boolean)} does.
         *
         * @return this builder
         */
        public Builder optKeepZeros() {
            return optKeepZeros(true);
        }

        /**
         * Takes the network as one that is pruned already: its prunable weights that are exactly 0
         * when the trainer is made stay 0, as if this pruner had pruned them, and prunings that
         * would keep more than are left do nothing. With {@link Schedule#none()} a pruned network
         * is fine-tuned.
         *
         * @param keepZeros true to keep the zeros, default false
         * @return this builder
         */
        public Builder optKeepZeros(boolean keepZeros) {
            this.keepZeros = keepZeros;
            return this;
        }

        /**
         * Sets how the user is told what to do about a fault, default in calls of this library.
         *
         * @param advice the names of the means that the user has
         * @return this builder
         */
        public Builder optAdvice(Advice advice) {
            this.advice = advice;
            return this;
        }

        /**
         * Builds the pruner.
         *
         * @return the pruner
         * @throws NullPointerException if the method or the schedule is missing
         * @throws IllegalArgumentException if zeros are to be kept and the method brings weights
         *     back
         */
        public Pruner build() {
            Objects.requireNonNull(method, "The pruner needs a method: setMethod(...)");
            Objects.requireNonNull(schedule, "The pruner needs a schedule: setSchedule(...)");
            Objects.requireNonNull(allocation, "The allocation must not be null");
            Objects.requireNonNull(weights, "The selector of weights must not be null");
            Objects.requireNonNull(advice, "The advice must not be null");
            if (keepZeros && method.bringsBack()) {
                throw new IllegalArgumentException(
                        "The method "
                                + method.name()
                                + " brings weights back, and cannot keep the zeros that a network"
                                + " arrives with: leave out optKeepZeros.");
            }
            return new Pruner(this);
        }
    }
}
