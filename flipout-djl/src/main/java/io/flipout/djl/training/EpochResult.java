package io.flipout.djl.training;

import java.util.Optional;

/**
 * What one epoch of training came to.
 *
 * @param epoch the epoch, from 1
 * @param train the running score while training, of the network as it was at each batch
 * @param validation the score on held-out training images; empty if there are none
 * @param test the score on the test images; empty if there are none
 * @param trainSeconds seconds of training, without evaluation and pruning
 * @param seconds seconds of the whole epoch
 */
public record EpochResult(
        int epoch,
        Score train,
        Optional<Score> validation,
        Optional<Score> test,
        double trainSeconds,
        double seconds) {

    /**
     * Returns the training speed.
     *
     * @return images trained on in a second
     */
    public double imagesPerSecond() {
        return train.images() / trainSeconds;
    }
}
