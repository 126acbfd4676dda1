package io.flipout.djl.checkpoint;

import java.io.IOException;

/** A checkpoint is damaged, or does not fit the training that it is to continue. */
public final class CheckpointException extends IOException {

    private static final long serialVersionUID = 1L;

    /**
     * Creates the exception.
     *
     * @param message what is wrong, in a sentence
     */
    public CheckpointException(String message) {
        super(message);
    }
}
