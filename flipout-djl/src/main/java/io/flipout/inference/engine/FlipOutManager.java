package io.flipout.inference.engine;

import ai.djl.Device;
import ai.djl.engine.Engine;
import ai.djl.ndarray.BaseNDManager;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import io.flipout.tensor.Transfers;
import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Makes arrays that carry numbers, and frees them. */
sealed class FlipOutManager extends BaseNDManager {

    static final FlipOutManager SYSTEM = new SystemManager();

    private FlipOutManager(NDManager parent, Device device) {
        super(parent, device);
        if (alternativeManager == null) {
            alternativeManager =
                    AlternativeEngine.manager(
                            () -> {
                                throw new UnsupportedOperationException(
                                        "Arrays of the FlipOut engine only carry numbers: compute"
                                                + " on toFloatArray(), or add an engine whose"
                                                + " arrays do it, such as"
                                                + " ai.djl.pytorch:pytorch-engine.");
                            });
        }
    }

    @Override
    public Engine getEngine() {
        return FlipOutEngine.INSTANCE;
    }

    @Override
    public ByteBuffer allocateDirect(int capacity) {
        return ByteBuffer.allocateDirect(capacity).order(ByteOrder.nativeOrder());
    }

    @Override
    public NDManager newSubManager(Device where) {
        FlipOutManager manager = new FlipOutManager(this, where);
        attachUncappedInternal(manager.uid, manager);
        return manager;
    }

    @Override
    public NDArray from(NDArray array) {
        if (array == null || array instanceof FlipOutArray) {
            return array;
        }
        NDArray copy =
                create(
                        ByteBuffer.wrap(Transfers.bytes(array)),
                        array.getShape(),
                        array.getDataType());
        copy.setName(array.getName());
        return copy;
    }

    @Override
    public NDArray create(Buffer data, Shape shape, DataType dataType) {
        int size = Math.toIntExact(shape.size());
        validateBuffer(data, dataType, size);
        ByteBuffer bytes =
                ByteBuffer.allocate(Math.multiplyExact(size, dataType.getNumOfBytes()))
                        .order(ByteOrder.nativeOrder());
        if (data instanceof ByteBuffer source) {
            bytes.put(source.duplicate()).rewind();
        } else {
            copyBuffer(data, bytes);
        }
        return new FlipOutArray(this, alternativeManager, bytes, shape, dataType);
    }

    @Override
    public void close() {
        super.close();
        alternativeManager.close();
    }

    /** The manager that all others descend from. */
    private static final class SystemManager extends FlipOutManager implements SystemNDManager {

        SystemManager() {
            super(null, null);
        }
    }
}
