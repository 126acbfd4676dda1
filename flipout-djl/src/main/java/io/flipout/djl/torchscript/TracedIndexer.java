package io.flipout.djl.torchscript;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.index.NDArrayIndexer;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.index.dim.NDIndexAll;
import ai.djl.ndarray.index.dim.NDIndexBooleans;
import ai.djl.ndarray.index.dim.NDIndexElement;
import ai.djl.ndarray.index.dim.NDIndexFixed;
import ai.djl.ndarray.index.dim.NDIndexNull;
import ai.djl.ndarray.index.dim.NDIndexSlice;
import ai.djl.ndarray.index.dim.NDIndexTake;
import ai.djl.ndarray.index.full.NDIndexFullPick;
import ai.djl.ndarray.index.full.NDIndexFullSlice;
import ai.djl.ndarray.index.full.NDIndexFullTake;
import ai.djl.ndarray.types.DataType;
import java.util.ArrayList;
import java.util.List;

/** Reads and writes parts of traced arrays, with negative and open ends as they were written. */
final class TracedIndexer extends NDArrayIndexer {

    private final Tracer tracer;

    TracedIndexer(Tracer tracer) {
        this.tracer = tracer;
    }

    /** {@inheritDoc} */
    @Override
    public NDArray get(NDArray array, NDIndex index) {
        if (index.getRank() == 0 && index.getIndices().isEmpty()) {
            return array.duplicate();
        }
        Object part = part(array, index);
        NDArray real = TracedArray.real(array).get(realIndex(index));
        if (part instanceof Expression expression) {
            return tracer.result(expression, real);
        }
        return array; // All of it.
    }

    /** {@inheritDoc} */
    @Override
    public void set(NDArray array, NDIndex index, Object value) {
        NDArray real = TracedArray.real(array);
        Object part = index.getRank() == 0 ? array : part(array, index);
        NDIndex where = realIndex(index);
        if (value instanceof Number number) {
            real.set(where, number);
            write(part, number);
        } else {
            NDArray from = tracer.tracedManager().from((NDArray) value);
            real.set(where, TracedArray.real(from));
            write(part, from);
        }
    }

    private void write(Object part, Object value) {
        if (part instanceof Expression indexed && indexed.function().equals("torch.index")) {
            if (value instanceof Number) {
                throw tracer.unsupported(
                        "set", "with a number where an array says the positions: set an array.");
            }
            List<Object> places = indexed.arguments();
            tracer.change(Expression.of("torch.index_put_", places.get(0), places.get(1), value));
        } else {
            String function = value instanceof Number ? "torch.fill_" : "torch.copy_";
            tracer.change(Expression.of(function, part, value));
        }
    }

    /** The expression of a part of an array; the array itself if it is all of it. */
    private Object part(NDArray array, NDIndex index) {
        int rank = array.getShape().dimension();
        int given = 0;
        boolean advanced = false;
        for (NDIndexElement element : index.getIndices()) {
            given += element instanceof NDIndexNull ? 0 : element.getRank();
            advanced |= element instanceof NDIndexTake || element instanceof NDIndexBooleans;
        }
        Object part = array;
        List<Object> tensors = new ArrayList<>();
        int dimension = 0;
        List<NDIndexElement> elements = index.getIndices();
        for (int i = 0; i <= elements.size(); i++) {
            if (i == index.getEllipsisIndex()) {
                for (int skip = rank - given; skip > 0; skip--) {
                    tensors.add(null);
                    dimension++;
                }
            }
            if (i == elements.size()) {
                break;
            }
            NDIndexElement element = elements.get(i);
            if (element instanceof NDIndexAll) {
                tensors.add(null);
                dimension++;
            } else if (element instanceof NDIndexNull) {
                part = Expression.of("torch.unsqueeze", part, dimension);
                tensors.add(null);
                dimension++;
            } else if (element instanceof NDIndexFixed fixed) {
                part = Expression.of("torch.select", part, dimension, fixed.getIndex());
            } else if (element instanceof NDIndexSlice slice) {
                Long step = slice.getStep();
                part =
                        Expression.of(
                                "torch.slice",
                                part,
                                dimension,
                                slice.getMin(),
                                slice.getMax(),
                                step == null ? 1L : step);
                tensors.add(null);
                dimension++;
            } else if (element instanceof NDIndexTake take) {
                NDArray at = tracer.tracedManager().from(take.getIndex());
                tensors.add(Operations.toLong(at));
                dimension++;
            } else if (element instanceof NDIndexBooleans booleans) {
                tensors.add(tracer.tracedManager().from(booleans.getIndex()));
                dimension += element.getRank();
            } else {
                throw tracer.unsupported(
                        "get", "with an index that has no translation to TorchScript.");
            }
        }
        if (advanced) {
            while (tensors.get(tensors.size() - 1) == null) {
                tensors.remove(tensors.size() - 1);
            }
            part = Expression.of("torch.index", part, Operations.optionalTensors(tensors));
        }
        return part;
    }

    /** The same index with real arrays. */
    private static NDIndex realIndex(NDIndex index) {
        NDIndex real = new NDIndex();
        List<NDIndexElement> elements = index.getIndices();
        for (int i = 0; i <= elements.size(); i++) {
            if (i == index.getEllipsisIndex()) {
                real.addEllipseDim();
            }
            if (i == elements.size()) {
                break;
            }
            NDIndexElement element = elements.get(i);
            if (element instanceof NDIndexTake take) {
                real.addIndices("{}", TracedArray.real(take.getIndex()));
            } else if (element instanceof NDIndexBooleans booleans) {
                real.addBooleanIndex(TracedArray.real(booleans.getIndex()));
            } else if (element instanceof NDIndexNull) {
                real.addIndices("null");
            } else if (element instanceof NDIndexFixed fixed) {
                real.addIndices(fixed.getIndex());
            } else if (element instanceof NDIndexSlice slice) {
                real.addIndices(
                        text(slice.getMin())
                                + ":"
                                + text(slice.getMax())
                                + (slice.getStep() == null ? "" : ":" + slice.getStep()));
            } else {
                real.addAllDim();
            }
        }
        return real;
    }

    private static String text(Long bound) {
        return bound == null ? "" : bound.toString();
    }

    /** {@inheritDoc} */
    @Override
    public NDArray get(NDArray array, NDIndexFullPick pick) {
        NDArray index = tracer.tracedManager().from(pick.getIndices());
        return array.gather(index.toType(DataType.INT64, false), pick.getAxis());
    }

    /** {@inheritDoc} */
    @Override
    public NDArray get(NDArray array, NDIndexFullTake take) {
        throw new IllegalStateException("Takes are traced as they were written.");
    }

    /** {@inheritDoc} */
    @Override
    public NDArray get(NDArray array, NDIndexFullSlice slice) {
        throw new IllegalStateException("Slices are traced as they were written.");
    }

    /** {@inheritDoc} */
    @Override
    public void set(NDArray array, NDIndexFullSlice slice, NDArray value) {
        throw new IllegalStateException("Slices are traced as they were written.");
    }

    /** {@inheritDoc} */
    @Override
    public void set(NDArray array, NDIndexFullSlice slice, Number value) {
        throw new IllegalStateException("Slices are traced as they were written.");
    }
}
