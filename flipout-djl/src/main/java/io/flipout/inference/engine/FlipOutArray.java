package io.flipout.inference.engine;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrayAdapter;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.internal.NDArrayEx;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicLong;

/**
 * An array that carries numbers into a network and out of it. It can be stacked, split and given
 * another shape, as batches are made and taken apart; the rest is left to the alternative engine.
 */
final class FlipOutArray extends NDArrayAdapter {

    private static final AtomicLong NEXT = new AtomicLong();

    private ByteBuffer data; // of the machine's byte order, from 0 to its limit

    FlipOutArray(
            NDManager manager,
            NDManager alternativeManager,
            ByteBuffer data,
            Shape shape,
            DataType dataType) {
        super(manager, alternativeManager, shape, dataType, "FlipOut-" + NEXT.getAndIncrement());
        this.data = data;
        attachTo(manager);
    }

    private void attachTo(NDManager owner) {
        owner.attachInternal(getUid(), this);
    }

    /** What DJL 0.25 asks for. */
    @Override
    public ByteBuffer toByteBuffer() {
        return toByteBuffer(false);
    }

    /** What newer versions of DJL ask for. */
    @SuppressWarnings({"MissingOverride", "UnusedVariable"})
    public ByteBuffer toByteBuffer(boolean tryDirect) {
        if (isReleased()) {
            throw new IllegalStateException("This array is already closed");
        }
        return data.duplicate().order(ByteOrder.nativeOrder());
    }

    @Override
    public void intern(NDArray replaced) {
        if (!(replaced instanceof FlipOutArray array)) {
            throw new IllegalArgumentException("Only an array of the FlipOut engine can be moved.");
        }
        data = array.data;
        shape = array.shape;
        dataType = array.dataType;
        array.close();
    }

    @Override
    public void detach() {
        manager.detachInternal(getUid());
        manager = FlipOutManager.SYSTEM;
    }

    /** Gives an array back that was lent to another manager. */
    @SuppressWarnings("MissingOverride")
    public void returnResource(NDManager owner) {
        detach();
        manager = owner;
        owner.attachUncappedInternal(getUid(), this);
    }

    private NDArray create(ByteBuffer bytes, Shape newShape) {
        NDArray array = manager.create(bytes, newShape, getDataType());
        array.setName(getName());
        return array;
    }

    @Override
    public NDArray duplicate() {
        return create(toByteBuffer(), getShape());
    }

    @Override
    public NDArray reshape(Shape newShape) {
        long[] sizes = newShape.getShape().clone();
        long known = 1;
        int open = -1;
        for (int i = 0; i < sizes.length; i++) {
            if (sizes[i] >= 0) {
                known *= sizes[i];
            } else if (open < 0) {
                open = i;
            } else {
                throw new IllegalArgumentException("Only one size of " + newShape + " may be open");
            }
        }
        long size = getShape().size();
        if (open >= 0 && known > 0) {
            sizes[open] = size / known;
            known *= sizes[open];
        }
        if (known != size) {
            throw new IllegalArgumentException(
                    "An array of " + getShape() + " cannot take the shape " + newShape);
        }
        return create(toByteBuffer(), new Shape(sizes));
    }

    @Override
    public NDArray expandDims(int axis) {
        long[] sizes = getShape().getShape();
        int place = axis < 0 ? axis + sizes.length + 1 : axis;
        long[] more = new long[sizes.length + 1];
        System.arraycopy(sizes, 0, more, 0, place);
        more[place] = 1;
        System.arraycopy(sizes, place, more, place + 1, sizes.length - place);
        return create(toByteBuffer(), new Shape(more));
    }

    @Override
    public NDArray squeeze(int[] axes) {
        long[] sizes = getShape().getShape();
        boolean[] gone = new boolean[sizes.length];
        for (int axis : axes) {
            int place = axis < 0 ? axis + sizes.length : axis;
            if (sizes[place] != 1) {
                throw new IllegalArgumentException(
                        "Axis " + axis + " of " + getShape() + " is not of size 1");
            }
            gone[place] = true;
        }
        long[] left = new long[sizes.length];
        int count = 0;
        for (int i = 0; i < sizes.length; i++) {
            if (!gone[i]) {
                left[count++] = sizes[i];
            }
        }
        return create(toByteBuffer(), new Shape(Arrays.copyOf(left, count)));
    }

    @Override
    public NDList split(long sections, int axis) {
        long size = getShape().get(axis);
        if (sections < 1 || size % sections != 0) {
            throw new IllegalArgumentException(
                    "Axis " + axis + " of " + getShape() + " does not divide by " + sections);
        }
        long[] indices = new long[(int) sections - 1];
        for (int i = 0; i < indices.length; i++) {
            indices[i] = (i + 1) * (size / sections);
        }
        return split(indices, axis);
    }

    @Override
    public NDList split(long[] indices, int axis) {
        if (axis != 0) {
            return super.split(indices, axis);
        }
        long rows = getShape().get(0);
        int row = rows == 0 ? 0 : (int) (data.limit() / rows);
        NDList parts = new NDList();
        long from = 0;
        for (int i = 0; i <= indices.length; i++) {
            long to = i < indices.length ? indices[i] : rows;
            long[] sizes = getShape().getShape().clone();
            sizes[0] = to - from;
            ByteBuffer part = toByteBuffer();
            part.position((int) from * row).limit((int) to * row);
            parts.add(create(part, new Shape(sizes)));
            from = to;
        }
        return parts;
    }

    /** This and others, which make one batch. */
    private NDArray stack(NDList others) {
        ByteBuffer all =
                ByteBuffer.allocate(Math.multiplyExact(data.limit(), others.size() + 1))
                        .order(ByteOrder.nativeOrder());
        all.put(toByteBuffer());
        for (NDArray other : others) {
            if (!other.getShape().equals(getShape()) || other.getDataType() != getDataType()) {
                throw new IllegalArgumentException(
                        String.format(
                                Locale.ROOT,
                                "Arrays of %s %s and %s %s make no batch",
                                getDataType(),
                                getShape(),
                                other.getDataType(),
                                other.getShape()));
            }
            all.put(other.toByteBuffer());
        }
        return create(all.rewind(), new Shape(others.size() + 1).addAll(getShape()));
    }

    /** Stacks by itself; whatever else is asked for, arrays of the alternative engine do. */
    @Override
    public NDArrayEx getNDArrayInternal() {
        return (NDArrayEx)
                Proxy.newProxyInstance(
                        NDArrayEx.class.getClassLoader(),
                        new Class<?>[] {NDArrayEx.class},
                        (proxy, method, arguments) -> {
                            if (method.getName().equals("getArray")) {
                                return this;
                            }
                            if (method.getName().equals("stack")
                                    && (arguments.length < 2 || arguments[1].equals(0))) {
                                return stack((NDList) arguments[0]);
                            }
                            try {
                                return method.invoke(super.getNDArrayInternal(), arguments);
                            } catch (InvocationTargetException e) {
                                throw e.getCause();
                            }
                        });
    }

    @Override
    public NDArray get(NDManager manager, NDIndex index) {
        return super.get(AlternativeEngine.open(manager), index);
    }
}
