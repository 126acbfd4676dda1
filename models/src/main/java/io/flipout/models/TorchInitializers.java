package io.flipout.models;

import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Parameter;
import ai.djl.training.initializer.Initializer;

/**
 * PyTorch's ways to draw the first weights. How large weights of different layers are in comparison
 * decides what a global pruning criterion removes first, so DJL's own He-normal must not be used.
 */
final class TorchInitializers {

    private TorchInitializers() {}

    /**
     * PyTorch's default for linear and convolutional layers: U(-b, b) with b = 1 / sqrt(fan_in), a
     * variance of 1 / (3 fan_in).
     *
     * @param weight the layer's weight, whose fan-in counts for the bias too; its shape may come
     *     later
     */
    static Initializer uniform(Parameter weight) {
        return (manager, shape, type) -> {
            float bound = (float) (1 / Math.sqrt(fanIn(weight.getShape())));
            return manager.randomUniform(-bound, bound, shape, type);
        };
    }

    /** He et al.'s N(0, 2 / fan_in), for weights only. */
    static Initializer kaimingNormal() {
        return (manager, shape, type) ->
                manager.randomNormal(0f, (float) Math.sqrt(2.0 / fanIn(shape)), shape, type);
    }

    private static double fanIn(Shape weight) {
        return (double) weight.slice(1).size();
    }
}
