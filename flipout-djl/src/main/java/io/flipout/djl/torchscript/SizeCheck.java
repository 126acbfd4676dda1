package io.flipout.djl.torchscript;

import java.util.Locale;
import java.util.Map;

/**
 * A size that an input must have, as the network takes no other.
 *
 * @param input the input
 * @param axis the axis
 * @param shape the shape that the input must have, for the message
 */
record SizeCheck(Value input, int axis, String shape) {

    /** Returns the lines of code that check it. */
    String code(Map<Integer, String> variables) {
        String name = variables.get(input.id());
        // In every locale with the digits that TorchScript reads.
        return String.format(
                Locale.ROOT,
                """
                    if torch.ne(torch.size(%s, %d), %d):
                      ops.prim.RaiseException("This network takes input of shape %s.")
                    else:
                      pass
                """,
                name,
                axis,
                input.shape().get(axis),
                shape);
    }
}
