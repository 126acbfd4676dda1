package io.flipout;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.nn.Parameter;
import io.flipout.mask.Mask;
import io.flipout.mask.ParameterInfo;
import io.flipout.tensor.TrainedTensor;

/** Makes parameters in training without a network around them. */
public final class Trained {

    private Trained() {}

    /**
     * Describes the parameter at that position in block order, named {@code layer<index>.weight}.
     */
    public static ParameterInfo info(int index, NDArray values, boolean prunable) {
        Parameter parameter =
                Parameter.builder()
                        .setName("weight")
                        .setType(prunable ? Parameter.Type.WEIGHT : Parameter.Type.BIAS)
                        .build();
        parameter.setArray(values);
        return new ParameterInfo(index, "layer" + index + ".weight", parameter, prunable);
    }

    /** Returns the first parameter of a network before its first step. */
    public static TrainedTensor tensor(NDArray values, Mask mask) {
        return new TrainedTensor(info(0, values, true), values, mask, 0);
    }

    /** Returns the first parameter of a network, nothing of it pruned, before its first step. */
    public static TrainedTensor tensor(NDManager manager, float... values) {
        return tensor(manager.create(values), new Mask(values.length));
    }

    /** Returns a mask with these weights pruned. */
    public static Mask mask(int size, int... pruned) {
        Mask mask = new Mask(size);
        for (int index : pruned) {
            mask.prune(index);
        }
        return mask;
    }
}
