package io.flipout.tensor;

import org.slf4j.LoggerFactory;

/**
 * The inner loops of a step in the host's memory: with the Vector API, or without. Both give the
 * same to the last bit, whatever the number of lanes.
 */
interface StepLoops {

    /** The module of the Vector API. */
    String MODULE = "jdk.incubator.vector";

    /**
     * Computes consecutive pairs of normal numbers.
     *
     * @param radiusKey the key of the words that give the radius
     * @param angleKey the key of the words that give the angle
     * @param first the number of the first pair
     * @param count a multiple of {@link NormalNumbers#LANES}, at most {@link NormalNumbers#PAIRS}
     * @param numbers takes the cosines, and the sines {@link NormalNumbers#PAIRS} behind them
     * @param at the position of the first cosine
     */
    void normals(long radiusKey, long angleKey, int first, int count, float[] numbers, int at);

    /** Returns the sum of the squares of the first values, in eight sums of every eighth. */
    double squares(float[] values, int size);

    /** Sets the first values to 0, of whatever kind they are, where a mask is 0. */
    void mask(float[] values, int size, byte[] mask, int from);

    /** Sets counts to 0 where a mask of the same size is 0. */
    void mask(int[] counts, byte[] mask, int from, int to);

    /** Writes down the signs, −1, 0 or 1, of the first weights. */
    void signs(float[] weights, int size, byte[] signs, int from);

    /** Counts a flip where the sign, −1, 0 or 1, of one of the first weights is another. */
    void countFlips(float[] weights, int size, byte[] signs, int[] flips, int from);

    /**
     * Returns the loops that are fastest now.
     *
     * @param values how many values they are for
     * @return those of the Vector API, if the JVM was started with its module and has computed so
     *     much that their start pays
     */
    static StepLoops best(int values) {
        return Best.of(values);
    }

    /** The one place that chooses. */
    final class Best {

        /** Values after which it pays that the compiler takes some 100 ms for vectors. */
        private static final long ENOUGH = 20_000_000;

        private static final boolean HAS_MODULE = findModule();

        private static volatile StepLoops loops = PlainLoops.INSTANCE;
        private static volatile boolean warm = !HAS_MODULE;

        /** Threads that count at once may lose some of each other's; that does not matter. */
        private static long done;

        private Best() {}

        private static boolean findModule() {
            boolean found = ModuleLayer.boot().findModule(MODULE).isPresent();
            if (!found) {
                LoggerFactory.getLogger(StepLoops.class)
                        .info(
                                "Training steps go without the Vector API: start java with"
                                        + " --add-modules {} to make pruning cheaper in them.",
                                MODULE);
            }
            return found;
        }

        private static StepLoops of(int values) {
            if (!warm) {
                done += values;
                if (done > ENOUGH) {
                    warm();
                }
            }
            return loops;
        }

        private static synchronized void warm() {
            if (!warm) {
                loops = byVectors();
                warm = true;
            }
        }

        /** Returns the vector form, unless this Java's module is not the one that it knows. */
        static StepLoops byVectors() {
            try {
                return Class.forName(StepLoops.class.getPackageName() + ".VectorLoops")
                        .asSubclass(StepLoops.class)
                        .getDeclaredConstructor()
                        .newInstance();
            } catch (ReflectiveOperationException | LinkageError e) {
                LoggerFactory.getLogger(StepLoops.class)
                        .warn(
                                "This Java's {} is not the one that FlipOut knows ({}): training"
                                        + " steps go without it.",
                                MODULE,
                                e.toString());
                return PlainLoops.INSTANCE;
            }
        }
    }
}
