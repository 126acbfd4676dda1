package io.flipout.djl.training;

import ai.djl.ndarray.NDArray;

/**
 * A parameter on one device with the gradient that is to move it.
 *
 * @param id DJL's id of the parameter
 * @param weight its array on the device
 * @param gradient its gradient, which is the array's own: summed over the devices, to be written to
 *     and to be left 0
 */
public record ParameterGradient(String id, NDArray weight, NDArray gradient) {}
