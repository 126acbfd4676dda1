package io.flipout.mask;

import ai.djl.ndarray.types.Shape;

/**
 * The vectors of a tensor that weight normalisation divides by their norm: {@code w = g·v/‖v‖}. A
 * vector of zeros has no direction, and makes weights of NaN.
 *
 * <p>Salimans and Kingma, <a href="https://arxiv.org/abs/1602.07868">Weight Normalization</a>,
 * 2016.
 */
public final class UnitVectors {

    private final Shape shape;
    private final Shape magnitudes;

    /**
     * The vectors of a tensor.
     *
     * @param shape the shape of v
     * @param magnitudes the shape of g: 1 along the axes that a norm is taken over, else that of v;
     *     of no axes for one norm of the whole tensor
     */
    UnitVectors(Shape shape, Shape magnitudes) {
        this.shape = shape;
        this.magnitudes = magnitudes;
    }

    /**
     * Returns the number of vectors.
     *
     * @return the number of vectors, at least 1
     */
    public int count() {
        return Math.toIntExact(Math.max(1, magnitudes.size()));
    }

    /**
     * Returns the vector that a weight is part of.
     *
     * @param index the weight's position, row-major
     * @return the vector, 0 to {@link #count()} exclusive
     */
    public int of(int index) {
        if (magnitudes.dimension() != shape.dimension()) {
            return 0;
        }
        long left = index;
        long vector = 0;
        long stride = 1;
        for (int axis = shape.dimension() - 1; axis >= 0; axis--) {
            long position = left % shape.get(axis);
            left /= shape.get(axis);
            if (magnitudes.get(axis) > 1) {
                vector += position * stride;
                stride *= magnitudes.get(axis);
            }
        }
        return Math.toIntExact(vector);
    }
}
