/**
 * The computing of an inference engine in plain Java: {@link
 * io.flipout.inference.kernel.Convolution convolutions} and linear layers that multiply only with
 * the weights that are left, {@link io.flipout.inference.kernel.Pooling pooling}, {@link
 * io.flipout.inference.kernel.ElementWise element-wise} functions, on {@link
 * io.flipout.inference.kernel.Planes planes} in one shared {@code float[]}.
 *
 * <p>Each of these makes {@link io.flipout.inference.kernel.Kernel kernels} for given planes once;
 * {@link io.flipout.inference.kernel.Workers} run a list of them. Nothing here knows DJL.
 */
package io.flipout.inference.kernel;
