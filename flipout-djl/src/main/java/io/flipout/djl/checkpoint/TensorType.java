package io.flipout.djl.checkpoint;

import java.nio.ByteBuffer;

/** The types of numbers that a file of tensors holds, by the names of the format. */
enum TensorType {
    F32(Float.BYTES, float[].class),
    I32(Integer.BYTES, int[].class),
    I64(Long.BYTES, long[].class),
    U8(Byte.BYTES, byte[].class);

    final int bytes;
    private final Class<?> array;

    TensorType(int bytes, Class<?> array) {
        this.bytes = bytes;
        this.array = array;
    }

    /**
     * Returns the type of an array.
     *
     * @throws IllegalArgumentException if the format has none for it
     */
    static TensorType of(Object array) {
        for (TensorType type : values()) {
            if (type.array.isInstance(array)) {
                return type;
            }
        }
        throw new IllegalArgumentException(
                "Arrays of float, int, long or byte can be kept, not "
                        + array.getClass().getSimpleName());
    }

    /** Writes some of an array's numbers, and moves the buffer on by them. */
    void put(ByteBuffer to, Object array, int from, int count) {
        switch (this) {
            case F32 -> to.asFloatBuffer().put((float[]) array, from, count);
            case I32 -> to.asIntBuffer().put((int[]) array, from, count);
            case I64 -> to.asLongBuffer().put((long[]) array, from, count);
            case U8 -> to.duplicate().put((byte[]) array, from, count);
        }
        to.position(to.position() + count * bytes);
    }

    /** Reads an array. */
    Object get(ByteBuffer from, int length) {
        switch (this) {
            case F32 -> {
                float[] values = new float[length];
                from.asFloatBuffer().get(values);
                return values;
            }
            case I32 -> {
                int[] values = new int[length];
                from.asIntBuffer().get(values);
                return values;
            }
            case I64 -> {
                long[] values = new long[length];
                from.asLongBuffer().get(values);
                return values;
            }
            default -> {
                byte[] values = new byte[length];
                from.get(values);
                return values;
            }
        }
    }
}
