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
 * @param derivative what signals see of the loss
 * @param temperature what the outputs are divided by before the loss, 1 for nothing
 */
public record GradientProbe(
        Portion portion,
        Optional<Loss> loss,
        Optional<Weights> weights,
        Derivative derivative,
        double temperature) {

    /** What one gradient is of. */
    public enum Portion {
        /** A batch, seen as in training: batch normalisation takes the batch's statistics. */
        BATCH,

        /**
         * A single example, seen as in evaluation: batch normalisation takes its running
         * statistics, as one example has none.
         */
        EXAMPLE,

        /**
         * An input of ones of an example's shape, seen as in evaluation by a network of magnitudes:
         * |θ| of every parameter and running statistic. The loss is the logarithm of the sum of the
         * outputs, R, whose gradient is that of R but for a factor. Computed in double, as R leaves
         * the range of floats in deep networks.
         */
        ONES
    }

    /** What signals see of a loss. */
    public enum Derivative {
        /** Its gradient g. */
        GRADIENT,

        /**
         * The product H·g of its Hessian and its gradient, of the weights alive, from gradients at
         * θ ± ε·g in double.
         */
        HESSIAN_GRADIENT
    }

    /**
     * Creates the probe.
     *
     * @throws IllegalArgumentException if the temperature is not a number greater than 0
     */
    public GradientProbe {
        if (!(temperature > 0 && Double.isFinite(temperature))) {
            throw new IllegalArgumentException(
                    "The temperature must be a number greater than 0, got " + temperature);
        }
    }

    /**
     * Creates a probe of gradients.
     *
     * @param portion what one gradient is of
     * @param loss the loss; empty for that of the training
     * @param weights where the prunable weights come from meanwhile
     */
    public GradientProbe(Portion portion, Optional<Loss> loss, Optional<Weights> weights) {
        this(portion, loss, weights, Derivative.GRADIENT, 1);
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

    /**
     * Shows an input of ones to the network's magnitudes.
     *
     * @return the probe
     */
    public static GradientProbe ofOnes() {
        return new GradientProbe(Portion.ONES, Optional.empty(), Optional.empty());
    }

    /**
     * Shows batches, and takes H·g of the loss of the training.
     *
     * @param temperature what the outputs are divided by before the loss
     * @return the probe
     * @throws IllegalArgumentException if the temperature is not a number greater than 0
     */
    public static GradientProbe ofHessian(double temperature) {
        return new GradientProbe(
                Portion.BATCH,
                Optional.empty(),
                Optional.empty(),
                Derivative.HESSIAN_GRADIENT,
                temperature);
    }

    /**
     * Tells whether floats would not do.
     *
     * @return true if the network is to be computed in double
     */
    public boolean isInDouble() {
        return portion == Portion.ONES || derivative == Derivative.HESSIAN_GRADIENT;
    }
}
