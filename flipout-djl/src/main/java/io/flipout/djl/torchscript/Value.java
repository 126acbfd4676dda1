package io.flipout.djl.torchscript;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.Shape;

/**
 * A tensor of a trace.
 *
 * @param id its number; the same tensor has the same in every trace of a block
 * @param kind where it comes from
 * @param name the path of a parameter, else null
 * @param array what it was when it was traced; of a step in between it is closed afterwards
 * @param shape its shape
 */
record Value(int id, Kind kind, String name, NDArray array, Shape shape) {

    enum Kind {
        /** An input of the block. */
        INPUT,
        /** A parameter or buffer of the block. */
        PARAMETER,
        /** Numbers that do not depend on the input. */
        CONSTANT,
        /** What a statement computes. */
        RESULT
    }
}
