package io.flipout.cli.option;

import io.flipout.cli.terminal.Failure;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.Option;

/** Options that say how a run survives. */
public final class CheckpointOptions {

    private static final String NONE = "none";
    private static final Pattern AMOUNT = Pattern.compile("(\\d{1,9})\\s*([a-z]+)");

    @Option(
            names = "--checkpoint",
            paramLabel = "INTERVAL",
            description =
                    "How often the training is saved: 1epoch, 500steps, 10min, or none, which still"
                            + " saves it when it is stopped by a signal or --max-time (default:"
                            + " 1epoch).")
    private String interval;

    @Option(
            names = "--keep",
            paramLabel = "N",
            description = "Checkpoints that are kept, the newest ones (default: 2).")
    private Integer keep;

    @Option(
            names = "--keep-state",
            negatable = true,
            description =
                    "Keep what a finished run takes to be made longer by 'flipout resume --epochs'"
                            + " (default: where that is smaller than the model).")
    private Boolean keepState;

    @Option(
            names = "--max-time",
            paramLabel = "TIME",
            description =
                    "End the run in good order after so long, such as 25min, 2h or 5epochs; 'flipout"
                            + " resume' goes on with it.")
    private String maxTime;

    /** How often something is done, or after how much. */
    public record Interval(long count, Unit unit) {

        /** Whether it has passed: seconds at any moment, steps and epochs at their ends. */
        public boolean hasPassed(long epochs, long steps, long nanos) {
            return switch (unit) {
                case EPOCH -> epochs >= count;
                case STEP -> steps >= count;
                case SECOND -> nanos >= TimeUnit.SECONDS.toNanos(count);
                case NEVER -> false;
            };
        }

        /** What it is counted in. */
        enum Unit {
            EPOCH,
            STEP,
            SECOND,
            NEVER
        }
    }

    /** Fills in what is open from the options of the run that is taken up again. */
    public void fillFrom(CheckpointOptions run) {
        interval = interval == null ? run.interval : interval;
        keep = keep == null ? run.keep : keep;
        keepState = keepState == null ? run.keepState : keepState;
    }

    /** Checks the values and fills in the defaults. */
    public void resolve() {
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

    public int keep() {
        return keep;
    }

    /** Whether a finished run keeps its last state; empty where its size decides. */
    public Optional<Boolean> keepState() {
        return Optional.ofNullable(keepState);
    }

    public Interval interval() {
        return parse("--checkpoint", interval, "1epoch, 500steps, 10min or none");
    }

    /** Returns after how much the run is to end, at the latest. */
    public Interval maxTime() {
        return parse("--max-time", maxTime == null ? NONE : maxTime, "90s, 25min, 2h or 5epochs");
    }

    private static Interval parse(String option, String text, String examples) {
        if (text.equals(NONE)) {
            return new Interval(1, Interval.Unit.NEVER);
        }
        Matcher matcher = AMOUNT.matcher(text.toLowerCase(Locale.ROOT));
        long count = matcher.matches() ? Long.parseLong(matcher.group(1)) : 0;
        Interval read =
                count == 0
                        ? null
                        : switch (matcher.group(2)) {
                            case "epoch", "epochs" -> new Interval(count, Interval.Unit.EPOCH);
                            case "step", "steps" -> new Interval(count, Interval.Unit.STEP);
                            case "s", "sec" -> new Interval(count, Interval.Unit.SECOND);
                            case "m", "min" -> new Interval(60 * count, Interval.Unit.SECOND);
                            case "h" -> new Interval(3600 * count, Interval.Unit.SECOND);
                            default -> null;
                        };
        if (read == null) {
            throw Failure.misuse(option + " takes such as " + examples + ", not '" + text + "'.");
        }
        return read;
    }
}
