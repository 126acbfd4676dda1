package io.flipout.mask;

import java.util.Optional;
import java.util.OptionalLong;

/**
 * A block whose parts DJL does not show as blocks, such as a module loaded from a file, and that
 * can tell of what kind they are. It is better evidence of what may be pruned than names are (see
 * {@link WeightSelector}).
 */
public interface ModuleBlock {

    /**
     * A part of the module that holds parameters itself.
     *
     * @param type the name of its class without packages, such as {@code ConvTranspose2d}
     * @param groups the groups of a convolution, 1 for all others
     */
    record Submodule(String type, int groups) {}

    /**
     * Returns the part of the module that a parameter belongs to.
     *
     * @param parameter the parameter's name in this block's direct parameters, such as {@code
     *     layer1.0.conv1.weight}
     * @return the part; empty where it is not known
     */
    Optional<Submodule> submodule(String parameter);

    /**
     * Returns how often each weight of a parameter is multiplied in a forward pass of one sample:
     * at every position of a convolution's output or a sequence, by every part that shares it.
     *
     * @param parameter the parameter's name in this block's direct parameters
     * @return how often; empty where it is not known
     */
    default OptionalLong uses(String parameter) {
        return OptionalLong.empty();
    }
}
