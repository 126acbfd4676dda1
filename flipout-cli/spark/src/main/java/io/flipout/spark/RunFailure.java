package io.flipout.spark;

/** A run that came to no end on a machine, and why, in a sentence. */
final class RunFailure extends Exception {

    private static final long serialVersionUID = 1L;

    private final String host;
    private final boolean isOfMachine;
    private final String folder;
    private final byte[] log;

    private RunFailure(
            String host, boolean isOfMachine, String sentence, String folder, byte[] log) {
        super(sentence, null, false, false);
        this.host = host;
        this.isOfMachine = isOfMachine;
        this.folder = folder;
        this.log = log;
    }

    /** The machine cannot train at all, as the sentence says, which names it. */
    static RunFailure ofMachine(String host, String sentence) {
        return new RunFailure(host, true, sentence, "", new byte[0]);
    }

    /** The training failed in a folder, and printed a log where that does not lie there. */
    static RunFailure ofRun(String host, String sentence, String folder, byte[] log) {
        return new RunFailure(host, false, sentence, folder, log);
    }

    String host() {
        return host;
    }

    boolean isOfMachine() {
        return isOfMachine;
    }

    String folder() {
        return folder;
    }

    byte[] log() {
        return log;
    }
}
