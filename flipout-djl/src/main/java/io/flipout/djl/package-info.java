/**
 * Pruning inside DJL training.
 *
 * <p>A {@link io.flipout.djl.Pruner} wraps any optimizer and listens to the trainer; nothing else
 * of a training program changes. {@link io.flipout.djl.training.TrainingLoop} is a loop of our own
 * for those who have none, and {@link io.flipout.djl.training.Sgd} an optimizer with PyTorch's
 * semantics.
 */
package io.flipout.djl;
