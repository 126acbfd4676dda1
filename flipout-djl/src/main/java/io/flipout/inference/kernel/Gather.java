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

    /** For each copy the first row (and column) that some weight reads, and behind the last. */
    private final int[] rowFroms;

    private final int[] rowTos;
    private final int[] columnFroms;
    private final int[] columnTos;

    /** The first move of each copy, and the number of all; the same for zeros. */
    private int[] moveStarts;

    private int[] zeroStarts;

    /** Moves: so many elements, from a channel's first element on, to a place in the copies. */
    final Ints sources = new Ints();

    final Ints targets = new Ints();
    final Ints lengths = new Ints();

    /** Elements of the copies that lie outside the image. */
    private final Ints zeros = new Ints();

    final int step;
    final int lanes;

    /** Integers, as many as come. */
    static final class Ints {

        int[] values = new int[16];
        int size;

        private void add(int value) {
            if (size == values.length) {
                values = Arrays.copyOf(values, 2 * size);
            }
            values[size++] = value;
        }
    }

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
        step = strideWidth;
        lanes = in.lanes();
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
        moveStarts = new int[copies.length + 1];
        zeroStarts = new int[copies.length + 1];
        for (int key = 0; key < copies.length; key++) {
            if (copies[key] < 0) {
                continue;
            }
            int rowKind = key / columnKinds % rowKinds;
            int columnKind = key % columnKinds;
            int y = firstShift(firstRow, true) * strideHeight + rowKind;
            int x =
                    sharesColumns
                            ? firstShift(firstColumn, false) * strideWidth + columnKind
                            : firstColumn + columnKind;
            int channel = key / columnKinds / rowKinds;
            for (int row = rowFroms[key]; row < rowTos[key]; row++) {
                row(key, channel, y + row * strideHeight, x, row);
            }
            copies[key] = count++;
            moveStarts[count] = sources.size;
            zeroStarts[count] = zeros.size;
        }
    }

    /** Plans one row of a copy: row y of a channel from column x on. */
    private void row(int key, int channel, int y, int x, int row) {
        int columnFrom = columnFroms[key];
        int columnTo = columnTos[key];
        int left = within(ceilDiv(-x, strideWidth), columnFrom, columnTo);
        int right = within(ceilDiv(in.width() - x, strideWidth), left, columnTo);
        if (y < 0 || y >= in.height()) {
            left = columnTo;
            right = columnTo;
        }
        int target = count * planeStride + row * rowStride * lanes;
        int chunk = isByPairs() ? Planes.ROOM / 2 : right - left;
        for (int column = left; column < right; column += chunk) {
            int inRow = y * in.rowStride() + x + column * strideWidth;
            sources.add(channel * in.planeStride() + inRow * lanes);
            targets.add(target + column * lanes);
            lengths.add(Math.min(chunk, right - column));
        }
        for (int column = columnFrom; column < columnTo; column++) {
            if (column < left || column >= right) {
                zeros.add(target + column * lanes);
            }
        }
    }

    /** Whether every second of as many floats as the widest vector has is moved at once. */
    boolean isByPairs() {
        return lanes == 1 && step == 2;
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
        int unit = from;
        while (unit < to) {
            int group = unit / count;
            int first = unit - group * count;
            int last = Math.min(count, first + to - unit);
            copy(arena, group, first, last);
            unit += last - first;
        }
    }

    private void copy(float[] arena, int group, int from, int to) {
        int source = in.first() + group * in.groupStride();
        int target = scratch + group * groupStride();
        loops.move(arena, this, moveStarts[from], moveStarts[to], source, target);
        // What is written behind a row's last element may be among these.
        int[] places = zeros.values;
        if (lanes == 1) {
            for (int i = zeroStarts[from]; i < zeroStarts[to]; i++) {
                arena[target + places[i]] = 0f;
            }
        } else {
            for (int i = zeroStarts[from]; i < zeroStarts[to]; i++) {
                Arrays.fill(arena, target + places[i], target + places[i] + lanes, 0f);
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
