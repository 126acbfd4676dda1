package io.flipout.djl.training;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import io.flipout.mask.BlockPaths;
import io.flipout.tensor.Transfers;
import java.util.Map;

/** What a network brings along before its first step. */
public final class InitialWeights {

    private InitialWeights() {}

    /**
     * Makes sure that a network can be trained: none of its values, running statistics included, is
     * NaN or infinite. Otherwise the loss is none either, and the learning rate would be blamed.
     *
     * @param block the network, initialised
     * @throws IllegalArgumentException if a value is not finite; the sentence names it
     */
    public static void check(Block block) {
        for (Map.Entry<String, Parameter> entry : BlockPaths.parameters(block).entrySet()) {
            Parameter parameter = entry.getValue();
            if (parameter.isInitialized()) {
                check(entry.getKey(), parameter.getArray());
            }
        }
    }

    private static void check(String path, NDArray array) {
        if (array.size() == 0 || !array.getDataType().isFloating()) {
            return;
        }
        try (NDArray detached = array.stopGradient();
                NDArray zero = detached.getManager().zeros(new Shape(), detached.getDataType());
                NDArray zeros = detached.mul(zero); // NaN where the value is not finite.
                NDArray sum = zeros.sum()) {
            if (Transfers.floats(sum)[0] == 0) {
                return;
            }
        }
        throw new IllegalArgumentException(
                "The network arrives with values that are no numbers: "
                        + path
                        + " holds NaN or infinities before the first step, which no training"
                        + " mends: load other weights, or initialise these anew.");
    }
}
