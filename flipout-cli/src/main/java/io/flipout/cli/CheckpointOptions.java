package io.flipout.cli;

import java.time.Duration;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.Option;

/** Options that say how a run survives. */
final class CheckpointOptions {

    private static final Pattern AMOUNT = Pattern.compile("(\\d{1,9})\\s*([a-z]+)");

    @Option(
            names = "--checkpoint",
            paramLabel = "INTERVAL",
            description =
                    "How often the training is saved: 1epoch, 500steps, 10min, or none (default:"
                            + " 1epoch).")
    private String interval;

    @Option(
            names = "--keep",
            paramLabel = "N",
            description = "Checkpoints that are kept, the newest ones (default: 2).")
    private Integer keep;

    @Option(
            names = "--max-time",
            paramLabel = "TIME",
            description =
                    "End the run in good order after so long, such as 25min or 2h; 'flipout resume'"
                            + " goes on with it.")
    private String maxTime;

    /** How often something is done. */
    record Interval(long count, Unit unit) {

        /** What it is counted in. */
        enum Unit {
            EPOCH,
            STEP,
            SECOND,
            NEVER
        }
    }

    /** Fills in what is open from the options of the run that is taken up again. */
    void fillFrom(CheckpointOptions run) {
        interval = interval == null ? run.interval : interval;
        keep = keep == null ? run.keep : keep;
    }

    /** Checks the values and fills in the defaults. */
    void resolve() {
        if (interval == null) {
            interval = "1epoch";
        }
        if (keep == null) {
            keep = 2;
        }
        if (keep < 1) {
            throw Failure.misuse("--keep must be at least 1, got " + keep + ".");
        }
        interval();
        maxTime();
    }

    int keep() {
        return keep;
    }

    Interval interval() {
        if (interval.equals("none")) {
            return new Interval(1, Interval.Unit.NEVER);
        }
        Matcher matcher = AMOUNT.matcher(interval.toLowerCase(Locale.ROOT));
        if (matcher.matches() && Long.parseLong(matcher.group(1)) > 0) {
            long count = Long.parseLong(matcher.group(1));
            switch (matcher.group(2)) {
                case "epoch", "epochs" -> {
                    return new Interval(count, Interval.Unit.EPOCH);
                }
                case "step", "steps" -> {
                    return new Interval(count, Interval.Unit.STEP);
                }
                default -> {
                    long seconds = seconds(count, matcher.group(2));
                    if (seconds > 0) {
                        return new Interval(seconds, Interval.Unit.SECOND);
                    }
                }
            }
        }
        throw Failure.misuse(
                "--checkpoint takes an interval such as 1epoch, 500steps, 10min or none, not '"
                        + interval
                        + "'.");
    }

    /** Returns how long the run may take, for ever if nothing is said. */
    Duration maxTime() {
        if (maxTime == null) {
            return Duration.ofDays(Short.MAX_VALUE);
        }
        Matcher matcher = AMOUNT.matcher(maxTime.toLowerCase(Locale.ROOT));
        long seconds =
                matcher.matches() ? seconds(Long.parseLong(matcher.group(1)), matcher.group(2)) : 0;
        if (seconds <= 0) {
            throw Failure.misuse(
                    "--max-time takes a time such as 90s, 25min or 2h, not '" + maxTime + "'.");
        }
        return Duration.ofSeconds(seconds);
    }

    private static long seconds(long count, String unit) {
        return switch (unit) {
            case "s", "sec" -> count;
            case "m", "min" -> 60 * count;
            case "h" -> 3600 * count;
            default -> -1;
        };
    }
}
