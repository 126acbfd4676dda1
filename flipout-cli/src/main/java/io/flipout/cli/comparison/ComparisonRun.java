package io.flipout.cli.comparison;

import io.flipout.cli.run.RunFolder;
import io.flipout.cli.terminal.Tables;
import io.flipout.cli.terminal.Terminal;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** Runs what is left of a comparison, several trainings at a time. */
public final class ComparisonRun {

    private static final int POLL_MILLIS = 200;

    private final Class<?> main;
    private final Comparison comparison;
    private final Path folder;
    private final Terminal terminal;
    private final Deque<List<String>> free;
    private final Map<PlannedRun, Integer> epochs;

    /** The processes at work, each at its place. */
    private final List<Working> working = new ArrayList<>();

    private record Working(RunProcess process, List<String> place) {}

    private long epochsDone;
    private int finished;
    private int failed;

    /**
     * @param main takes the arguments of a run
     * @param places the options of each place where a run can be at work, one at a time
     * @param epochs how many epochs every run takes
     */
    public ComparisonRun(
            Class<?> main,
            Comparison comparison,
            Path folder,
            Terminal terminal,
            List<List<String>> places,
            Map<PlannedRun, Integer> epochs) {
        this.main = main;
        this.comparison = comparison;
        this.folder = folder;
        this.terminal = terminal;
        this.free = new ArrayDeque<>(places);
        this.epochs = epochs;
    }

    /** Runs it and returns how many runs failed. */
    public int run() throws IOException, InterruptedException {
        long begin = System.nanoTime();
        Deque<PlannedRun> left = new ArrayDeque<>();
        for (RunResult result : Results.read(folder, comparison).runs()) {
            if (result.isDone()) {
                finished++;
                epochsDone += epochs.get(result.run());
            } else {
                left.add(result.run());
            }
        }
        int all = comparison.runs().size();
        terminal.line(
                "%,d runs%s, %d at a time. They go to %s.",
                all,
                finished == 0
                        ? ""
                        : String.format(Locale.ROOT, ", %,d of them done before", finished),
                free.size(),
                folder);
        Thread stop = new Thread(() -> working.forEach(w -> w.process().stop()));
        Runtime.getRuntime().addShutdownHook(stop);
        try (terminal) {
            terminal.begin(epochs.values().stream().mapToLong(e -> e).sum(), "epochs");
            while (!left.isEmpty() || !working.isEmpty()) {
                while (!left.isEmpty() && !free.isEmpty()) {
                    start(left.remove(), free.remove());
                }
                showProgress(all);
                Thread.sleep(POLL_MILLIS);
                for (Working done : working.stream().filter(w -> !w.process().isAlive()).toList()) {
                    working.remove(done);
                    free.add(done.place());
                    finish(done.process(), all);
                }
            }
        } finally {
            working.forEach(w -> w.process().stop());
            Runtime.getRuntime().removeShutdownHook(stop);
        }
        conclude((System.nanoTime() - begin) / 1e9);
        return failed;
    }

    /** Starts a run, or goes on with it where it was interrupted. */
    private void start(PlannedRun run, List<String> place) throws IOException {
        Path target = Comparison.folder(folder, run);
        List<String> arguments = new ArrayList<>();
        boolean hasFailed = Files.deleteIfExists(Results.fault(folder, run));
        if (!hasFailed && new RunFolder(target).isInterrupted()) {
            arguments.addAll(List.of("resume", target.toString()));
            // As many threads as before: another number rounds sums differently.
            place.stream().filter(o -> o.startsWith("--device")).forEach(arguments::add);
        } else {
            RunFolder.delete(target);
            arguments.add("train");
            arguments.addAll(place);
            arguments.addAll(comparison.arguments(run));
            arguments.add("--out=" + target);
        }
        Path log = target.resolveSibling(run.name() + ".log");
        working.add(new Working(RunProcess.start(main, run, target, log, arguments), place));
    }

    private void showProgress(int all) {
        long done = epochsDone + working.stream().mapToInt(w -> w.process().epochs()).sum();
        terminal.progress(done, String.format(Locale.ROOT, "%,d/%,d runs", finished, all));
    }

    private void finish(RunProcess process, int all) throws IOException {
        PlannedRun run = process.run();
        finished++;
        epochsDone += epochs.get(run);
        if (!process.isSuccess()) {
            failed++;
            Files.writeString(Results.fault(folder, run), process.fault() + "\n");
        }
        Results results = Results.read(folder, comparison);
        results.write();
        RunResult result =
                results.runs().stream().filter(r -> r.run().equals(run)).findFirst().orElseThrow();
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
                                process.seconds())
                        : "failed: " + result.fault());
    }

    private String pad(String title) {
        int width =
                comparison.runs().stream().mapToInt(run -> run.title().length()).max().orElse(0);
        return title + " ".repeat(width - title.length());
    }

    private void conclude(double seconds) throws IOException {
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
