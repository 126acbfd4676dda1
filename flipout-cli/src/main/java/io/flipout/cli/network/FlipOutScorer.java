package io.flipout.cli.network;

import io.flipout.inference.Network;

/** Computes with the weights that are left. */
record FlipOutScorer(Network network) implements Scorer {

    @Override
    public Engine engine() {
        return Engine.FLIPOUT;
    }

    @Override
    public float[] scores(float[] images, int batch, int... shape) {
        return network.predict(images, batch, shape);
    }

    @Override
    public void close() {
        network.close();
    }
}
