package io.flipout.djl;

import io.flipout.mask.Mask;
import io.flipout.signal.Signal;
import java.util.Collection;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What a method keeps in Java's memory of the gradients that a network is shown. */
final class GradientMemory {

    private static final Logger logger = LoggerFactory.getLogger(GradientMemory.class);

    private static final long MEBIBYTE = 1024 * 1024;

    private GradientMemory() {}

    /**
     * Makes sure that there is enough, before any of it is taken.
     *
     * @throws IllegalArgumentException if there is not
     */
    static void check(PruningSettings settings, Collection<Mask> masks) {
        int[] alive = masks.stream().mapToInt(Mask::remaining).toArray();
        long bytes = 0;
        for (Signal signal : settings.method().signals()) {
            bytes += signal.bytesOfGradients(alive);
        }
        if (bytes == 0) {
            return;
        }
        if (bytes > free()) {
            System.gc(); // What nobody holds any more counts as taken until it is collected.
        }
        long free = free();
        if (bytes > free) {
            throw new IllegalArgumentException(
                    "The method "
                            + settings.method().name()
                            + " takes "
                            + mebibytes(bytes)
                            + " of Java's memory for a pruning of this network, and "
                            + mebibytes(free)
                            + " are free of "
                            + mebibytes(Runtime.getRuntime().maxMemory())
                            + ": set smaller blocks by "
                            + settings.advice().smallerBlocks()
                            + ", or give Java more memory by -Xmx.");
        }
        logger.info(
                "The method {} takes {} of Java's memory for the next pruning",
                settings.method().name(),
                mebibytes(bytes));
    }

    private static long free() {
        Runtime java = Runtime.getRuntime();
        return java.maxMemory() - (java.totalMemory() - java.freeMemory());
    }

    private static String mebibytes(long bytes) {
        return (bytes + MEBIBYTE - 1) / MEBIBYTE + " MiB";
    }
}
