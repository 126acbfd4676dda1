package io.flipout.inference.kernel;

import org.slf4j.LoggerFactory;

/** The inner loops: with the Vector API, or without. */
interface Loops {

    /** The module of the Vector API. */
    String MODULE = "jdk.incubator.vector";

    /** Computes filters of a convolution for one group of images. */
    void taps(float[] arena, Taps taps, int group, int from, int to);

    /** Computes blocks of outputs of one element for one group of images. */
    void features(float[] arena, Features features, int group, int from, int to);

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

        private static final Loops LOOPS = choose();

        private Best() {}

        private static Loops choose() {
            if (ModuleLayer.boot().findModule(MODULE).isPresent()) {
                return new WarmingLoops();
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
