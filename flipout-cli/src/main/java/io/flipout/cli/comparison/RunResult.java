package io.flipout.cli.comparison;

import java.nio.file.Path;

/**
 * What came of a run.
 *
 * @param run the run
 * @param status whether it has come to its end
 * @param folder its folder, which need not exist
 * @param accuracy the accuracy that the comparison measures, in [0, 1]; NaN if unknown
 * @param sparsity the sparsity reached; NaN if unknown
 * @param remaining the weights left; 0 if unknown
 * @param seconds how long it took; NaN if unknown
 * @param fault why it failed; empty otherwise
 */
public record RunResult(
        PlannedRun run,
        Status status,
        Path folder,
        double accuracy,
        double sparsity,
        long remaining,
        double seconds,
        String fault) {

    /** How far a run has come. */
    public enum Status {
        /** It came to its end. */
        DONE,
        /** It ended with an error. */
        FAILED,
        /** It has not been run, or not to its end. */
        MISSING
    }

    /**
     * Tells whether the run came to its end.
     *
     * @return true if its numbers are known
     */
    public boolean isDone() {
        return status == Status.DONE;
    }
}
