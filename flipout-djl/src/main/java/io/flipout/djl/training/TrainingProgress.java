package io.flipout.djl.training;

import java.util.function.Supplier;

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

    /**
     * A step has been taken, or an epoch has ended: the training can be saved or stopped here.
     *
     * @param position tells where the training is, and is best not asked after every step: on a GPU
     *     it waits for the losses
     * @return true to go on, false to end the training here
     */
    default boolean proceed(Supplier<LoopPosition> position) {
        return true;
    }
}
