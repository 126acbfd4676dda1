package io.flipout.mask;

import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Parameter;
import io.flipout.mask.ParameterRole.Kind;
import java.util.Optional;

/**
 * One trainable parameter of a network.
 *
 * @param index its position in block order, from 0; the same in every run, unlike {@link
 *     Parameter#getId()}
 * @param path its path through the blocks, joined by dots, such as {@code layer1.0.conv1.weight}
 * @param parameter the parameter
 * @param prunable whether its weights may be pruned
 * @param role what it is to its layer
 */
public record ParameterInfo(
        int index, String path, Parameter parameter, boolean prunable, ParameterRole role) {

    /**
     * Creates a parameter of which no more is known than whether it may be pruned.
     *
     * @param index its position in block order, from 0
     * @param path its path through the blocks
     * @param parameter the parameter
     * @param prunable whether its weights may be pruned; then it is taken for a matrix of shape
     *     (out, in…)
     */
    public ParameterInfo(int index, String path, Parameter parameter, boolean prunable) {
        this(
                index,
                path,
                parameter,
                prunable,
                new ParameterRole(prunable ? Kind.WEIGHT : Kind.OTHER));
    }

    /**
     * Returns the parameter's shape.
     *
     * @return the shape
     * @throws IllegalStateException if the network is not initialised yet
     */
    public Shape shape() {
        if (!parameter.isInitialized()) {
            throw new IllegalStateException(
                    "The parameter "
                            + path
                            + " has no shape yet: initialise the network first"
                            + " (trainer.initialize or block.initialize).");
        }
        return parameter.getArray().getShape();
    }

    /**
     * Returns the number of values in the parameter.
     *
     * @return the number of values
     * @throws IllegalStateException if the network is not initialised yet
     */
    public int size() {
        return Math.toIntExact(shape().size());
    }

    /**
     * Returns how its weights lie between the layer's inputs and outputs.
     *
     * @return the connections
     * @throws IllegalStateException if the network is not initialised yet
     */
    public Connections connections() {
        return Connections.of(role, shape());
    }

    /**
     * Returns the vectors that weight normalisation divides by their norm, so that of none all
     * weights may go.
     *
     * @return the vectors; empty where weights are used as they are
     * @throws IllegalStateException if the network is not initialised yet
     */
    public Optional<UnitVectors> unitVectors() {
        return Optional.ofNullable(role.magnitudes()).map(m -> new UnitVectors(shape(), m));
    }
}
