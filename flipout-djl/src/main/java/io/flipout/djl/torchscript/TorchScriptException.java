package io.flipout.djl.torchscript;

/** A network that TorchScript cannot express, or a file that is not what it should be. */
public class TorchScriptException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    /**
     * Creates the exception.
     *
     * @param message one sentence that names the thing and the way out
     */
    public TorchScriptException(String message) {
        super(message);
    }

    /**
     * Creates the exception.
     *
     * @param message one sentence that names the thing and the way out
     * @param cause what went wrong beneath
     */
    public TorchScriptException(String message, Throwable cause) {
        super(message, cause);
    }
}
