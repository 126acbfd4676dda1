package io.flipout.djl.torchscript;

import ai.djl.ndarray.types.DataType;

/** PyTorch's names and numbers of data types. */
final class ScalarTypes {

    private ScalarTypes() {}

    /** The number of {@code at::ScalarType}, as TorchScript writes it. */
    static int code(DataType type) {
        return switch (type) {
            case UINT8 -> 0;
            case INT8 -> 1;
            case INT16 -> 2;
            case INT32 -> 3;
            case INT64 -> 4;
            case FLOAT16 -> 5;
            case FLOAT32 -> 6;
            case FLOAT64 -> 7;
            case BOOLEAN -> 11;
            case BFLOAT16 -> 15;
            default -> throw unsupported(type);
        };
    }

    /** The class of a storage in a pickle. */
    static String storage(DataType type) {
        return switch (type) {
            case UINT8 -> "ByteStorage";
            case INT8 -> "CharStorage";
            case INT16 -> "ShortStorage";
            case INT32 -> "IntStorage";
            case INT64 -> "LongStorage";
            case FLOAT16 -> "HalfStorage";
            case FLOAT32 -> "FloatStorage";
            case FLOAT64 -> "DoubleStorage";
            case BOOLEAN -> "BoolStorage";
            case BFLOAT16 -> "BFloat16Storage";
            default -> throw unsupported(type);
        };
    }

    /** The bytes of a number in a storage of such a class, whether DJL has its type or not. */
    static int width(String storage) {
        return switch (storage) {
            case "ByteStorage", "CharStorage", "BoolStorage", "QInt8Storage", "QUInt8Storage" -> 1;
            case "ShortStorage", "HalfStorage", "BFloat16Storage" -> 2;
            case "IntStorage", "FloatStorage", "QInt32Storage", "ComplexHalfStorage" -> 4;
            case "LongStorage", "DoubleStorage", "ComplexFloatStorage" -> 8;
            case "ComplexDoubleStorage" -> 16;
            default -> throw new IllegalArgumentException("it has a " + storage);
        };
    }

    private static UnsupportedOperationException unsupported(DataType type) {
        return new UnsupportedOperationException("TorchScript has no data type " + type + ".");
    }
}
