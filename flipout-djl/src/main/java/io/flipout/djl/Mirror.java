package io.flipout.djl;

import ai.djl.ndarray.NDArray;
import io.flipout.signal.Signal;
import io.flipout.tensor.TrainedTensor;
import java.util.List;

/**
 * A parameter on one device.
 *
 * @param weight DJL's array
 * @param tensor its values outside of autograd, and its mask
 * @param watches what watches it; nothing where it is not prunable
 */
record Mirror(NDArray weight, TrainedTensor tensor, List<Signal.Watch> watches) {}
