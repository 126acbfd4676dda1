package io.flipout.djl.torchscript;

import ai.djl.ndarray.NDArray;

/**
 * Says how a method of {@link NDArray} or {@link ai.djl.ndarray.internal.NDArrayEx} is written in
 * TorchScript.
 *
 * <pre>{@code
 * TorchScriptExporter.builder()
 *         .optOperation("erfinv", (array, arguments) -> Expression.of("torch.erfinv", array))
 * }</pre>
 */
@FunctionalInterface
public interface Operation {

    /**
     * Translates a call.
     *
     * @param array the array whose method is called
     * @param arguments the method's arguments
     * @return what computes the same; of a method that returns a list, a function that returns a
     *     tuple or list of as many tensors
     * @throws UnsupportedOperationException if these arguments have no translation
     */
    Expression translate(NDArray array, Object[] arguments);
}
