package io.flipout.cli.report;

import io.flipout.cli.comparison.Point;
import io.flipout.cli.comparison.Published;
import io.flipout.cli.comparison.Results;
import java.util.Locale;

/** How numbers are written. */
final class Numbers {

    private Numbers() {}

    /** Writes a share in percent, with two decimals and without the sign. */
    static String percent(double share) {
        return String.format(Locale.ROOT, "%.2f", 100 * share);
    }

    /** Writes a mean and its deviation, where there is one, in percent without the sign. */
    static String percent(double mean, double deviation) {
        return percent(mean) + (Double.isNaN(deviation) ? "" : " ± " + percent(deviation));
    }

    static String percent(Point point) {
        return percent(point.mean(), point.deviation());
    }

    static String percent(Published published) {
        return percent(published.mean(), published.deviation());
    }

    static String count(long value) {
        return String.format(Locale.ROOT, "%,d", value);
    }

    /** Writes a number and what it counts. */
    static String count(long value, String singular) {
        return count(value) + " " + singular + (value == 1 ? "" : "s");
    }

    static String duration(double seconds) {
        if (seconds < 120) {
            return String.format(Locale.ROOT, "%.0f s", seconds);
        }
        return seconds < 7200
                ? String.format(Locale.ROOT, "%.0f min", seconds / 60)
                : String.format(Locale.ROOT, "%.1f h", seconds / 3600);
    }

    /** Says of what a figure shows the mean, if of anything. */
    static String mean(Results results, String where) {
        return results.comparison().seeds().size() == 1
                ? where.substring(0, 1).toUpperCase(Locale.ROOT) + where.substring(1)
                : "Mean of the seeds " + where;
    }
}
