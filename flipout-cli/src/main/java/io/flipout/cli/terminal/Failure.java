package io.flipout.cli.terminal;

/** Something that a user can understand and mend. It is shown as one sentence. */
public final class Failure extends RuntimeException {

    private static final long serialVersionUID = 1L;

    /** Exit status of something that went wrong. */
    public static final int FAILED = 1;

    /** Exit status of wrong use. */
    static final int MISUSED = 2;

    private final int status;

    private Failure(int status, String message, Throwable cause) {
        super(message, cause);
        this.status = status;
    }

    /** The user asked for something that makes no sense. */
    public static Failure misuse(String message) {
        return new Failure(MISUSED, message, null);
    }

    /** What the user asked for did not work out. */
    public static Failure of(String message, Throwable cause) {
        return new Failure(FAILED, message, cause);
    }

    int status() {
        return status;
    }
}
