/**
 * What pruning is, apart from any training loop.
 *
 * <p>A {@link io.flipout.method.PruningMethod} is a bundle of small parts: a {@link
 * io.flipout.criterion.Criterion} that scores weights, the {@link io.flipout.signal.Signal}s it
 * reads, and the {@link io.flipout.gradient.GradientTerm}s it adds to the gradient; some methods
 * add a {@link io.flipout.rewiring.Rewiring} that brings weights back. A {@link
 * io.flipout.schedule.Schedule} says when and down to how many weights, an {@link
 * io.flipout.allocation.Allocation} who competes with whom, and {@link io.flipout.mask.Mask}s hold
 * the outcome.
 */
package io.flipout;
