/**
 * Computes pruned networks with only the weights that are left, in plain Java: a {@link
 * io.flipout.inference.Network} is read from a file of this project's export.
 */
package io.flipout.inference;
