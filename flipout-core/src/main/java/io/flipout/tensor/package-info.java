/**
 * The few loops over whole tensors that a training step needs, each in two forms: one fused pass
 * over the tensor's own memory where it lies in the host's, and the engine's operations elsewhere.
 */
package io.flipout.tensor;
