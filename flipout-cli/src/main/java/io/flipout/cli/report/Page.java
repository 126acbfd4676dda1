package io.flipout.cli.report;

import com.samskivert.mustache.Mustache;
import io.flipout.cli.comparison.Comparison;
import io.flipout.cli.comparison.Results;
import io.flipout.cli.comparison.RunResult;
import io.flipout.cli.comparison.RunResult.Status;
import io.flipout.cli.comparison.Sparsities;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/** The page of a report, {@code report.html}: one file that needs no other. */
final class Page {

    private final Results results;
    private final Summary summary;
    private final List<Figure> figures;
    private final boolean single;

    /**
     * A page.
     *
     * @param summary the summary of any of the finished runs
     * @param single whether it is of a single run, which is compared with nothing
     */
    Page(Results results, Summary summary, List<Figure> figures, boolean single) {
        this.results = results;
        this.summary = summary;
        this.figures = figures;
        this.single = single;
    }

    private record Picture(
            String name,
            String title,
            String alt,
            String caption,
            String source,
            int width,
            int height) {}

    private record Run(
            String title,
            String status,
            String accuracy,
            String sparsity,
            String remaining,
            String time) {}

    /** What went wrong, in as many runs as it did. */
    private record Fault(String runs, String sentence) {}

    /** Writes the page out. Everything from outside is escaped. */
    String html() throws IOException {
        Map<String, Object> model = new HashMap<>();
        Comparison comparison = results.comparison();
        String subject = summary.model() + " on " + summary.dataset();
        List<RunResult> done = results.runs().stream().filter(RunResult::isDone).toList();
        model.put("title", single ? done.get(0).run().title() + ": " + subject : subject);
        model.put("conditions", conditions(comparison));
        model.put("finding", single ? Finding.of(done.get(0), summary) : Finding.of(results));
        if (!single) {
            AccuracyTable table = new AccuracyTable(results);
            model.put("comparison", true);
            model.put("columns", table.columns());
            model.put("columnCount", table.columns().size());
            model.put("rows", table.rows());
            table.dense().ifPresent(cell -> model.put("dense", cell));
            model.put("caption", caption(comparison));
            model.put("published", table.hasPublished());
            model.put("markdown", table.markdown());
            model.put("csv", table.csv());
        }
        Map<String, List<String>> failed = new LinkedHashMap<>();
        results.runs().stream()
                .filter(run -> run.status() == Status.FAILED)
                .forEach(
                        run ->
                                failed.computeIfAbsent(run.fault(), fault -> new ArrayList<>())
                                        .add(run.run().title()));
        List<Fault> faults = new ArrayList<>();
        failed.forEach((fault, runs) -> faults.add(new Fault(String.join(", ", runs), fault)));
        int failures = failed.values().stream().mapToInt(List::size).sum();
        List<String> missing =
                results.runs().stream()
                        .filter(run -> run.status() == Status.MISSING)
                        .map(run -> run.run().title())
                        .toList();
        model.put("failed", faults);
        model.put("failedCount", Numbers.count(failures, "run"));
        model.put("anyFailed", !faults.isEmpty());
        model.put("missing", missing);
        model.put("missingCount", Numbers.count(missing.size(), "run"));
        model.put("anyMissing", !missing.isEmpty());
        List<Picture> pictures = new ArrayList<>();
        for (Figure figure : figures) {
            pictures.add(
                    new Picture(
                            figure.name(),
                            figure.title(),
                            figure.alt(),
                            figure.caption(),
                            figure.source(),
                            figure.chart().getWidth(),
                            figure.chart().getHeight()));
        }
        model.put("figures", pictures);
        model.put("runs", results.runs().stream().map(Page::run).toList());
        model.put(
                "total",
                summary.planned().isPresent()
                        ? "Not finished, after "
                                + Numbers.duration(done.get(0).seconds())
                                + " of training."
                        : Numbers.count(done.size())
                                + " of "
                                + Numbers.count(results.runs().size(), "run")
                                + " finished, in "
                                + Numbers.duration(
                                        done.stream().mapToDouble(RunResult::seconds).sum())
                                + " of training.");
        try (Reader template =
                new InputStreamReader(
                        Page.class.getResourceAsStream("report.html"), StandardCharsets.UTF_8)) {
            return Mustache.compiler().emptyStringIsFalse(true).compile(template).execute(model);
        }
    }

    private String conditions(Comparison comparison) {
        List<String> parts = new ArrayList<>();
        if (!comparison.preset().isEmpty()) {
            parts.add("Preset " + comparison.preset());
        }
        long methods = comparison.arms().stream().filter(arm -> !arm.isDense()).count();
        if (!single) {
            parts.add(Numbers.count(methods, "method"));
        }
        parts.add(Numbers.count(summary.epochs(), "epoch"));
        parts.add(
                (comparison.seeds().size() == 1 ? "seed " : "seeds ")
                        + comparison.seeds().stream()
                                .map(String::valueOf)
                                .collect(Collectors.joining(", ")));
        parts.add(Numbers.count(summary.weights()) + " prunable weights");
        parts.add(
                AccuracyFigure.accuracy(comparison).toLowerCase(Locale.ROOT)
                        + " of the last epoch");
        return String.join(" · ", parts);
    }

    private static String caption(Comparison comparison) {
        int seeds = comparison.seeds().size();
        return AccuracyFigure.accuracy(comparison)
                + " in %"
                + (seeds == 1
                        ? ", one seed"
                        : ", mean ± sample standard deviation of "
                                + Numbers.count(seeds, "seed")
                                + ", of n where some are missing");
    }

    private static Run run(RunResult run) {
        boolean done = run.isDone();
        return new Run(
                run.run().title(),
                run.status().name().toLowerCase(Locale.ROOT),
                known(run.accuracy()).map(a -> Numbers.percent(a) + " %").orElse("–"),
                known(run.sparsity()).map(Sparsities::percent).orElse("–"),
                done ? Numbers.count(run.remaining()) : "–",
                known(run.seconds()).map(Numbers::duration).orElse("–"));
    }

    private static Optional<Double> known(double value) {
        return Double.isNaN(value) ? Optional.empty() : Optional.of(value);
    }
}
