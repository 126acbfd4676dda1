package io.flipout.djl.training;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.DataType;
import io.flipout.tensor.Transfers;
import java.util.Optional;

/** Finds numbers in weights that no training can come from. */
public final class FiniteCheck {

    private FiniteCheck() {}

    /**
     * Looks for NaN and, if asked for, infinity.
     *
     * @param array the array, of any type
     * @param infinite whether infinity is a fault too; a constant, such as a mask of attention, may
     *     hold it
     * @return what it holds, in words; empty if it is sound
     */
    public static Optional<String> fault(NDArray array, boolean infinite) {
        if (!array.getDataType().isFloating() || array.size() == 0) {
            return Optional.empty();
        }
        try (NDArray detached = array.stopGradient();
                NDArray floats = detached.toType(DataType.FLOAT32, false);
                NDArray magnitudes = floats.abs();
                NDArray largest = magnitudes.max()) {
            // The largest of numbers with NaN among them is NaN.
            float value = Transfers.floats(largest)[0];
            if (Float.isNaN(value)) {
                return Optional.of("NaN");
            }
            // Of float64, what float32 cannot hold is not infinite yet.
            boolean isInfinite = Float.isInfinite(value) && array.getDataType() != DataType.FLOAT64;
            return infinite && isInfinite ? Optional.of("infinity") : Optional.empty();
        }
    }
}
