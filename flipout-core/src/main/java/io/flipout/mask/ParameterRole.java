package io.flipout.mask;

import ai.djl.ndarray.types.Shape;

/**
 * What a parameter is to its layer, and how its weights lie between inputs and outputs.
 *
 * @param kind what it is
 * @param parts the groups of a convolution, the gates of a recurrent layer; 1 for all others
 * @param magnitudes the shape of the magnitudes by which weight normalisation multiplies the
 *     weights' unit vectors; null where weights are used as they are
 */
public record ParameterRole(Kind kind, int parts, Shape magnitudes) {

    /** What a parameter is. */
    public enum Kind {
        /**
         * The weights of a linear layer or a convolution, of shape (out, in / groups, kernel…); or
         * any other matrix.
         */
        WEIGHT(true),
        /**
         * The weights of a transposed convolution, of shape (in, out / groups, kernel…), or of a
         * linear layer that multiplies from the right, (in, out).
         */
        TRANSPOSED_WEIGHT(true),
        /** The weights of several linear layers side by side, of shape (layer…, in, out). */
        WEIGHT_COLLECTION(true),
        /** The weights of a recurrent layer, of shape (gates · state, in), gate after gate. */
        RECURRENT_WEIGHT(true),
        /** A table of vectors, of shape (token, features). */
        EMBEDDING(true),
        /** What a layer adds to its outputs. */
        BIAS(false),
        /** Scale or shift of a normalisation, of any shape. */
        NORM(false),
        /**
         * Anything else that is no matrix: the slope of an activation, the magnitudes of weight
         * normalisation, a class token, a table of positions.
         */
        OTHER(false);

        private final boolean weight;

        Kind(boolean weight) {
            this.weight = weight;
        }

        /**
         * Tells whether inputs are multiplied by it and summed, so that a weight of it can be
         * missed.
         *
         * @return true if it is a matrix of weights
         */
        public boolean isWeight() {
            return weight;
        }
    }

    /**
     * Creates the role.
     *
     * @throws IllegalArgumentException if the parts are fewer than 1
     */
    public ParameterRole {
        if (parts < 1) {
            throw new IllegalArgumentException("The parts must be at least 1, got " + parts);
        }
    }

    /**
     * Creates the role of a parameter that is used as it is.
     *
     * @param kind what it is
     * @param parts the groups of a convolution, the gates of a recurrent layer
     */
    public ParameterRole(Kind kind, int parts) {
        this(kind, parts, null);
    }

    /**
     * Creates the role of a parameter that is not divided into parts.
     *
     * @param kind what it is
     */
    public ParameterRole(Kind kind) {
        this(kind, 1);
    }
}
