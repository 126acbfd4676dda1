package io.flipout.cli.method;

import ai.djl.training.Trainer;
import ai.djl.training.dataset.Dataset;
import ai.djl.translate.TranslateException;
import io.flipout.allocation.Allocation;
import io.flipout.cli.comparison.Arm.Sweep;
import io.flipout.djl.Pruner;
import io.flipout.method.PruningMethod;
import io.flipout.schedule.Schedule;
import java.io.IOException;
import java.util.Map;
import java.util.Optional;

/**
 * How the command line trains by a method. The {@code @Option}s of a recipe are those that belong
 * to the method alone; what is not overridden is as usual: a method without noise of its own, whose
 * weights compete all over the network, and which prunes to a sparsity while it trains.
 *
 * <p>Wrong options are told by an {@link IllegalArgumentException} of one sentence. {@link Recipes}
 * lists all recipes.
 */
interface Recipe {

    /** Returns the name that {@code --method} calls it by. */
    String name();

    /** Whether the options of a recipe, by default this one alone, are options of this method. */
    default boolean takesOptionsOf(Recipe other) {
        return other == this;
    }

    /** Makes the method. */
    PruningMethod method(SharedOptions shared);

    /** Returns the optimizer that {@code --optimizer} is by default. */
    default String optimizer() {
        return "sgd";
    }

    /** Returns the strength of the gradient noise where {@code --noise} does not tell. */
    default float noise() {
        return 0;
    }

    /** Whether {@link #method} takes the noise; to other methods it is added afterwards. */
    default boolean hasNoise() {
        return false;
    }

    /** Returns how weights compete where {@code --allocation} does not tell. */
    default Competition competition() {
        return Competition.GLOBAL;
    }

    /** Returns the share of the weights left that gradual pruning removes at a time, by default. */
    default double gradualRate() {
        return 0.05;
    }

    /** Makes the schedule of so many epochs, and fills in what the options leave open of it. */
    default Schedule schedule(SharedOptions shared, int epochs) {
        return shared.gradually(epochs, gradualRate());
    }

    /**
     * Returns the options that keep the prunings of so many epochs where they are in a training
     * made longer.
     */
    default Map<String, String> lengthened(SharedOptions shared, int epochs, int more) {
        return shared.timesOf(epochs);
    }

    /** Returns how many weights each layer keeps. */
    default Allocation allocation(SharedOptions shared) {
        return shared.allocation();
    }

    /**
     * Returns the option whose values take the place of sparsities where the method aims at none,
     * and what is tried of it; no values where the method aims at a sparsity unless they are given.
     */
    default Optional<Sweep> sweep() {
        return Optional.empty();
    }

    /** Gives the pruner examples to show the network before each pruning, if the method asks. */
    default void giveExamples(Pruner.Builder pruner, Dataset train) {}

    /** Prunes before training, if the method does. */
    default void pruneBeforeTraining(Pruner pruner, Trainer trainer, Dataset train)
            throws IOException, TranslateException {}

    /** Returns how often the training is done, once there is a schedule. */
    default int rounds() {
        return 1;
    }

    /** Returns the step that rounds after the first begin after. */
    default long rewindStep() {
        return 0;
    }

    /** Refuses to go back to a step that comes after the first pruning. */
    default void checkRewind(long stepsOfRound) {}

    /** Returns what the schedule's threshold is measured in, for messages; begins with a blank. */
    default String thresholdUnit() {
        return "";
    }
}
