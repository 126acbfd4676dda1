package io.flipout.models;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.training.initializer.Initializer;

/**
 * PyTorch's initialisation of convolutions and linear layers: weights and biases uniform in ±1/√n,
 * n the fan-in of the weight. DJL's default has six times the variance and zero biases.
 *
 * <p>A bias does not know its weight's fan-in, so one object serves both: the weight comes first in
 * block order.
 */
final class FanIn {

    private long fanIn;

    private FanIn() {}

    /** Sets the initialisers of a layer with a weight and perhaps a bias. */
    static <B extends Block> B uniform(B layer) {
        FanIn fan = new FanIn();
        layer.setInitializer(fan::weight, "weight");
        if (layer.getDirectParameters().contains("bias")) {
            layer.setInitializer(fan::bias, "bias");
        }
        return layer;
    }

    /** Kaiming's normal initialisation, √(2/n), of a layer without bias. */
    static <B extends Block> B normal(B layer) {
        Initializer kaiming =
                (manager, shape, type) ->
                        manager.randomNormal(0f, (float) Math.sqrt(2.0 / of(shape)), shape, type);
        layer.setInitializer(kaiming, "weight");
        return layer;
    }

    private static long of(Shape weight) {
        return weight.size() / weight.get(0);
    }

    private NDArray weight(NDManager manager, Shape shape, DataType type) {
        fanIn = of(shape);
        return bias(manager, shape, type);
    }

    private NDArray bias(NDManager manager, Shape shape, DataType type) {
        float bound = (float) (1 / Math.sqrt((double) fanIn));
        return manager.randomUniform(-bound, bound, shape, type);
    }
}
