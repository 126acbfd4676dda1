package io.flipout.cli.comparison;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** Where the runs of a comparison take place, each in a process of its own. */
public interface Places extends AutoCloseable {

    /**
     * Says where that is.
     *
     * @return such as {@code 2 at a time}
     */
    String describe();

    /**
     * Returns the option that a comparison goes on with at the same places.
     *
     * @return the option after a space; empty where none is needed
     */
    String option();

    /** Fails, in a sentence, if there are no such places any more. */
    default void check() {}

    /**
     * Tells whether one more run can be at work now.
     *
     * @return true if {@link #start} may be called
     */
    boolean hasRoom();

    /**
     * Starts a run, or goes on with it where it was interrupted.
     *
     * @param run the run
     * @param folder its folder
     * @param arguments the options of {@code flipout train}
     * @return the run at work
     * @throws IOException if it cannot be started
     */
    RunAtWork start(PlannedRun run, Path folder, List<String> arguments) throws IOException;

    /**
     * Leaves the places. What is still at work there ends.
     *
     * @throws IOException if something cannot be left
     */
    @Override
    void close() throws IOException;
}
