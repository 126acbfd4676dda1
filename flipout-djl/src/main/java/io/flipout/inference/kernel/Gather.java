package io.flipout.inference.kernel;

import java.util.Arrays;

/**
 * Copies of the input's planes from which a convolution with strides, or with rows that lie
 * otherwise than its input's, reads as one with stride 1 does.
 *
 * <p>A tap at row r and column c from the output's place times the stride reads every stride-th row
 * and column. All taps with the same remainder of r (and of c) read the same rows (and columns),
 * shifted by whole outputs, so they share a copy. Where shifted columns would not fit between two
 * rows of the output, each c has its own copy instead. Only copies that some weight reads are made.
 */
final class Gather implements Kernel {

    private final Planes in;
    private final int scratch;
    private final int strideHeight;
    private final int strideWidth;
    private final int firstRow;
    private final int firstColumn;
    private final int rowStride;
    private final int rows;
    private final int columns;
    private final int kernelColumns;

    /** Whether taps that differ by whole strides in their columns share a copy. */
    private final boolean sharesColumns;

    /** The number of the copy of each channel, row remainder and column kind; -1 if not used. */
    private final int[] copies;

    private final int rowKinds;
    private final int columnKinds;
    private final int planeStride;
    private int count;
    private int[] channels;
    private int[] rowStarts;
    private int[] columnStarts;

    Gather(
            Planes in,
            Planes out,
            int scratch,
            int strideHeight,
            int strideWidth,
            int firstRow,
            int lastRow,
            int firstColumn,
            int lastColumn) {
        this.in = in;
        this.scratch = scratch;
        this.strideHeight = strideHeight;
        this.strideWidth = strideWidth;
        this.firstRow = firstRow;
        this.firstColumn = firstColumn;
        rowStride = out.rowStride();
        rows = out.height() + Math.floorDiv(lastRow, strideHeight) - firstShift(firstRow, true);
        int wide =
                out.width()
                        + Math.floorDiv(lastColumn, strideWidth)
                        - firstShift(firstColumn, false);
        sharesColumns = wide <= rowStride;
        columns = sharesColumns ? wide : out.width();
        kernelColumns = lastColumn - firstColumn + 1;
        rowKinds = strideHeight;
        columnKinds = sharesColumns ? strideWidth : kernelColumns;
        copies = new int[in.channels() * rowKinds * columnKinds];
        Arrays.fill(copies, -1);
        int floats = rows * rowStride * in.lanes();
        planeStride = (floats + Planes.ROOM - 1) / Planes.ROOM * Planes.ROOM;
    }

    private int firstShift(int first, boolean ofRows) {
        return Math.floorDiv(first, ofRows ? strideHeight : strideWidth);
    }

    private int key(int channel, int row, int column) {
        int columnKind = sharesColumns ? Math.floorMod(column, strideWidth) : column - firstColumn;
        return (channel * rowKinds + Math.floorMod(row, strideHeight)) * columnKinds + columnKind;
    }

    /** Says that some weight reads a channel at a distance of rows and columns. */
    void use(int channel, int row, int column) {
        copies[key(channel, row, column)] = 0;
    }

    /** Numbers the copies, after all {@link #use}. */
    void plan() {
        channels = new int[copies.length];
        rowStarts = new int[copies.length];
        columnStarts = new int[copies.length];
        for (int key = 0; key < copies.length; key++) {
            if (copies[key] < 0) {
                continue;
            }
            int columnKind = key % columnKinds;
            int rowKind = key / columnKinds % rowKinds;
            channels[count] = key / columnKinds / rowKinds;
            rowStarts[count] = firstShift(firstRow, true) * strideHeight + rowKind;
            columnStarts[count] =
                    sharesColumns
                            ? firstShift(firstColumn, false) * strideWidth + columnKind
                            : firstColumn + columnKind;
            copies[key] = count++;
        }
    }

    /** From an output's place in its plane to what a tap reads, from {@link #first()} on. */
    int offset(int channel, int row, int column) {
        int down = Math.floorDiv(row, strideHeight) - firstShift(firstRow, true);
        int right =
                sharesColumns
                        ? Math.floorDiv(column, strideWidth) - firstShift(firstColumn, false)
                        : 0;
        return copies[key(channel, row, column)] * planeStride
                + (down * rowStride + right) * in.lanes();
    }

    int first() {
        return scratch;
    }

    int groupStride() {
        return count * planeStride;
    }

    int size() {
        return in.groups() * groupStride() + Planes.ROOM;
    }

    @Override
    public int units() {
        return in.groups() * count;
    }

    @Override
    public void run(float[] arena, int from, int to) {
        int lanes = in.lanes();
        for (int unit = from; unit < to; unit++) {
            int group = unit / count;
            int copy = unit - group * count;
            int plane = in.first() + group * in.groupStride() + channels[copy] * in.planeStride();
            int target = scratch + unit * planeStride;
            // Columns before and after these lie outside the image.
            int start = columnStarts[copy];
            int left = Math.min(columns, Math.max(0, ceilDiv(-start, strideWidth)));
            int right = Math.min(columns, Math.max(left, ceilDiv(in.width() - start, strideWidth)));
            for (int row = 0; row < rows; row++) {
                int y = rowStarts[copy] + row * strideHeight;
                int to0 = target + row * rowStride * lanes;
                if (y < 0 || y >= in.height()) {
                    Arrays.fill(arena, to0, to0 + rowStride * lanes, 0f);
                    continue;
                }
                Arrays.fill(arena, to0, to0 + left * lanes, 0f);
                int source = plane + (y * in.rowStride() + start) * lanes;
                if (lanes == 1) {
                    int step = strideWidth;
                    for (int x = left; x < right; x++) {
                        arena[to0 + x] = arena[source + x * step];
                    }
                } else {
                    for (int x = left; x < right; x++) {
                        System.arraycopy(
                                arena,
                                source + x * strideWidth * lanes,
                                arena,
                                to0 + x * lanes,
                                lanes);
                    }
                }
                Arrays.fill(arena, to0 + right * lanes, to0 + rowStride * lanes, 0f);
            }
            Arrays.fill(arena, target + rows * rowStride * lanes, target + planeStride, 0f);
        }
    }

    private static int ceilDiv(int a, int b) {
        return -Math.floorDiv(-a, b);
    }

    @Override
    public double cost() {
        return (double) units() * rows * rowStride * in.lanes() * 0.5;
    }
}
