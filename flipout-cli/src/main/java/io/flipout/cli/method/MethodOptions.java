package io.flipout.cli.method;

import ai.djl.training.Trainer;
import ai.djl.training.dataset.Dataset;
import ai.djl.training.tracker.Tracker;
import ai.djl.translate.TranslateException;
import io.flipout.allocation.Allocation;
import io.flipout.cli.comparison.Arm.Sweep;
import io.flipout.djl.Pruner;
import io.flipout.mask.WeightSelector;
import io.flipout.method.NoisyMethod;
import io.flipout.method.PruningMethod;
import io.flipout.schedule.Schedule;
import java.io.IOException;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import picocli.CommandLine;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * Options that say how a network is pruned: by which method, those that methods share, and those of
 * each method. Errors are {@link IllegalArgumentException}s of one sentence for users.
 */
public final class MethodOptions {

    private static final float USUAL_LEARNING_RATE = 0.1f;

    private final Recipes recipes = new Recipes();

    @Option(
            names = "--method",
            paramLabel = "NAME",
            defaultValue = "flipout-adaptive",
            completionCandidates = Recipes.Names.class,
            description =
                    "One of ${COMPLETION-CANDIDATES}; none is the dense network (default:"
                            + " ${DEFAULT-VALUE}).")
    private String method;

    @Mixin private SharedOptions shared;

    private boolean learns;

    private final Set<String> sharedNames =
            CommandSpec.forAnnotatedObject(new SharedOptions()).optionsMap().keySet();

    /** A command with these options and no others. */
    private static final class Alone {
        @Mixin private MethodOptions options;
    }

    /**
     * Adds the options of each method to the command that has these.
     *
     * @param command the command
     */
    @Spec(Spec.Target.MIXEE)
    void addOptionsOfMethods(CommandSpec command) {
        recipes.addOptions(command);
    }

    /**
     * Returns the option whose values take the place of sparsities where a method aims at none, and
     * what is tried of it.
     *
     * @param method the name of the method
     * @return the option; without values where the method aims at a sparsity unless they are given,
     *     empty where it always does, or does not exist
     */
    public static Optional<Sweep> sweep(String method) {
        return new Recipes().find(method).flatMap(Recipe::sweep);
    }

    /**
     * Makes a method as it is without further options.
     *
     * @param name the name of the method
     * @return the method
     * @throws IllegalArgumentException if there is none of that name
     */
    public static PruningMethod byDefault(String name) {
        Alone command = new Alone();
        new CommandLine(command)
                .setCaseInsensitiveEnumValuesAllowed(true)
                .parseArgs("--method", name);
        return command.options.method(USUAL_LEARNING_RATE);
    }

    /**
     * Returns the name of the method.
     *
     * @return the name as it was given
     */
    public String name() {
        return method;
    }

    /**
     * Tells whether an option means something to the method.
     *
     * @param option an option's name, with its dashes
     * @return false if it is one of other methods; known once method, schedule and allocation have
     *     been made
     */
    public boolean applies(String option) {
        return recipes.owner(option).map(owner -> recipe().takesOptionsOf(owner)).orElse(true)
                && (shared.applies(option) || !sharedNames.contains(option));
    }

    private Recipe recipe() {
        return recipes.named(method);
    }

    /**
     * Returns the optimizer that the network is trained by where no option tells.
     *
     * @return the optimizer, as {@code --optimizer} calls it
     * @throws IllegalArgumentException if there is no method of the name
     */
    public String optimizer() {
        return recipe().optimizer();
    }

    /**
     * Makes the method as far as that goes without data, which tells whether the options are right.
     *
     * @param learningRate the learning rate of the first step
     * @return the method
     * @throws IllegalArgumentException if there is no method of the name, or it cannot take an
     *     option
     */
    public PruningMethod method(float learningRate) {
        return method(new TrainingPlan(1, 0, 0, Tracker.fixed(learningRate)));
    }

