package io.flipout.cli.comparison;

import io.flipout.cli.terminal.Failure;
import io.flipout.cli.terminal.Interrupts;
import io.flipout.cli.terminal.Tables;
import io.flipout.cli.terminal.Terminal;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** Runs what is left of a comparison, several trainings at a time. */
public final class ComparisonRun {

    private static final int POLL_MILLIS = 200;

    /** How often to say how far it is where no progress bar does. */
    private static final int TELL_SECONDS = Integer.getInteger("flipout.progress", 60);

    /** Runs that fail for the same reason before the others are not tried. */
    private static final int ALIKE = 3;

    private final Comparison comparison;
    private final Path folder;
    private final Terminal terminal;
    private final Places places;
    private final Map<PlannedRun, Integer> epochs;

    private final List<RunAtWork> working = new ArrayList<>();

    private long epochsDone;
    private long trained;
    private int finished;
    private int done;

    /** What went wrong, but for the names in it, and in which runs. */
    private final Map<String, List<PlannedRun>> faults = new LinkedHashMap<>();

    private final long begin = System.nanoTime();
    private long told = begin;

    /**
     * @param places where the runs take place
     * @param epochs how many epochs every run takes
     */
    public ComparisonRun(
            Comparison comparison,
            Path folder,
            Terminal terminal,
            Places places,
            Map<PlannedRun, Integer> epochs) {
        this.comparison = comparison;
        this.folder = folder;
        this.terminal = terminal;
        this.places = places;
        this.epochs = epochs;
    }

    /**
     * Runs it.
     *
     * @return the status of the command: 0 if no run failed, or that of the signal that ended it
     */
    public int run() throws IOException, InterruptedException {
        for (PlannedRun run : comparison.runs()) {
            Attempts.settle(Comparison.folder(folder, run)); // They were at work elsewhere.
        }
        Deque<PlannedRun> left = new ArrayDeque<>();
        for (RunResult result : Results.read(folder, comparison).runs()) {
            if (result.isDone()) {
                finished++;
                done++;
                epochsDone += epochs.get(result.run());
            } else {
                left.add(result.run());
            }
        }
        int all = comparison.runs().size();
        terminal.line(
                "%,d runs%s, %s. They go to %s.",
                all,
                finished == 0
                        ? ""
                        : String.format(Locale.ROOT, ", %,d of them done before", finished),
                places.describe(),
                folder);
        try (terminal;
                Interrupts interrupts = new Interrupts()) {
            terminal.begin(epochs.values().stream().mapToLong(e -> e).sum(), "epochs");
            while (!left.isEmpty() || !working.isEmpty()) {
                if (interrupts.isAsked()) {
                    return stop(all, interrupts.status());
                }
                while (!left.isEmpty() && places.hasRoom()) {
                    start(left.remove());
                }
                showProgress(all, left);
                Thread.sleep(POLL_MILLIS);
                places.check(); // What ended with them has not failed by itself.
                finishEnded(all);
                if (failAlike() && !left.isEmpty()) {
                    left.clear();
                    terminal.note(
                            "All runs have failed alike so far, and the others are not tried: mend"
                                    + " that and go on."
                                    + goOn());
                }
            }
        } finally {
            working.forEach(RunAtWork::stop);
        }
        conclude((System.nanoTime() - begin) / 1e9);
        return faults.isEmpty() ? 0 : Failure.FAILED;
    }

    private void finishEnded(int all) throws IOException {
        for (RunAtWork ended : working.stream().filter(w -> !w.isAlive()).toList()) {
            working.remove(ended);
            finish(ended, all);
        }
    }

    /** Lets the runs at work save themselves, and says how to go on. */
    private int stop(int all, int status) throws IOException, InterruptedException {
        working.forEach(RunAtWork::stop);
        for (RunAtWork stopped : working) {
            stopped.waitFor();
        }
        working.removeIf(w -> !w.isSuccess()); // They are neither done nor failed.
        finishEnded(all);
        terminal.line("");
        terminal.line("Stopped with %,d of %,d runs done.%s", done, all, goOn());
        return status;
    }

    private String goOn() {
        return " Go on with it:  ./flipout compare --out " + folder + places.option();
    }

    /**
     * Whether nothing has come to its end and several runs, of more methods than one where there
     * are more, failed for the same reason.
     */
    private boolean failAlike() {
        if (done > 0 || faults.size() != 1) {
            return false;
        }
        List<PlannedRun> runs = faults.values().iterator().next();
        long arms = runs.stream().map(PlannedRun::arm).distinct().count();
        return runs.size() >= ALIKE && arms >= Math.min(2, comparison.arms().size());
    }

    /** Starts a run, or goes on with it where it was interrupted. */
    private void start(PlannedRun run) throws IOException {
        Files.deleteIfExists(Results.fault(folder, run));
        Path target = Comparison.folder(folder, run);
        working.add(places.start(run, target, comparison.arguments(run)));
    }

