package io.flipout.djl;

/** Follows a {@link TrainingLoop}. */
public interface TrainingProgress {

    /**
     * An epoch begins.
     *
     * @param epoch the epoch, from 1
     */
    default void onEpochBegin(int epoch) {}

    /**
     * A batch has been trained on.
     *
     * @param epoch the epoch, from 1
     * @param images the images trained on in this epoch so far
     */
    default void onBatch(int epoch, long images) {}

    /**
     * An epoch has been trained, evaluated and pruned.
     *
     * @param result what it came to; the scores are those before the pruning
     */
    default void onEpochEnd(EpochResult result) {}
}
