package io.flipout.models;

import ai.djl.MalformedModelException;
import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.io.DataInputStream;
import java.io.IOException;
import java.util.List;
import java.util.Locale;

/**
 * A whole network: takes images of shape (batch, channels, height, width), returns one score per
 * class, of shape (batch, classes).
 */
public abstract class Network extends Chain {

    private final int inputChannels;

    Network(Builder<?> builder) {
        builder.checkPositive("classes", builder.classes);
        builder.checkPositive("input channels", builder.inputChannels);
        inputChannels = builder.inputChannels;
    }

    /**
     * Checks the input before it decides the shape of the weights.
     *
     * @throws IllegalArgumentException if the input is not a batch of images with the channels that
     *     this network was built for
     */
    @Override
    protected void beforeInitialize(Shape... inputShapes) {
        Shape input = inputShapes[0];
        if (input.dimension() != 4 || input.get(1) != inputChannels) {
            throw new IllegalArgumentException(
                    String.format(
                            Locale.ROOT,
                            "%s takes input of shape (batch, %d, height, width), not %s.",
                            getClass().getSimpleName(),
                            inputChannels,
                            input));
        }
        super.beforeInitialize(inputShapes);
    }

    /**
     * Lays out the layers.
     *
     * @throws IllegalArgumentException if the images are too small for them
     */
    @Override
    public void initializeChildBlocks(NDManager manager, DataType dataType, Shape... inputShapes) {
        try {
            super.initializeChildBlocks(manager, dataType, inputShapes);
        } catch (EngineException e) {
            throw new IllegalArgumentException(
                    String.format(
                            Locale.ROOT,
                            "%s cannot take images of %d×%d, larger ones may do: %s",
                            getClass().getSimpleName(),
                            inputShapes[0].get(2),
                            inputShapes[0].get(3),
                            e.getMessage()),
                    e);
        }
    }

    /** {@inheritDoc} */
    @Override
    public void loadMetadata(byte loadVersion, DataInputStream is)
            throws IOException, MalformedModelException {
        super.loadMetadata(loadVersion, is);
        // DJL saves no input names, and without one a loaded model cannot be saved again.
        inputNames = List.of("data0");
    }

    /**
     * What every network's builder asks for.
     *
     * @param <T> the network's own builder
     */
    public abstract static class Builder<T extends Builder<T>> {

        private final String network;
        private int classes;
        private int inputChannels;

        Builder(String network, int inputChannels) {
            this.network = network;
            this.inputChannels = inputChannels;
        }

        /**
         * Sets the number of classes, that is, of outputs.
         *
         * @param classes the number of classes
         * @return this builder
         */
        public final T setClasses(int classes) {
            this.classes = classes;
            return self();
        }

        /**
         * Sets the number of channels of the images: 1 for grey, 3 for colour. The default is that
         * of the network's usual data set.
         *
         * @param inputChannels the number of channels
         * @return this builder
         */
        public final T optInputChannels(int inputChannels) {
            this.inputChannels = inputChannels;
            return self();
        }

        /**
         * Builds the network; its weights come with {@code initialize}.
         *
         * @return the network
         * @throws IllegalArgumentException if a setting is missing or not positive
         */
        public abstract Network build();

        abstract T self();

        final int classes() {
            return classes;
        }

        final void checkPositive(String what, int value) {
            if (value < 1) {
                throw new IllegalArgumentException(
                        String.format(
                                Locale.ROOT,
                                "%s needs a positive number of %s, not %d.",
                                network,
                                what,
                                value));
            }
        }
    }
}
