package io.flipout.djl.training;

import ai.djl.training.tracker.Tracker;

/**
 * A learning rate that is multiplied by γ at every milestone.
 *
 * <p>Unlike DJL's {@code MultiFactorTracker} it keeps no state, so the order of updates changes
 * nothing.
 *
 * @param base the learning rate before the first milestone
 * @param gamma γ, the factor
 * @param steps the last optimizer steps before each drop, ascending
 */
public record Milestones(float base, float gamma, long... steps) implements Tracker {

    /** {@inheritDoc} */
    @Override
    public float getNewValue(int numUpdate) {
        double rate = base;
        for (long step : steps) {
            if (numUpdate > step) {
                rate *= gamma;
            }
        }
        return (float) rate;
    }

    /**
     * Starts the learning rates anew in every round, for trainings that go back to an early step
     * after each.
     *
     * @param round the steps of a round, at least 1
     * @param rewind the step that later rounds begin after, 0 for the beginning
     * @return the learning rate by the step of the whole training
     */
    public Tracker inRounds(long round, long rewind) {
        return step ->
                getNewValue(
                        step <= round ? step : Math.toIntExact(rewind + (step - 1) % round + 1));
    }
}
