package io.flipout.spark;

import java.io.Serializable;
import java.util.List;
import java.util.Map;

/**
 * What a run needs of the machine that it takes place on, as it is on the driver's.
 *
 * @param java the number of Java's version
 * @param main FlipOut's main class
 * @param classPath the class path of FlipOut
 * @param home the folder of FlipOut's newest build, where the class path is not; may be empty
 * @param options options of Java
 * @param environment variables of the environment
 * @param directory the folder that relative paths start from, where it exists
 * @param inputs folders and files that trainings read
 * @param runs the folder of all runs
 * @param token a file in that folder by which it is known; empty where it is not shared
 * @param threads how many threads a training has
 */
record Setup(
        int java,
        String main,
        List<Part> classPath,
        String home,
        List<String> options,
        Map<String, String> environment,
        String directory,
        List<Part> inputs,
        String runs,
        String token,
        int threads)
        implements Serializable {

    /**
     * A file or a folder.
     *
     * @param path its path on the driver's machine
     * @param digest tells what it holds from anything else
     * @param shipped the name of the file by which Spark ships it; empty where it is shared
     */
    record Part(String path, String digest, String shipped) implements Serializable {

        boolean isShipped() {
            return !shipped.isEmpty();
        }
    }

    boolean isRunsShared() {
        return !token.isEmpty();
    }
}
