package io.flipout.djl.data;

import java.io.IOException;

/** A data set is missing or damaged. The message names the file and the way out. */
public final class DataException extends IOException {

    private static final long serialVersionUID = 1L;

    /**
     * Creates the exception.
     *
     * @param message one sentence that names the file and the way out
     */
    public DataException(String message) {
        super(message);
    }

    /**
     * Creates the exception.
     *
     * @param message one sentence that names the file and the way out
     * @param cause what went wrong beneath
     */
    public DataException(String message, Throwable cause) {
        super(message, cause);
    }
}
