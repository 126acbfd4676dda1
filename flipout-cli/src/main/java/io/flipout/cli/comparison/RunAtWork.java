package io.flipout.cli.comparison;

import java.io.IOException;

/** A run of a comparison that was started somewhere. */
public interface RunAtWork {

    /** Returns which run it is. */
    PlannedRun run();

    /**
     * Says where it is.
     *
     * @return such as {@code " on worker-1"}; empty on this machine, and where it is not known yet
     */
    String place();

    /** Whether it has neither ended nor been stopped. */
    boolean isAlive();

    /** Whether it came to its end; called when it is no longer alive. */
    boolean isSuccess();

    /** Returns for how long it has been at work. */
    double seconds();

    /** Counts the epochs that it has finished since it was started. */
    int trained();

    /** Counts the epochs that it has finished, also before it was interrupted. */
    int epochs();

    /**
     * Returns why it failed, in a sentence.
     *
     * @throws IOException if that cannot be read
     */
    String fault() throws IOException;

    /** Lets it save itself and end. */
    void stop();

    /**
     * Waits until it has ended.
     *
     * @throws InterruptedException if this thread is interrupted
     */
    void waitFor() throws InterruptedException;
}
