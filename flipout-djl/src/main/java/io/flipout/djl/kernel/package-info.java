/**
 * The engine's kernels that take whole lists of tensors, reached through a TorchScript module of
 * this project's: its text is the resource {@code kernels.py}.
 */
package io.flipout.djl.kernel;
