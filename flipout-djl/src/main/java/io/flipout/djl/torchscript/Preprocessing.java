package io.flipout.djl.torchscript;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.util.Arrays;

/** Turns pixels of 0 to 255 into what a network was trained on: x ← (x / 255 − mean) / std. */
final class Preprocessing {

    static final Preprocessing NONE = new Preprocessing(null, null);

    private static final float WHITE = 255f;

    private final float[] mean;
    private final float[] std;

    Preprocessing(float[] mean, float[] std) {
        if (mean != null && (std == null || mean.length != std.length)) {
            throw new IllegalArgumentException(
                    "Preprocessing needs a mean and a standard deviation for each channel.");
        }
        this.mean = mean == null ? null : mean.clone();
        this.std = mean == null ? null : std.clone();
        if (mean != null) {
            for (float deviation : std) {
                if (!(deviation > 0)) {
                    throw new IllegalArgumentException(
                            "A standard deviation must be greater than 0, got "
                                    + Arrays.toString(std));
                }
            }
        }
    }

    boolean isIdentity() {
        return mean == null;
    }

    /** Processes the first input. */
    NDList apply(NDList inputs) {
        if (isIdentity()) {
            return inputs;
        }
        NDArray pixels = inputs.get(0);
        NDManager manager = pixels.getManager();
        Shape channels = new Shape(1, mean.length, 1, 1);
        NDArray normal =
                pixels.toType(DataType.FLOAT32, false)
                        .div(WHITE)
                        .sub(manager.create(mean, channels))
                        .div(manager.create(std, channels));
        NDList processed = new NDList(inputs);
        processed.set(0, normal);
        return processed;
    }
}
