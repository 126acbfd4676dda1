package io.flipout.djl;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.DataType;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import io.flipout.djl.checkpoint.Checkpoint;
import io.flipout.djl.checkpoint.CheckpointException;
import io.flipout.djl.checkpoint.SafeTensors;
import io.flipout.mask.BlockPaths;
import io.flipout.tensor.Transfers;
import java.io.IOException;
import java.lang.reflect.Array;
import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The values of a network, running statistics included, by block path. */
public final class NetworkState {

    private static final String NETWORK = "network/";

    private NetworkState() {}

    /**
     * Sets a network to what it was when a training was saved, without going on with that.
     *
     * @param block the network, initialised
     * @param file what {@link Pruner#save} wrote
     * @throws CheckpointException if the file is damaged, or of another network
     * @throws IOException if it cannot be read
     */
    public static void load(Block block, Path file) throws IOException {
        set(block, read(block, Checkpoint.read(file).arrays()));
    }

    static void save(Block block, Map<String, Object> arrays) {
        BlockPaths.parameters(block)
                .forEach(
                        (path, parameter) ->
                                arrays.put(NETWORK + path, values(parameter.getArray())));
    }

    /** Returns a copy of an array's values: floats, or the bytes of another type. */
    static Object values(NDArray array) {
        if (array.getDataType() == DataType.FLOAT32) {
            return Transfers.floats(array);
        }
        return Transfers.bytes(array);
    }

    /** Sets an array to what {@link #values} returned. */
    static void set(NDArray array, Object values) {
        // NDArray.set(Buffer) would give the array other memory than that which is shared.
        Buffer buffer =
                values instanceof float[] floats
                        ? FloatBuffer.wrap(floats)
                        : ByteBuffer.wrap((byte[]) values);
        try (NDArray copy =
                array.getManager().create(buffer, array.getShape(), array.getDataType())) {
            array.set(new NDIndex("..."), copy);
        }
    }

    /** Reads all values in the order of the blocks, unless the file is of another network. */
    static List<Object> read(Block block, SafeTensors file) throws IOException {
        List<Object> values = new ArrayList<>();
        for (Map.Entry<String, Parameter> entry : BlockPaths.parameters(block).entrySet()) {
            values.add(read(file, NETWORK + entry.getKey(), entry.getValue().getArray()));
        }
        return values;
    }

    /** Sets what {@link #read(Block, SafeTensors)} returned. */
    static void set(Block block, List<Object> values) {
        int next = 0;
        for (Parameter parameter : BlockPaths.parameters(block).values()) {
            // The same memory outside of autograd, which forbids to write to its leaves.
            try (NDArray array = parameter.getArray().stopGradient()) {
                set(array, values.get(next++));
            }
        }
    }

    /** Reads values for an array of the network. */
    static Object read(SafeTensors file, String name, NDArray array) throws IOException {
        String path = name.substring(name.indexOf('/') + 1);
        if (!file.contains(name)) {
            throw another("it has no " + path);
        }
        boolean isFloat = array.getDataType() == DataType.FLOAT32;
        int width = isFloat ? 1 : array.getDataType().getNumOfBytes();
        int length = Math.toIntExact(array.size()) * width;
        try {
            Object values = isFloat ? file.floats(name, length) : file.bytes(name, length);
            if (Array.getLength(values) == length) {
                return values;
            }
        } catch (CheckpointException e) {
            // It has more of them, or of another type.
        }
        throw another("its " + path + " is not of " + array.getShape());
    }

    private static CheckpointException another(String difference) {
        return new CheckpointException(
                "The saved training is of another network: " + difference + ".");
    }
}
