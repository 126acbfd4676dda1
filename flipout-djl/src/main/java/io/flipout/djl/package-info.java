/**
 * Pruning inside DJL training.
 *
 * <p>A {@link io.flipout.djl.Pruner} wraps any optimizer and listens to the trainer; nothing else
 * of a training program changes. {@link io.flipout.djl.training.TrainingLoop} is a loop of our own
 * for those who have none, and {@link io.flipout.djl.training.Sgd} an optimizer with PyTorch's
 * semantics.
 *
 * <h2>The order of a step</h2>
 *
 * <p>Between the backward pass and the next forward pass, each parameter θ with gradient g goes
 * this way:
 *
 * <ol>
 *   <li>Before the first step of the training: what the schedule plans for time 0 is pruned.
 *   <li>The gradients of all devices are summed, by DJL, and the sum goes to each device.
 *   <li>g ← g · mask: weights that are pruned take no part, not even by the size of their
 *       gradients.
 *   <li>g ← g + the method's {@link io.flipout.gradient.GradientTerm}s, in their order: noise,
 *       whose size is measured by the g of this moment, regularisers. Noise of {@code
 *       ParameterScope} all goes to biases and normalisation too; pruned weights get none, unless
 *       the method says so.
 *   <li>The optimizer that was wrapped: it clips g, noise included, adds weight decay, and takes
 *       its step with its momentum. So clipping bounds the noise, decay is not clipped, and neither
 *       reaches the noise's measure.
 *   <li>θ ← θ · mask: whatever momentum and decay did to pruned weights.
 *   <li>The method's {@link io.flipout.signal.Signal}s see the new θ and count its flips.
 *   <li>Once all parameters have taken the step, on all devices: what the schedule plans for this
 *       step is pruned.
 * </ol>
 *
 * <p>At the end of an epoch, after DJL's evaluation, comes what the schedule plans for epochs. A
 * pruning scores the weights that train, prunes the lowest, sets them to 0 on every device, and
 * zeroes their momentum where the optimizer is an {@link io.flipout.djl.training.OptimizerState}.
 *
 * <h2>A step at a time</h2>
 *
 * <p>DJL's trainer hands its parameters over one by one. {@link io.flipout.djl.training.StepServer}
 * gathers them, and when the last has come the whole step is taken, in one of three forms with one
 * meaning. In the host's memory it is one walk over all tensors, in pieces that stay in the cache
 * from the mask of the gradient to the count of the flips ({@link io.flipout.tensor.StepPass}). On
 * a device it is some thirty operations, whatever the number of parameters, on flat arrays of all
 * of them ({@link io.flipout.tensor.DeviceStep}). What neither takes goes parameter by parameter:
 * methods that rewire, updates that a loop of one's own asks for by itself, optimizers of DJL's in
 * the host's memory. If an exception breaks a step off before the last parameter has come, none of
 * it has been taken.
 *
 * <p>A step is known by its updates, so that a loop need not tell of its batches, and parameters
 * may be frozen or unfrozen between two steps.
 */
package io.flipout.djl;
