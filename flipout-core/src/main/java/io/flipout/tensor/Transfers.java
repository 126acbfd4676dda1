package io.flipout.tensor;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import java.nio.ByteBuffer;
import java.util.function.Function;

/**
 * Reads arrays into Java's, and copies them to other devices, so that nothing is left behind.
 *
 * <p>DJL reads an array of a GPU through a copy on the CPU, which it leaves to the array's manager:
 * weights that are read at every pruning would lie in the host's memory once for each, until the
 * training ends. And it makes a manager for every array that goes to another device. So whatever
 * crosses from one device to another does it here.
 */
public final class Transfers {

    private Transfers() {}

    /**
     * Reads an array of any type as float32.
     *
     * @param array the array, on any device; it is waited for
     * @return its values in row-major order, rounded where float32 holds less
     */
    public static float[] floats(NDArray array) {
        if (array.getDataType() == DataType.FLOAT32) {
            return read(array, NDArray::toFloatArray);
        }
        try (NDArray converted = array.toType(DataType.FLOAT32, true)) {
            return read(converted, NDArray::toFloatArray);
        }
    }

    /**
     * Reads an array of int32.
     *
     * @param array the array, on any device; it is waited for
     * @return its values in row-major order
     */
    public static int[] ints(NDArray array) {
        return read(array, NDArray::toIntArray);
    }

    /**
     * Reads an array of int64.
     *
     * @param array the array, on any device; it is waited for
     * @return its values in row-major order
     */
    public static long[] longs(NDArray array) {
        return read(array, NDArray::toLongArray);
    }

    /**
     * Reads an array of float64.
     *
     * @param array the array, on any device; it is waited for
     * @return its values in row-major order
     */
    public static double[] doubles(NDArray array) {
        return read(array, NDArray::toDoubleArray);
    }

    /**
     * Reads an array of any type.
     *
     * @param array the array, on any device; it is waited for
     * @return the bytes of its values in row-major order, as the machine orders them
     */
    public static byte[] bytes(NDArray array) {
        return read(
                array,
                here -> {
                    ByteBuffer buffer = here.toByteBuffer();
                    byte[] bytes = new byte[buffer.remaining()];
                    buffer.get(bytes);
                    return bytes;
                });
    }

    private static <T> T read(NDArray array, Function<NDArray, T> way) {
        if (Device.Type.CPU.equals(array.getDevice().getDeviceType())) {
            return way.apply(array);
        }
        try (NDManager scratch = array.getManager().newSubManager()) {
            return way.apply(alias(array, scratch));
        }
    }

    /**
     * Copies an array.
     *
     * @param array the array, on any device
     * @param device the device that the copy is for
     * @param owner owns the copy
     * @return the copy, which takes no gradient
     */
    public static NDArray copy(NDArray array, Device device, NDManager owner) {
        try (NDManager scratch = array.getManager().newSubManager()) {
            NDArray alias = alias(array, scratch);
            // Of what lies there already, toDevice returns the same memory.
            NDArray copy =
                    array.getDevice().equals(device)
                            ? alias.duplicate()
                            : alias.toDevice(device, true);
            copy.attach(owner);
            return copy;
        }
    }

    /**
     * Brings an array to a device.
     *
     * @param array the array, closed if it lies elsewhere
     * @param device the device
     * @param owner owns what is returned
     * @return the array itself, or a copy, which takes no gradient
     */
    public static NDArray move(NDArray array, Device device, NDManager owner) {
        if (array.getDevice().equals(device)) {
            array.attach(owner);
            return array;
        }
        try (array) {
            return copy(array, device, owner);
        }
    }

    /** The same memory by another name: what DJL makes of it belongs to the owner of the name. */
    private static NDArray alias(NDArray array, NDManager owner) {
        NDArray alias = array.stopGradient();
        alias.attach(owner);
        return alias;
    }
}
