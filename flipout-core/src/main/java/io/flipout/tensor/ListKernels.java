package io.flipout.tensor;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.Shape;
import java.util.List;

/**
 * What an engine does for a whole list of tensors in one call, so that a step takes as many
 * operations for a hundred parameters as for one. Here it is done one tensor after the other, by
 * operations that every engine has.
 *
 * <p>A flat array holds the values of all tensors of a list, one tensor after the other.
 */
public class ListKernels {

    /** Creates the kernels. */
    public ListKernels() {}

    /**
     * Copies tensors into a flat array.
     *
     * @param tensors the tensors, of one data type on one device
     * @param manager owns the flat array
     * @return the flat array
     */
    public NDArray flatten(List<NDArray> tensors, NDManager manager) {
        NDList flat = new NDList();
        for (NDArray tensor : tensors) {
            flat.add(tensor.reshape(tensor.size()));
        }
        NDArray all = NDArrays.concat(flat);
        flat.close();
        all.attach(manager);
        return all;
    }

    /**
     * Copies parameters into a flat array, outside of autograd.
     *
     * @param parameters the parameters, of one data type on one device
     * @param manager owns the flat array
     * @return the flat array
     */
    public NDArray read(List<NDArray> parameters, NDManager manager) {
        NDList detached = new NDList(parameters.stream().map(NDArray::stopGradient).toList());
        NDArray flat = flatten(detached, manager);
        detached.close();
        return flat;
    }

    /**
     * Copies a flat array into parameters, outside of autograd.
     *
     * @param flat the flat array
     * @param parameters take the values
     */
    public void write(NDArray flat, List<NDArray> parameters) {
        try (NDManager scratch = flat.getManager().newSubManager(flat.getDevice())) {
            NDList parts = split(flat, parameters, scratch);
            for (int i = 0; i < parts.size(); i++) {
                try (NDArray detached = parameters.get(i).stopGradient()) {
                    detached.set(new NDIndex("..."), parts.get(i));
                }
            }
        }
    }

    /**
     * Returns the parts of a flat array.
     *
     * @param flat the flat array
     * @param like tensors of the shapes of the parts
     * @param manager owns the parts
     * @return views, which write to the flat array
     */
    public NDList split(NDArray flat, List<NDArray> like, NDManager manager) {
        NDList parts = new NDList();
        long from = 0;
        for (NDArray tensor : like) {
            long to = from + tensor.size();
            try (NDArray part = flat.get(new NDIndex("{}:{}", from, to))) {
                NDArray shaped = part.reshape(tensor.getShape());
                shaped.attach(manager);
                parts.add(shaped);
            }
            from = to;
        }
        return parts;
    }

    /**
     * Returns the norms of the parts of a flat array.
     *
     * @param flat the flat array
     * @param like tensors of the shapes of the parts
     * @param manager owns the norms
     * @return a number for each tensor
     */
    public NDArray norms(NDArray flat, List<NDArray> like, NDManager manager) {
        try (NDManager scratch = manager.newSubManager(flat.getDevice())) {
            NDList norms = new NDList();
            for (NDArray part : split(flat, like, scratch)) {
                NDArray norm = part.norm();
                norm.attach(scratch);
                norms.add(norm);
            }
            NDArray all = NDArrays.stack(norms);
            all.attach(manager);
            return all;
        }
    }

    /**
     * Gives every value the number of its tensor.
     *
     * @param numbers a number for each tensor
     * @param sizes the sizes of the tensors, int64 on the device of the numbers
     * @param flat a flat array of the tensors
     * @param manager owns the result
     * @return a flat array
     */
    public NDArray spread(NDArray numbers, NDArray sizes, NDArray flat, NDManager manager) {
        try (NDManager scratch = manager.newSubManager(numbers.getDevice())) {
            NDList parts = new NDList();
            long[] lengths = Transfers.longs(sizes);
            for (int i = 0; i < lengths.length; i++) {
                NDArray number = numbers.get(new NDIndex("{}:{}", i, i + 1));
                number.attach(scratch);
                NDArray part = number.broadcast(new Shape(lengths[i]));
                part.attach(scratch);
                parts.add(part);
            }
            NDArray all = NDArrays.concat(parts);
            all.attach(manager);
            return all;
        }
    }

    /**
     * Fills tensors with 0.
     *
     * @param tensors the tensors
     */
    public void zero(List<NDArray> tensors) {
        for (NDArray tensor : tensors) {
            // Given the number 0, DJL would make an array of it and never close that.
            try (NDArray zero = tensor.getManager().zeros(new Shape())) {
                tensor.set(new NDIndex("..."), zero);
            }
        }
    }
}
