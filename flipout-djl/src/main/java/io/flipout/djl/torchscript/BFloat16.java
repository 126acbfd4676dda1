package io.flipout.djl.torchscript;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.util.cuda.CudaUtils;
import java.util.Arrays;
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
                    int axes = input.getShape().dimension() - 2;
                    return round(convolution, array, arguments, axes, channelsLast && axes == 2);
                },
                "linear",
                (array, arguments) -> round(linear, array, arguments, 0, false));
    }

    /**
     * Input, weight and bias are the first three arguments of both layers. The bias is added to
     * what the layer gives in float32: a bias is the whole of an output whose weights are pruned,
     * and a batch norm behind it, which finds no variance there, makes 300 times as much of every
     * rounding.
     */
    private static Expression round(
            Operation layer,
            NDArray array,
            Object[] arguments,
            int spatialAxes,
            boolean channelsLast) {
        Expression exact = layer.translate(array, arguments);
        NDArray input = (NDArray) arguments[0];
        if (input.getDataType() != DataType.FLOAT32) {
            return exact;
        }
        Expression rounded = exact.withArgument(2, null);
        for (int i = 0; i < 2; i++) {
            Object operand = exact.arguments().get(i);
            Object type = DataType.BFLOAT16;
            rounded =
                    rounded.withArgument(
                            i,
                            channelsLast
                                    ? to(operand, type, CHANNELS_LAST)
                                    : Expression.of("torch.to", operand, type, false, false));
        }
        NDArray bias = (NDArray) arguments[2];
        if (bias == null) {
            return Expression.of("torch.to", rounded, DataType.FLOAT32, false, false);
        }
        return Expression.of("torch.add", rounded, atItsAxis(bias, spatialAxes));
    }

    /** A bias as the outputs lie, with the axes of an image behind them. */
    private static Object atItsAxis(NDArray bias, int spatialAxes) {
        if (spatialAxes == 0) {
            return bias;
        }
        long[] shape = new long[1 + spatialAxes];
        Arrays.fill(shape, 1);
        shape[0] = -1;
        return Expression.of("torch.reshape", bias, new Shape(shape));
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
