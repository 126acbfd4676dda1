package io.flipout.cli.option;

import java.nio.file.Path;

/**
 * Files that lie elsewhere on this machine than a run's options say, which were written for another
 * one and are to stay as they are.
 */
public final class Relocated {

    /** The system property that names each such file, as an option does, and its place here. */
    public static final String PROPERTY = "flipout.relocated";

    private static final String SEPARATOR = "\n";

    private Relocated() {}

    /**
     * Returns where a file is.
     *
     * @param name what an option names it
     * @return its place on this machine
     */
    public static Path path(String name) {
        String[] pairs = System.getProperty(PROPERTY, "").split(SEPARATOR, -1);
        for (int i = 0; i + 1 < pairs.length; i += 2) {
            if (pairs[i].equals(name)) {
                return Path.of(pairs[i + 1]);
            }
        }
        return Path.of(name);
    }
}
