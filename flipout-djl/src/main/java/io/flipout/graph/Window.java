package io.flipout.graph;

/**
 * How a window goes over a plane: its sides, its steps, what is put around the plane, and the gaps
 * between the window's cells.
 *
 * @param height rows of the window
 * @param width columns of the window
 * @param strideY rows from one position to the next
 * @param strideX columns from one position to the next
 * @param paddingY rows above and below the plane
 * @param paddingX columns left and right of the plane
 * @param dilationY rows from one cell to the next
 * @param dilationX columns from one cell to the next
 */
public record Window(
        int height,
        int width,
        int strideY,
        int strideX,
        int paddingY,
        int paddingX,
        int dilationY,
        int dilationX) {

    /** The window of a linear layer: one number. */
    public static final Window ONE = new Window(1, 1, 1, 1, 0, 0, 1, 1);

    /** No network has more; the sizes below stay far from what an int holds. */
    private static final int LARGEST = 1 << 20;

    /** Checks the sizes. */
    public Window {
        check(height, 1);
        check(width, 1);
        check(strideY, 1);
        check(strideX, 1);
        check(paddingY, 0);
        check(paddingX, 0);
        check(dilationY, 1);
        check(dilationX, 1);
    }

    private static void check(int size, int least) {
        if (size < least || size > LARGEST) {
            throw new IllegalArgumentException("a window with a size of " + size);
        }
    }

    /**
     * A window without gaps between its cells.
     *
     * @param side its rows and columns
     * @param stride rows and columns from one position to the next
     * @param padding what is put around the plane
     * @return the window
     */
    public static Window square(int side, int stride, int padding) {
        return new Window(side, side, stride, stride, padding, padding, 1, 1);
    }

    /**
     * The number of cells.
     *
     * @return height times width
     */
    public int cells() {
        return Math.multiplyExact(height, width);
    }

    /**
     * Whether anything is put around the plane.
     *
     * @return true if so
     */
    public boolean isPadded() {
        return paddingY > 0 || paddingX > 0;
    }

    /**
     * The rows of the result.
     *
     * @param rows the rows of the plane
     * @param ceil whether a last position may reach beyond the padded plane
     * @return the number of positions; less than 1 if the window does not fit
     */
    public int outputHeight(int rows, boolean ceil) {
        return positions(rows, height, strideY, paddingY, dilationY, ceil);
    }

    /**
     * The columns of the result.
     *
     * @param columns the columns of the plane
     * @param ceil whether a last position may reach beyond the padded plane
     * @return the number of positions; less than 1 if the window does not fit
     */
    public int outputWidth(int columns, boolean ceil) {
        return positions(columns, width, strideX, paddingX, dilationX, ceil);
    }

    private static int positions(
            int size, int side, int stride, int padding, int dilation, boolean ceil) {
        long span = (long) dilation * (side - 1) + 1;
        long free = size + 2L * padding - span + (ceil ? stride - 1 : 0);
        if (free < 0) {
            return 0;
        }
        long count = free / stride + 1;
        // The last position must begin inside the plane or the padding before it.
        if (ceil && (count - 1) * stride >= (long) size + padding) {
            count--;
        }
        return Math.toIntExact(count);
    }
}
