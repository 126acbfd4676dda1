package io.flipout.graph;

import java.util.List;

/**
 * Numbers that are the same for every image, or a single one; they stretch along axes of size 1.
 */
public final class Constant extends Node {

    private final float[] values;

    /**
     * Creates a constant.
     *
     * @param dims its sizes
     * @param values its numbers, in the order channel, row, column
     */
    public Constant(Dims dims, float[] values) {
        super(List.of(), dims);
        if (values.length != dims.size()) {
            throw new IllegalArgumentException(values.length + " numbers for " + dims);
        }
        this.values = values.clone();
    }

    /**
     * A single number.
     *
     * @param value the number
     * @return the constant
     */
    public static Constant of(float value) {
        return new Constant(Dims.of(1), new float[] {value});
    }

    /**
     * A number of the constant.
     *
     * @param index its place in the order channel, row, column
     * @return the number
     */
    public float value(int index) {
        return values[index];
    }

    /**
     * Whether it is a single number.
     *
     * @return true for one number
     */
    public boolean isScalar() {
        return values.length == 1;
    }

    @Override
    public Constant on(List<Node> others) {
        return this;
    }
}
