package io.flipout.tensor;

import java.nio.FloatBuffer;
import java.util.stream.IntStream;

/**
 * Splits a tensor into pieces that fit the first-level cache, and spreads them over the cores.
 *
 * <p>The pieces are the same on every machine, so whatever is computed per piece (a partial sum, a
 * stream of random numbers) does not depend on the number of threads.
 */
public final class Chunks {

    /** Values in a piece: 16 KiB of floats. */
    public static final int SIZE = 4096;

    /** Below this many pieces, handing work to another thread costs more than it saves. */
    private static final int PARALLEL_FROM = 16;

    private static final ThreadLocal<float[]> BUFFER =
            ThreadLocal.withInitial(() -> new float[SIZE]);

    private Chunks() {}

    /** Work on one piece of a tensor. */
    @FunctionalInterface
    public interface Work {

        /**
         * Processes the values from {@code from} to {@code to - 1}.
         *
         * @param chunk the number of the piece, from 0
         * @param from the first position
         * @param to the position after the last
         */
        void run(int chunk, int from, int to);
    }

    /** Work on a copy of one piece's values. */
    @FunctionalInterface
    public interface FloatWork {

        /**
         * Processes the values {@code values[0]} to {@code values[to - from - 1]}.
         *
         * @param chunk the number of the piece, from 0
         * @param from the position of the first value in the tensor
         * @param to the position after the last
         * @param values a copy of the values
         * @return whether the values changed and are to be written back
         */
        boolean run(int chunk, int from, int to, float[] values);
    }

    /**
     * Returns the number of pieces of a tensor.
     *
     * @param size the number of values
     * @return the number of pieces
     */
    public static int count(int size) {
        return (size + SIZE - 1) / SIZE;
    }

    /** Tells whether so many values are to be spread over several threads. */
    static boolean isSpread(long values) {
        return values > (PARALLEL_FROM - 1L) * SIZE;
    }

    /**
     * Runs the work on every piece, on several threads where that pays.
     *
     * @param size the number of values
     * @param work the work; pieces run in any order
     */
    public static void forEach(int size, Work work) {
        int chunks = count(size);
        IntStream range = IntStream.range(0, chunks);
        (isSpread(size) ? range.parallel() : range)
                .forEach(c -> work.run(c, c * SIZE, Math.min(size, (c + 1) * SIZE)));
    }

    /**
     * Runs the work on every piece of a tensor's memory, on several threads where that pays.
     *
     * @param memory the tensor's memory
     * @param work the work; pieces run in any order
     */
    public static void forEach(FloatBuffer memory, FloatWork work) {
        forEach(
                memory.limit(),
                (chunk, from, to) -> {
                    float[] values = BUFFER.get();
                    memory.get(from, values, 0, to - from);
                    if (work.run(chunk, from, to, values)) {
                        memory.put(from, values, 0, to - from);
                    }
                });
    }
}
