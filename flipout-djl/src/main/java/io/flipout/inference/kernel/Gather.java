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
    private final int outHeight;
    private final int outWidth;
    private final Loops loops;

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

    /** For each copy the first row (and column) that some weight reads, and behind the last. */
    private final int[] rowFroms;

    private final int[] rowTos;
    private final int[] columnFroms;
    private final int[] columnTos;

    Gather(
            Planes in,
            Planes out,
            int scratch,
            int strideHeight,
            int strideWidth,
            int firstRow,
            int lastRow,
            int firstColumn,
            int lastColumn,
            Loops loops) {
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
        outHeight = out.height();
        outWidth = out.width();
        this.loops = loops;
        rowKinds = strideHeight;
        columnKinds = sharesColumns ? strideWidth : lastColumn - firstColumn + 1;
        copies = new int[in.channels() * rowKinds * columnKinds];
        Arrays.fill(copies, -1);
        rowFroms = new int[copies.length];
        rowTos = new int[copies.length];
        columnFroms = new int[copies.length];
        columnTos = new int[copies.length];
        int floats = rows * rowStride * in.lanes() + Planes.ROOM;
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
        int key = key(channel, row, column);
        int down = down(row);
        int right = right(column);
        boolean isNew = copies[key] < 0;
        copies[key] = 0;
        rowFroms[key] = isNew ? down : Math.min(rowFroms[key], down);
        rowTos[key] = Math.max(rowTos[key], down + outHeight);
        columnFroms[key] = isNew ? right : Math.min(columnFroms[key], right);
        columnTos[key] = Math.max(columnTos[key], right + outWidth);
    }

    private int down(int row) {
        return Math.floorDiv(row, strideHeight) - firstShift(firstRow, true);
    }

    private int right(int column) {
        return sharesColumns
                ? Math.floorDiv(column, strideWidth) - firstShift(firstColumn, false)
                : 0;
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
            rowFroms[count] = rowFroms[key];
            rowTos[count] = rowTos[key];
            columnFroms[count] = columnFroms[key];
            columnTos[count] = columnTos[key];
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
        return copies[key(channel, row, column)] * planeStride
                + (down(row) * rowStride + right(column)) * in.lanes();
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
        for (int unit = from; unit < to; unit++) {
            int group = unit / count;
            copy(arena, group, unit - group * count);
        }
    }

    private void copy(float[] arena, int group, int copy) {
        int lanes = in.lanes();
        int source = in.first() + group * in.groupStride() + channels[copy] * in.planeStride();
        int target = scratch + (group * count + copy) * planeStride;
        int rowFrom = rowFroms[copy];
        int rowTo = rowTos[copy];
        int columnFrom = columnFroms[copy];
        int columnTo = columnTos[copy];
        // Rows from top to bottom and columns from left to right lie in the image or its border.
        int border = in.border();
        int y = rowStarts[copy];
        int top = within(ceilDiv(-border - y, strideHeight), rowFrom, rowTo);
        int bottom = within(ceilDiv(in.height() + border - y, strideHeight), top, rowTo);
        int x = columnStarts[copy];
        int left = within(ceilDiv(-border - x, strideWidth), columnFrom, columnTo);
        int right = within(ceilDiv(in.width() + border - x, strideWidth), left, columnTo);
        loops.copy(
                arena,
                source
                        + ((y + top * strideHeight) * in.rowStride() + x + left * strideWidth)
                                * lanes,
                strideHeight * in.rowStride() * lanes,
                target + (top * rowStride + left) * lanes,
                rowStride * lanes,
                bottom - top,
                right - left,
                strideWidth,
                lanes);
        if (top == rowFrom && bottom == rowTo && left == columnFrom && right == columnTo) {
            return;
        }
        for (int row = rowFrom; row < rowTo; row++) {
            int at = target + row * rowStride * lanes;
            if (row < top || row >= bottom) {
                Arrays.fill(arena, at + columnFrom * lanes, at + columnTo * lanes, 0f);
            } else {
                for (int i = at + columnFrom * lanes; i < at + left * lanes; i++) {
                    arena[i] = 0f;
                }
                for (int i = at + right * lanes; i < at + columnTo * lanes; i++) {
                    arena[i] = 0f;
                }
            }
        }
    }

    private static int within(int number, int least, int most) {
        return Math.min(Math.max(number, least), most);
    }

    private static int ceilDiv(int a, int b) {
        return -Math.floorDiv(-a, b);
    }

    @Override
    public double cost() {
        return (double) units() * rows * (3.0 + 0.1 * columns * in.lanes());
    }
}
