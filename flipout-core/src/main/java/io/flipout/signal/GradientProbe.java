package io.flipout.signal;

import ai.djl.training.loss.Loss;
import io.flipout.mask.ParameterInfo;
import java.util.Optional;

/**
 * How a network is shown data before a pruning, forward and backward without a step, so that
 * signals see gradients by {@link Signal.Watch#afterBackward}.
 *
 * @param portion what one gradient is of
 * @param loss the loss; empty for that of the training
 * @param weights where the prunable weights come from meanwhile; empty for the network's own, which
 *     come back in any case
 */
public record GradientProbe(Portion portion, Optional<Loss> loss, Optional<Weights> weights) {

    /** What one gradient is of. */
    public enum Portion {
        /** A batch, seen as in training: batch normalisation takes the batch's statistics. */
        BATCH,

        /**
         * A single example, seen as in evaluation: batch normalisation takes its running
         * statistics, as one example has none.
         */
        EXAMPLE
    }

    /** Draws weights that take the place of the network's. */
    @FunctionalInterface
    public interface Weights {

        /**
         * Draws the weights of one tensor.
         *
         * @param info the parameter
         * @param seed the seed of this pruning
         * @return its weights in row-major order
         */
        float[] draw(ParameterInfo info, long seed);
    }

    /**
     * Shows batches, with the network's own weights and the loss of the training.
     *
     * @return the probe
     */
    public static GradientProbe ofBatches() {
        return new GradientProbe(Portion.BATCH, Optional.empty(), Optional.empty());
    }

    /**
     * Shows examples one by one, with the network's own weights and the loss of the training.
     *
     * @return the probe
     */
    public static GradientProbe ofExamples() {
        return new GradientProbe(Portion.EXAMPLE, Optional.empty(), Optional.empty());
    }
}
