package io.flipout.djl.training;

/**
 * Where a {@link TrainingLoop} is.
 *
 * @param epochs the epochs that are finished
 * @param batches the batches of the next epoch that have been trained on
 * @param images the images in them
 * @param lossSum the sum of their losses
 * @param hits how many of them were classified rightly
 */
public record LoopPosition(int epochs, int batches, long images, double lossSum, double hits) {

    /** Before the first step. */
    public static final LoopPosition BEGIN = after(0);

    /** Returns the position between two epochs. */
    static LoopPosition after(int epochs) {
        return new LoopPosition(epochs, 0, 0, 0, 0);
    }
}