    /**
     * Makes the method, and fills in what other options leave open of it.
     *
     * @param plan how the network will be trained
     * @return the method
     * @throws IllegalArgumentException if there is no method of the name, or it cannot take an
     *     option
     */
    public PruningMethod method(TrainingPlan plan) {
        shared.resolve(recipe(), plan);
        PruningMethod made = recipe().method(shared);
        learns = made.reparameterization().isPresent();
        return recipe().hasNoise() || shared.noise() == 0
                ? made
                : shared.withNoise(NoisyMethod.builder().setMethod(made)).build();
    }

    /**
     * Sets whether the zeros that the network comes with are to stay, which a method may have to
     * leave something out for.
     *
     * @param keepZeros whether they are
     */
    public void keepZeros(boolean keepZeros) {
        shared.keepZeros(keepZeros);
    }

    /**
     * Makes the schedule, and fills in what other options leave open of it.
     *
     * @param epochs the epochs of the training, or of each round
     * @return the schedule
     * @throws IllegalArgumentException if the method cannot take an option, or the options do not
     *     fit into the epochs
     */
    public Schedule schedule(int epochs) {
        return recipe().schedule(shared, epochs);
    }

    /**
     * Tells whether the training prunes as the paper's do, known once there is a schedule.
     *
     * @return true if so
     */
    public boolean isOfPaper() {
        return shared.isOfPaper();
    }

    /**
     * Returns the options that keep the prunings where they are in a training made longer.
     *
     * @param epochs the epochs that were planned
     * @param more those of the longer training
     * @return values of options by name, without dashes
     */
    public Map<String, String> lengthened(int epochs, int more) {
        return recipe().lengthened(shared, epochs, more);
    }

    /**
     * Returns how many weights each layer keeps.
     *
     * @return the allocation
     * @throws IllegalArgumentException if the method does not leave the choice
     */
    public Allocation allocation() {
        return recipe().allocation(shared);
    }

    /**
     * Returns which weights may be pruned.
     *
     * @return the weights
     */
    public WeightSelector weights() {
        return shared.weights();
    }

    /**
     * Gives the pruner examples to show the network before each pruning, if the method asks.
     *
     * @param pruner the pruner
     * @param train the examples
     */
    public void giveExamples(Pruner.Builder pruner, Dataset train) {
        recipe().giveExamples(pruner, train);
    }

    /**
     * Prunes before training, if the method does.
     *
     * @param pruner the pruner
     * @param trainer the trainer, initialised and not used yet
     * @param train what the network may be shown
     * @throws IOException if the data set cannot be read
     * @throws TranslateException if the data set cannot be prepared
     */
    public void pruneBeforeTraining(Pruner pruner, Trainer trainer, Dataset train)
            throws IOException, TranslateException {
        recipe().pruneBeforeTraining(pruner, trainer, train);
    }

    /**
     * Tells whether the method learns which weights go, without a schedule.
     *
     * @return true if so; known once the method has been made
     */
    public boolean learnsWhatGoes() {
        return learns;
    }

    /**
     * Returns how often the training is done.
     *
     * @return 1 for most methods; known once there is a schedule
     */
    public int rounds() {
        return recipe().rounds();
    }

    /**
     * Returns the step that rounds after the first begin after.
     *
     * @return the step, 0 for the beginning
     */
    public long rewindStep() {
        return recipe().rewindStep();
    }

    /**
     * Refuses to go back to a step that comes after the first pruning.
     *
     * @param stepsOfRound the steps of a round
     * @throws IllegalArgumentException if it does
     */
    public void checkRewind(long stepsOfRound) {
        recipe().checkRewind(stepsOfRound);
    }

    /**
     * Returns what the schedule's threshold is measured in, for messages.
     *
     * @return the unit after a blank, or nothing
     */
    public String thresholdUnit() {
        return recipe().thresholdUnit();
    }
}
