package io.flipout.inference.kernel;

import org.slf4j.LoggerFactory;

/** The inner loops: with the Vector API, or without. */
interface Loops {

    /** Computes filters of a convolution for one group of images. */
    void taps(float[] arena, Taps taps, int group, int from, int to);

    /** Computes blocks of outputs of one element for one group of images. */
    void features(float[] arena, Features features, int group, int from, int to);

    /** Returns how many elements of a row, step by step apart, {@link #move} copies at most. */
    int elements(int step, int lanes);

    /**
     * Makes some of a gather's moves. Fewer than {@link Planes#ROOM} floats behind what is moved
     * are written, too, before the next move is made.
     */
    void move(float[] arena, Gather gather, int from, int to, int source, int target);

    /** Pools one plane of one group of images. */
    void pool(float[] arena, Pooling pooling, int source, int target);

    /**
     * Returns the loops that this JVM runs fastest.
     *
     * @return those of the Vector API where the JVM was started with its module
     */
    static Loops best() {
        return Best.LOOPS;
    }

    /** The one place that chooses, once. */
    final class Best {

        private static final String MODULE = "jdk.incubator.vector";
        private static final Loops LOOPS = choose();

        private Best() {}

        private static Loops choose() {
            if (ModuleLayer.boot().findModule(MODULE).isPresent()) {
                try {
                    return Class.forName(Loops.class.getPackageName() + ".VectorLoops")
                            .asSubclass(Loops.class)
                            .getDeclaredConstructor()
                            .newInstance();
                } catch (ReflectiveOperationException | LinkageError e) {
                    // A later Java whose module has changed.
                    LoggerFactory.getLogger(Loops.class)
                            .warn(
                                    "This Java's {} is not the one that FlipOut knows ({}):"
                                            + " inference runs without it, several times slower.",
                                    MODULE,
                                    e.toString());
                    return ScalarLoops.INSTANCE;
                }
            }
            LoggerFactory.getLogger(Loops.class)
                    .warn(
                            "Inference runs without the Vector API: start java with --add-modules"
                                    + " {} to make it several times faster.",
                            MODULE);
            return ScalarLoops.INSTANCE;
        }
    }
}
