package io.flipout.cli.network;

import java.util.Locale;

/** A saved network, loaded into an engine to compute the scores of images. */
public interface Scorer extends AutoCloseable {

    /** The engines. */
    enum Engine {
        FLIPOUT,
        PYTORCH;

        /** The name that users give it. */
        public String id() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    Engine engine();

    /**
     * Computes the scores of images.
     *
     * @param images the images, each (C, H, W), one after the other
     * @param batch how many
     * @param shape channels, height, width
     * @return as many scores for each image, one image after the other
     */
    float[] scores(float[] images, int batch, int... shape);

    @Override
    void close();
}