    private void showProgress(int all, Collection<PlannedRun> left) {
        long epochsNow = epochsDone + working.stream().mapToInt(RunAtWork::epochs).sum();
        terminal.progress(epochsNow, String.format(Locale.ROOT, "%,d/%,d runs", finished, all));
        long now = System.nanoTime();
        if (!terminal.isThere() && now - told >= TimeUnit.SECONDS.toNanos(TELL_SECONDS)) {
            told = now;
            terminal.note(progress(all, left, (now - begin) / 1e9));
        }
    }

    /** Says which runs are at work, how far they are, and how long all may still take. */
    private String progress(int all, Collection<PlannedRun> left, double seconds) {
        List<String> atWork = new ArrayList<>();
        long trainedNow = trained;
        long epochsLeft = left.stream().mapToLong(epochs::get).sum();
        for (RunAtWork work : working) {
            int planned = epochs.get(work.run());
            atWork.add(
                    String.format(
                            Locale.ROOT,
                            "%s%s epoch %d/%d",
                            work.run().title(),
                            work.place(),
                            Math.min(work.epochs() + 1, planned),
                            planned));
            trainedNow += work.trained();
            epochsLeft += Math.max(0, planned - work.epochs());
        }
        return String.format(
                Locale.ROOT,
                "%,d of %,d runs done; at work: %s%s",
                finished,
                all,
                String.join(", ", atWork),
                trainedNow == 0
                        ? "."
                        : "; about " + duration(seconds / trainedNow * epochsLeft) + " left.");
    }

    private void finish(RunAtWork work, int all) throws IOException {
        PlannedRun run = work.run();
        finished++;
        epochsDone += epochs.get(run);
        trained += work.trained();
        if (!work.isSuccess()) {
            String fault = work.fault();
            Files.writeString(Results.fault(folder, run), fault + "\n");
            faults.computeIfAbsent(fault.replace(run.name(), ""), f -> new ArrayList<>()).add(run);
        }
        Results results = Results.read(folder, comparison);
        results.write();
        RunResult result =
                results.runs().stream().filter(r -> r.run().equals(run)).findFirst().orElseThrow();
        done += result.isDone() ? 1 : 0;
        terminal.line(
                "%s  %s  %s",
                Tables.right(finished + "/" + all, (all + "/" + all).length()),
                pad(run.title()),
                result.isDone()
                        ? String.format(
                                Locale.ROOT,
                                "%6.2f %%  %s %% sparse  %,.0f s",
                                100 * result.accuracy(),
                                Tables.right(Tables.percent(result.sparsity()), 6),
                                work.seconds())
                        : result.fault().isEmpty()
                                ? "stopped on its way;" + goOn()
                                : "failed" + work.place() + ": " + result.fault());
    }

    private String pad(String title) {
        int width =
                comparison.runs().stream().mapToInt(run -> run.title().length()).max().orElse(0);
        return title + " ".repeat(width - title.length());
    }

    private void conclude(double seconds) throws IOException {
        int failed = faults.values().stream().mapToInt(List::size).sum();
        Results results = Results.read(folder, comparison);
        results.write();
        terminal.line("");
        terminal.line(table(results));
        results.dense().ifPresent(d -> terminal.line("Dense: %s %%.", cell(Optional.of(d))));
        terminal.line(
                "%,d of %,d runs done%s, in %s. The comparison is in %s: %s, %s and a folder for"
                        + " each run.",
                results.runs().stream().filter(RunResult::isDone).count(),
                results.runs().size(),
                failed == 0 ? "" : String.format(Locale.ROOT, ", %,d failed", failed),
                duration(seconds),
                folder,
                Comparison.FILE,
                Results.FILE);
    }

    /** What each method came to at each sparsity: the mean in %, and the deviation of seeds. */
    private String table(Results results) {
        List<String[]> rows = new ArrayList<>();
        List<String> head = new ArrayList<>(List.of("accuracy in %"));
        comparison.sparsities().forEach(s -> head.add(Sparsities.percent(s)));
        rows.add(head.toArray(String[]::new));
        for (Arm arm : comparison.arms()) {
            if (!arm.isDense()) {
                List<String> row = new ArrayList<>(List.of(arm.label()));
                comparison.sparsities().forEach(s -> row.add(cell(results.point(arm, s))));
                rows.add(row.toArray(String[]::new));
            }
        }
        return Tables.table(rows, 1);
    }

    private static String cell(Optional<Point> point) {
        return point.map(
                        p ->
                                String.format(Locale.ROOT, "%.2f", 100 * p.mean())
                                        + (Double.isNaN(p.deviation())
                                                ? ""
                                                : String.format(
                                                        Locale.ROOT, "±%.2f", 100 * p.deviation())))
                .orElse("–");
    }

    private static String duration(double seconds) {
        return seconds < 120
                ? String.format(Locale.ROOT, "%.0f s", seconds)
                : seconds < 7200
                        ? String.format(Locale.ROOT, "%.0f min", seconds / 60)
                        : String.format(Locale.ROOT, "%.1f h", seconds / 3600);
    }
}
