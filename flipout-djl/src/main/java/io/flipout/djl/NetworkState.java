package io.flipout.djl;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.DataType;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import io.flipout.djl.checkpoint.CheckpointException;
import io.flipout.djl.checkpoint.SafeTensors;
import io.flipout.mask.BlockPaths;
import java.io.IOException;
import java.lang.reflect.Array;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The values of a network, running statistics included, by block path. */
final class NetworkState {

    private static final String NETWORK = "network/";

    private NetworkState() {}

    static void save(Block block, Map<String, Object> arrays) {
        BlockPaths.parameters(block)
                .forEach((path, parameter) -> arrays.put(NETWORK + path, values(parameter)));
    }

    private static Object values(Parameter parameter) {
        NDArray array = parameter.getArray();
        if (array.getDataType() == DataType.FLOAT32) {
            return array.toFloatArray();
        }
        ByteBuffer bytes = array.toByteBuffer();
        byte[] copy = new byte[bytes.remaining()];
        bytes.get(copy);
        return copy;
    }

    /** Sets all values, or none where the file is of another network. */
    static void load(Block block, SafeTensors file) throws IOException {
        Map<String, Parameter> parameters = BlockPaths.parameters(block);
        List<Object> read = new ArrayList<>();
        for (Map.Entry<String, Parameter> entry : parameters.entrySet()) {
            read.add(values(entry.getKey(), entry.getValue().getArray(), file));
        }
        int next = 0;
        for (Parameter parameter : parameters.values()) {
            // The same memory outside of autograd, which forbids to write to its leaves.
            try (NDArray array = parameter.getArray().stopGradient()) {
                Object values = read.get(next++);
                array.set(
                        values instanceof float[] floats
                                ? FloatBuffer.wrap(floats)
                                : ByteBuffer.wrap((byte[]) values));
            }
        }
    }

    private static Object values(String path, NDArray array, SafeTensors file) throws IOException {
        int size = Math.toIntExact(array.size());
        if (!file.contains(NETWORK + path)) {
            throw another("it has no " + path);
        }
        boolean isFloat = array.getDataType() == DataType.FLOAT32;
        int length = isFloat ? size : size * array.getDataType().getNumOfBytes();
        Object values;
        try {
            values =
                    isFloat
                            ? file.floats(NETWORK + path, length)
                            : file.bytes(NETWORK + path, length);
        } catch (CheckpointException e) {
            throw another("its " + path + " has not " + size + " values");
        }
        if (Array.getLength(values) != length) {
            throw another("its " + path + " has not " + size + " values");
        }
        return values;
    }

    private static CheckpointException another(String difference) {
        return new CheckpointException(
                "The saved training is of another network: " + difference + ".");
    }
}
