package io.flipout.djl;

/**
 * The two ways of the arithmetic: loops over the array's own memory, or the engine's operations.
 */
public enum Path {
    /** The array's own memory, where DJL hands it out. */
    DIRECT,
    /** The engine's operations, as on a GPU and on older DJL. */
    ENGINE;

    /** Runs a test this way. */
    public void run(Runnable test) {
        String before = System.getProperty("flipout.direct");
        System.setProperty("flipout.direct", Boolean.toString(this == DIRECT));
        try {
            test.run();
        } finally {
            if (before == null) {
                System.clearProperty("flipout.direct");
            } else {
                System.setProperty("flipout.direct", before);
            }
        }
    }
}
