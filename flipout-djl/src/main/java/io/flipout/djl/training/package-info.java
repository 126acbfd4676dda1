/**
 * Training with DJL: a loop with scores, progress and a place to go on from, SGD as PyTorch has it,
 * and learning rates in steps. Nothing here prunes, and any of it can be left out: {@link
 * io.flipout.djl.Pruner} works with DJL's own.
 */
package io.flipout.djl.training;
