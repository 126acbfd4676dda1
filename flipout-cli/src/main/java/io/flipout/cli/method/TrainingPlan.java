package io.flipout.cli.method;

import ai.djl.training.tracker.Tracker;

/**
 * How a network will be trained, as far as methods depend on it.
 *
 * @param examples the number of training images
 * @param stepsPerEpoch the steps of an epoch
 * @param epochs the epochs of the training, or of each round
 * @param learningRate the learning rate by step
 */
public record TrainingPlan(long examples, long stepsPerEpoch, int epochs, Tracker learningRate) {

    /** Returns the steps of the training, or of each round. */
    public long steps() {
        return stepsPerEpoch * epochs;
    }

    /** Returns the learning rate of the first step. */
    public float firstLearningRate() {
        return learningRate.getNewValue(1);
    }
}
