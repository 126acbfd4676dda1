package io.flipout.djl.checkpoint;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Snapshots as named arrays: a snapshot is an array of float, int, long or byte, or a list of
 * snapshots, whose length is kept as {@code NAME.size}.
 */
public final class Snapshots {

    private static final String SIZE = ".size";

    private Snapshots() {}

    /**
     * Adds a snapshot to arrays.
     *
     * @param arrays arrays by name
     * @param name the snapshot's name
     * @param snapshot the snapshot
     */
    public static void put(Map<String, Object> arrays, String name, Object snapshot) {
        if (snapshot instanceof List<?> list) {
            arrays.put(name + SIZE, new long[] {list.size()});
            for (int i = 0; i < list.size(); i++) {
                put(arrays, name + "." + i, list.get(i));
            }
        } else {
            arrays.put(name, snapshot);
        }
    }

    /**
     * Tells whether there is a snapshot.
     *
     * @param file the file
     * @param name the snapshot's name
     * @return true if there is one of that name
     */
    public static boolean contains(SafeTensors file, String name) {
        return file.contains(name) || file.contains(name + SIZE);
    }

    /**
     * Reads a snapshot.
     *
     * @param file the file
     * @param name the snapshot's name
     * @param longest how many numbers each of its arrays may have at most
     * @return the snapshot
     * @throws IOException if it is not there, or not readable
     */
    public static Object get(SafeTensors file, String name, int longest) throws IOException {
        if (!file.contains(name + SIZE)) {
            return file.array(name, longest);
        }
        List<Object> list = new ArrayList<>();
        long[] size = file.longs(name + SIZE, 1);
        if (size.length == 0) {
            throw new CheckpointException("The snapshot " + name + " is damaged: it has no size.");
        }
        for (long i = 0; i < size[0]; i++) {
            list.add(get(file, name + "." + i, longest)); // Fails at the first that is missing.
        }
        return list;
    }
}
