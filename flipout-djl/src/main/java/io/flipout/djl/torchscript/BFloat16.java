package io.flipout.djl.torchscript;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.DataType;
import ai.djl.util.cuda.CudaUtils;
import java.util.Map;

/** Convolutions and linear layers in bfloat16, between tensors of float32. */
final class BFloat16 {

    /** The first compute capability whose matrix units know bfloat16, 8.0, as DJL writes it. */
    private static final int AMPERE = 80;

    /** PyTorch's number of the layout whose channels lie beside each other. */
    private static final int CHANNELS_LAST = 2;

    private BFloat16() {}

    /**
     * Returns translations of both layers in place of the usual ones.
     *
     * @param usual the usual ones
     * @param channelsLast whether images have the layout in which a GPU convolves in bfloat16; the
     *     conversion between the types makes it on the way
     */
    static Map<String, Operation> operations(Operations usual, boolean channelsLast) {
        Operation convolution = usual.find("convolution");
        Operation linear = usual.find("linear");
        return Map.of(
                "convolution",
                (array, arguments) -> {
                    NDArray input = (NDArray) arguments[0];
                    boolean isImage = input.getShape().dimension() == 4;
                    return round(convolution, array, arguments, channelsLast && isImage);
                },
                "linear",
                (array, arguments) -> round(linear, array, arguments, false));
    }

    /** Input, weight and bias are the first three arguments of both layers. */
    private static Expression round(
            Operation layer, NDArray array, Object[] arguments, boolean channelsLast) {
        Expression exact = layer.translate(array, arguments);
        if (((NDArray) arguments[0]).getDataType() != DataType.FLOAT32) {
            return exact;
        }
        Expression rounded = exact;
        for (int i = 0; i < 3; i++) {
            Object operand = exact.arguments().get(i);
            if (operand != null) {
                boolean hasLayout = channelsLast && i < 2; // A bias has one axis.
                Object type = DataType.BFLOAT16;
                rounded =
                        rounded.withArgument(
                                i,
                                hasLayout
                                        ? to(operand, type, CHANNELS_LAST)
                                        : Expression.of("torch.to", operand, type, false, false));
            }
        }
        return Expression.of("torch.to", rounded, DataType.FLOAT32, false, false);
    }

    private static Expression to(Object operand, Object type, int layout) {
        return Expression.of("torch.to", operand, type, false, false, layout);
    }

    /**
     * Refuses a device that does not compute in bfloat16: a CPU always does, if slowly.
     *
     * @throws TorchScriptException if it does not
     */
    static void check(Device device) {
        if (device.isGpu()) {
            check(device, CudaUtils.getComputeCapability(device.getDeviceId()));
        }
    }

    /** Refuses a GPU by its compute capability, such as 75 for 7.5. */
    static void check(Device device, String capability) {
        if (Integer.parseInt(capability) < AMPERE) {
            throw new TorchScriptException(
                    "The device "
                            + device
                            + " does not compute in bfloat16: train in float32, or on a GPU of"
                            + " NVIDIA's Ampere or newer.");
        }
    }
}
