/**
 * The machines of a Spark cluster as places of a comparison. Spark itself is in a process and on a
 * class path of its own, which this package speaks to and does not know.
 */
package io.flipout.cli.spark;
