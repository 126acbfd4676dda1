package io.flipout.inference.kernel;

/**
 * One step of a network, bound to places in an arena (a {@code float[]} that all planes share). Its
 * work divides into units that do not depend on each other.
 *
 * <p>A kernel keeps nothing between runs and allocates nothing: several threads may run it at once
 * on different units of one arena, or on different arenas.
 */
public interface Kernel {

    /**
     * Returns the number of units.
     *
     * @return 0 or more
     */
    int units();

    /**
     * Computes some of the units. However the units are divided into calls, the results are the
     * same to the last bit.
     *
     * @param arena all planes
     * @param from the first unit
     * @param to the unit after the last
     */
    void run(float[] arena, int from, int to);

    /**
     * Estimates what all units cost on one thread of a present-day machine.
     *
     * @return nanoseconds, for comparing kernels and for deciding how many threads share one
     */
    double cost();
}
