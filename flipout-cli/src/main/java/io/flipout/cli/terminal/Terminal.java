package io.flipout.cli.terminal;

import java.io.PrintWriter;
import java.text.DecimalFormat;
import java.text.DecimalFormatSymbols;
import java.util.Locale;
import me.tongfei.progressbar.DelegatingProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import picocli.CommandLine;

/**
 * What a user sees: plain lines, and on a terminal a progress bar beneath them. Lines go to
 * standard output, the bar and notes to standard error.
 */
public final class Terminal implements AutoCloseable {

    private static final int UPDATE_MILLIS = 200;
    private static final String CLEAR_LINE = "\r\u001b[K";

    private final PrintWriter out;
    private final PrintWriter err;

    /** Width of the terminal; 0 where there is none. */
    private final int columns;

    private ProgressBar bar;
    private String drawn = "";

    /** The script that starts the JVM tells whether standard error is a terminal, and how wide. */
    public Terminal(CommandLine command) {
        out = command.getOut();
        err = command.getErr();
        columns = Integer.getInteger("flipout.columns", 0);
    }

    /** Prints a line of results. */
    public void line(String text, Object... arguments) {
        above(out, arguments.length == 0 ? text : String.format(Locale.ROOT, text, arguments));
    }

    /** Says what is going on. */
    public void note(String text) {
        above(err, text);
    }

    /** Prints a line where the bar was, and the bar beneath it again. */
    private synchronized void above(PrintWriter writer, String text) {
        if (!drawn.isEmpty()) {
            err.print(CLEAR_LINE);
            err.flush();
        }
        writer.println(text);
        writer.flush();
        err.print(drawn);
        err.flush();
    }

    private synchronized void draw(String text) {
        drawn = text;
        err.print(CLEAR_LINE + text);
        err.flush();
    }

    /** Begins a progress bar, on a terminal, that counts in a unit. */
    public void begin(long total, String unit) {
        if (columns > 0) {
            bar =
                    new ProgressBarBuilder()
                            .setInitialMax(total)
                            .setUnit(" " + unit, 1)
                            .setStyle(ProgressBarStyle.ASCII)
                            .setUpdateIntervalMillis(UPDATE_MILLIS)
                            .setConsumer(new DelegatingProgressBarConsumer(this::draw, columns - 1))
                            .showSpeed(
                                    new DecimalFormat(
                                            "0", DecimalFormatSymbols.getInstance(Locale.ROOT)))
                            .build();
        }
    }

    /** Moves the progress bar. */
    public void progress(long done, String what) {
        if (bar != null) {
            bar.stepTo(done);
            bar.setExtraMessage(" " + what);
        }
    }

    /** Ends the progress bar. */
    @Override
    public void close() {
        if (bar != null) {
            bar.close();
            bar = null;
            draw("");
        }
    }
}
