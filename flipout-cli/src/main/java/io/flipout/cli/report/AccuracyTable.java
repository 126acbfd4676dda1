package io.flipout.cli.report;

import io.flipout.cli.comparison.Arm;
import io.flipout.cli.comparison.Comparison;
import io.flipout.cli.comparison.Point;
import io.flipout.cli.comparison.Published;
import io.flipout.cli.comparison.Results;
import io.flipout.cli.comparison.Sparsities;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVPrinter;

/**
 * The table of a comparison: a row a method, a column a sparsity, mean and deviation of the seeds
 * in each cell. A gap is a cell of which no run tells.
 */
final class AccuracyTable {

    private static final String GAP = "–";

    private final Results results;
    private final Comparison comparison;
    private final List<Double> sparsities;

    /** A method and what it came to. */
    record Row(String method, List<Cell> cells) {}

    /**
     * What a method came to at a sparsity, as text; what there is none of is empty.
     *
     * @param value mean and deviation in percent
     * @param seeds how many seeds they are of, where these are not all
     * @param best whether others were measured here and none has a higher mean
     * @param published the published mean and deviation
     */
    record Cell(String value, String seeds, boolean best, String published) {

        boolean gap() {
            return value.isEmpty();
        }
    }

    AccuracyTable(Results results) {
        this.results = results;
        comparison = results.comparison();
        sparsities = comparison.sparsities().stream().sorted().toList();
    }

    List<String> columns() {
        return sparsities.stream().map(Sparsities::percent).toList();
    }

    private List<Arm> methods() {
        return comparison.arms().stream().filter(arm -> !arm.isDense()).toList();
    }

    List<Row> rows() {
        return methods().stream()
                .map(
                        arm ->
                                new Row(
                                        arm.label(),
                                        sparsities.stream().map(s -> cell(arm, s)).toList()))
                .toList();
    }

    /** The dense network; empty where the comparison has none. */
    Optional<Cell> dense() {
        return comparison.arms().stream().filter(Arm::isDense).findFirst().map(arm -> cell(arm, 0));
    }

    boolean hasPublished() {
        return Stream.concat(rows().stream().flatMap(row -> row.cells().stream()), dense().stream())
                .anyMatch(cell -> !cell.published().isEmpty());
    }

    private Cell cell(Arm arm, double sparsity) {
        Optional<Point> point = results.point(arm, sparsity);
        List<Double> means =
                methods().stream()
                        .flatMap(other -> results.point(other, sparsity).stream())
                        .map(Point::mean)
                        .toList();
        return new Cell(
                point.map(Numbers::percent).orElse(""),
                point.map(p -> p.accuracies().size())
                        .filter(n -> n < comparison.seeds().size())
                        .map(n -> "n = " + n)
                        .orElse(""),
                !arm.isDense()
                        && means.size() > 1
                        && point.filter(p -> p.mean() == Collections.max(means)).isPresent(),
                Published.find(comparison, arm, sparsity).map(Numbers::percent).orElse(""));
    }

    /** The table as Markdown, the published numbers in rows of their own. */
    String markdown() {
        StringBuilder text = new StringBuilder();
        line(text, "method", columns());
        line(text, "---", columns().stream().map(column -> "---").toList());
        for (Row row : rows()) {
            line(text, row.method(), row.cells().stream().map(AccuracyTable::markdown).toList());
            if (row.cells().stream().anyMatch(cell -> !cell.published().isEmpty())) {
                line(
                        text,
                        row.method() + ", published",
                        row.cells().stream()
                                .map(Cell::published)
                                .map(value -> value.isEmpty() ? GAP : value)
                                .toList());
            }
        }
        dense().filter(cell -> !cell.gap())
                .ifPresent(cell -> text.append("\nDense: ").append(markdown(cell)).append(" %.\n"));
        return text.toString();
    }

    private static void line(StringBuilder text, String head, List<String> cells) {
        text.append("| ").append(head.replace("|", "\\|"));
        cells.forEach(cell -> text.append(" | ").append(cell));
        text.append(" |\n");
    }

    private static String markdown(Cell cell) {
        if (cell.gap()) {
            return GAP;
        }
        String value = cell.value();
        if (cell.best()) {
            int end = value.indexOf(' ') < 0 ? value.length() : value.indexOf(' ');
            value = "**" + value.substring(0, end) + "**" + value.substring(end);
        }
        return cell.seeds().isEmpty() ? value : value + " (" + cell.seeds() + ")";
    }

    /** The table as CSV: a row a method and sparsity, accuracies in percent; gaps have no row. */
    String csv() throws IOException {
        StringBuilder text = new StringBuilder();
        try (CSVPrinter rows =
                CSVFormat.DEFAULT
                        .builder()
                        .setRecordSeparator('\n')
                        .setHeader(
                                "method",
                                "sparsity",
                                "seeds",
                                "mean",
                                "deviation",
                                "published_mean",
                                "published_deviation")
                        .get()
                        .print(text)) {
            for (Arm arm : comparison.arms()) {
                for (double sparsity : arm.isDense() ? List.of(0.0) : sparsities) {
                    Optional<Point> point = results.point(arm, sparsity);
                    if (point.isPresent()) {
                        List<Object> row = new ArrayList<>(List.of(arm.label(), sparsity));
                        row.add(point.get().accuracies().size());
                        row.add(known(point.get().mean()));
                        row.add(known(point.get().deviation()));
                        Optional<Published> published = Published.find(comparison, arm, sparsity);
                        row.add(published.map(p -> known(p.mean())).orElse(""));
                        row.add(published.map(p -> known(p.deviation())).orElse(""));
                        rows.printRecord(row);
                    }
                }
            }
        }
        return text.toString();
    }

    private static String known(double share) {
        return Double.isNaN(share) ? "" : Numbers.percent(share);
    }
}
