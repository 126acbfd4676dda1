package io.flipout.tensor;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.DataType;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Optional;

/**
 * The memory of a tensor itself, without a copy.
 *
 * <p>A training step of a network of 11 million weights has a few milliseconds to spare, and every
 * operation of the engine is a pass over 45 MB. On a CPU, DJL can hand out the memory of an array
 * as a direct buffer, so that a loop in Java does in one pass what takes the engine five. DJL 0.25
 * cannot, nor does a GPU: there the engine's operations serve.
 *
 * <p>The system property {@code flipout.direct=false} turns this off.
 */
public final class DirectMemory {

    /** {@code NDArray.toByteBuffer(boolean tryDirect)}, which DJL has had since 0.28. */
    private static final MethodHandle TO_BYTE_BUFFER = find();

    private DirectMemory() {}

    private static MethodHandle find() {
        try {
            return MethodHandles.publicLookup()
                    .findVirtual(
                            NDArray.class,
                            "toByteBuffer",
                            MethodType.methodType(ByteBuffer.class, boolean.class));
        } catch (NoSuchMethodException | IllegalAccessException e) {
            return null;
        }
    }

    /**
     * Returns the memory of an array of float32 on the CPU.
     *
     * @param array the array
     * @return a view that reads and writes the array, valid while the array is open and until
     *     NDArray.set gives it other memory; empty if the array cannot be viewed without a copy
     */
    public static Optional<FloatBuffer> of(NDArray array) {
        if (!isCandidate(array)) {
            return Optional.empty();
        }
        FloatBuffer view = view(array);
        if (view == null || view.limit() == 0) {
            return Optional.empty();
        }
        // DJL silently copies an array that is not contiguous. A write that a second buffer sees
        // proves that the first one is the array itself.
        int bits = Float.floatToRawIntBits(view.get(0));
        view.put(0, Float.intBitsToFloat(bits ^ 1));
        FloatBuffer second = view(array);
        boolean same = second != null && Float.floatToRawIntBits(second.get(0)) == (bits ^ 1);
        view.put(0, Float.intBitsToFloat(bits));
        return same ? Optional.of(view) : Optional.empty();
    }

    private static boolean isCandidate(NDArray array) {
        return TO_BYTE_BUFFER != null
                && !"false".equals(System.getProperty("flipout.direct"))
                && array.getDataType() == DataType.FLOAT32
                && Device.Type.CPU.equals(array.getDevice().getDeviceType());
    }

    private static FloatBuffer view(NDArray array) {
        ByteBuffer buffer;
        try {
            buffer = (ByteBuffer) TO_BYTE_BUFFER.invokeExact(array, true);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException("DJL could not hand out the memory of an array.", e);
        }
        return buffer.isDirect() ? buffer.order(ByteOrder.nativeOrder()).asFloatBuffer() : null;
    }
}
