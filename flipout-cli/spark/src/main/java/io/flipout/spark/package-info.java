/**
 * Runs of a comparison on the machines of a Spark cluster.
 *
 * <p>This package knows the JDK and Spark alone: FlipOut and DJL have class paths and processes of
 * their own, on the driver as on the executors. The command {@code compare} speaks to {@link
 * io.flipout.spark.Driver} through a socket, in arrays of words, and a training is started by the
 * words of a command line.
 */
package io.flipout.spark;
