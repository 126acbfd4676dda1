package io.flipout.inference.kernel;

import java.util.Arrays;

/**
 * The sums of a {@link Features} layer for vectors: a step reads a window of neighbouring inputs,
 * and each lane picks one of them for one of its two outputs. The window begins at the first input
 * that any lane still has to read, and whoever finds its next input in it takes it; the others pick
 * the first and multiply it by 0. So each output's products are added in the order of its weights,
 * as one by one, but more than half of the lanes have something to do at each step where one weight
 * in twenty is left.
 */
final class Windows {

    /** Inputs of a window, and lanes. */
    static final int LANES = Planes.ROOM;

    /** Outputs of a block. */
    static final int ROWS = 2 * LANES;

    /** A step costs as much as so many weights one by one. */
    private static final int WORTHWHILE = 7;

    /** More would not stay in the nearer caches, where single weights are smaller. */
    private static final int MOST_STEPS = 4096;

    /** The first step of each block, and the number of all; none where it is not worthwhile. */
    final int[] starts;

    /** Where in the arena each step's window begins. */
    final int[] places;

    /** Which of the window's inputs each lane takes, for each step. */
    final byte[] picks;

    /** For each step the weights of the lanes' first outputs, then those of the second. */
    final float[] values;

    /**
     * Plans the steps.
     *
     * @param weights those of each output
     * @param offsets where each weight's input lies behind the first; rising within an output
     * @param in where the first input lies in the arena
     * @param rows the filters in the order of the outputs; those behind the last whole block are
     *     left out
     */
    Windows(Filters weights, int[] offsets, int in, int[] rows) {
        int blocks = rows.length / ROWS;
        int most = Math.min(weights.kept() / WORTHWHILE, MOST_STEPS);
        int[] starts = new int[blocks + 1];
        int[] places = new int[most];
        byte[] picks = new byte[most * LANES];
        float[] values = new float[most * ROWS];
        for (int block = 0; block < blocks; block++) {
            int[] next = new int[ROWS];
            int[] end = new int[ROWS];
            int left = 0;
            for (int i = 0; i < ROWS; i++) {
                int filter = rows[block * ROWS + i];
                next[i] = weights.starts[filter];
                end[i] = weights.starts[filter + 1];
                left += end[i] - next[i];
            }
            int step = starts[block];
            int last = Math.min(most, step + left / WORTHWHILE);
            for (; left > 0 && step < last; step++) {
                int place = Integer.MAX_VALUE;
                for (int i = 0; i < ROWS; i++) {
                    place = next[i] < end[i] ? Math.min(place, offsets[next[i]]) : place;
                }
                places[step] = in + place;
                for (int lane = 0; lane < LANES; lane++) {
                    int row = first(next, end, offsets, lane);
                    if (next[row] < end[row] && offsets[next[row]] < place + LANES) {
                        picks[step * LANES + lane] = (byte) (offsets[next[row]] - place);
                        values[step * ROWS + row] = weights.values[next[row]++];
                        left--;
                    }
                }
            }
            if (left > 0) { // Too many steps.
                Arrays.fill(picks, starts[block] * LANES, step * LANES, (byte) 0);
                Arrays.fill(values, starts[block] * ROWS, step * ROWS, 0f);
                step = starts[block];
            }
            starts[block + 1] = step;
        }
        int steps = starts[blocks];
        this.starts = starts;
        this.places = Arrays.copyOf(places, steps);
        this.picks = Arrays.copyOf(picks, steps * LANES);
        this.values = Arrays.copyOf(values, steps * ROWS);
    }

    /** Which of a lane's two outputs has the next input. */
    private static int first(int[] next, int[] end, int[] offsets, int lane) {
        int other = lane + LANES;
        boolean isOther =
                next[other] < end[other]
                        && (next[lane] == end[lane] || offsets[next[other]] < offsets[next[lane]]);
        return isOther ? other : lane;
    }

    /** Whether there is a whole block of outputs that is worth it. */
    boolean has(int block) {
        return block + 1 < starts.length && starts[block + 1] > starts[block];
    }
}
