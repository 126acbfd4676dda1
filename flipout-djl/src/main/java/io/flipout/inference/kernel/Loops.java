package io.flipout.inference.kernel;

/** The inner loops: with the Vector API, or without. */
interface Loops {

    /** Computes filters of a convolution for one group of images. */
    void taps(float[] arena, Taps taps, int group, int from, int to);

    /** Computes outputs of one element for one group of images. */
    void features(float[] arena, Features features, int group, int from, int to);

    /** The one place that chooses: the Vector API where the JVM was started with it. */
    static Loops best() {
        return ScalarLoops.INSTANCE;
    }
}
