package io.flipout.latent;

import io.flipout.tensor.Chunks;

/**
 * Numbers of a tensor while a step goes over them in the host's memory: of some weights, each with
 * the number that is learned beside it and what is drawn for it, or of such numbers alone. Of every
 * array the first {@link #size} count.
 */
public final class LatentPiece {

    private static final ThreadLocal<LatentPiece> PIECE = ThreadLocal.withInitial(LatentPiece::new);

    private final float[] latent = new float[Chunks.SIZE];
    private final float[] auxiliary = new float[Chunks.SIZE];
    private final float[] drawn = new float[Chunks.SIZE];
    private final float[] weights = new float[Chunks.SIZE];
    private final float[] slopes = new float[Chunks.SIZE];
    private int size;
    private int share;

    private LatentPiece() {}

    /** Returns this thread's piece. */
    static LatentPiece of(int size, int share) {
        LatentPiece piece = PIECE.get();
        piece.size = size;
        piece.share = share;
        return piece;
    }

    /**
     * Returns how many there are.
     *
     * @return the number, at most {@link Chunks#SIZE}
     */
    public int size() {
        return size;
    }

    /**
     * Returns by how many weights each number beside them is shared.
     *
     * @return the number of weights, 1 for a number of a weight's own
     */
    public int share() {
        return share;
    }

    /**
     * Returns the latent weights.
     *
     * @return the weights
     */
    public float[] latent() {
        return latent;
    }

    /**
     * Returns the numbers that are learned beside the weights.
     *
     * @return the numbers
     */
    public float[] auxiliary() {
        return auxiliary;
    }

    /**
     * Returns what is drawn for this step.
     *
     * @return the numbers
     */
    public float[] drawn() {
        return drawn;
    }

    /**
     * Returns the weights that the network computes with.
     *
     * @return the weights
     */
    public float[] weights() {
        return weights;
    }

    /**
     * Returns the gradients of the weights, in the same place.
     *
     * @return the gradients
     */
    public float[] gradients() {
        return weights;
    }

    /**
     * Returns the gradients of the numbers beside the weights.
     *
     * @return the gradients
     */
    public float[] slopes() {
        return slopes;
    }
}
