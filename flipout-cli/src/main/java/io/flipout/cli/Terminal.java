package io.flipout.cli;

import java.io.PrintWriter;
import java.util.Locale;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import picocli.CommandLine;

/**
 * What a user sees: plain lines, and on a terminal a progress bar beneath them. Lines go to
 * standard output, the bar and notes to standard error.
 */
final class Terminal implements AutoCloseable {

    private static final int UPDATE_MILLIS = 200;
    private static final String CLEAR_LINE = "\r\u001b[K";

    private final PrintWriter out;
    private final PrintWriter err;
    private final boolean interactive;
    private ProgressBar bar;

    /** The script that starts the JVM tells whether standard error is a terminal. */
    Terminal(CommandLine command) {
        out = command.getOut();
        err = command.getErr();
        interactive = Boolean.getBoolean("flipout.terminal");
    }

    /** Prints a line of results. */
    synchronized void line(String text, Object... arguments) {
        if (bar != null) {
            err.print(CLEAR_LINE);
            err.flush();
        }
        out.println(arguments.length == 0 ? text : String.format(Locale.ROOT, text, arguments));
        out.flush();
    }

    /** Says what is going on. */
    synchronized void note(String text) {
        if (bar != null) {
            err.print(CLEAR_LINE);
        }
        err.println(text);
        err.flush();
    }

    /** Begins a progress bar, on a terminal. */
    void begin(long total) {
        if (interactive) {
            bar =
                    new ProgressBarBuilder()
                            .setInitialMax(total)
                            .setUnit(" images", 1)
                            .setStyle(ProgressBarStyle.ASCII)
                            .setUpdateIntervalMillis(UPDATE_MILLIS)
                            .showSpeed()
                            .build();
        }
    }

    /** Moves the progress bar. */
    void progress(long done, String what) {
        if (bar != null) {
            bar.stepTo(done);
            bar.setExtraMessage(what);
        }
    }

    /** Ends the progress bar. */
    @Override
    public void close() {
        if (bar != null) {
            bar.close();
            bar = null;
        }
    }
}
