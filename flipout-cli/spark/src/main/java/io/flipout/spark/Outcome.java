package io.flipout.spark;

import java.io.Serializable;

/**
 * A run that came to its end.
 *
 * @param host the machine where it did
 * @param folder its folder on that machine
 * @param archive what the folder holds, and the log; empty where the folder is shared
 */
record Outcome(String host, String folder, byte[] archive) implements Serializable {}
