package io.flipout.djl;

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
}
