package io.flipout.mask;

import java.util.Optional;

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
}
