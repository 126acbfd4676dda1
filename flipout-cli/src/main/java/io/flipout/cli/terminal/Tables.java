package io.flipout.cli.terminal;

import io.flipout.report.LayerReport;
import io.flipout.report.SparsityReport;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.Help;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.Help.Column;
import picocli.CommandLine.Help.Column.Overflow;
import picocli.CommandLine.Help.TextTable;

/** Draws tables for a terminal. */
public final class Tables {

    private static final int GAP = 2;

    private Tables() {}

    /** The layers of a network: what each had and has. */
    public static String layers(SparsityReport report) {
        List<String[]> rows = new ArrayList<>();
        rows.add(new String[] {"layer", "shape", "weights", "kept", "sparsity", "dead in/out"});
        for (LayerReport layer : report.layers()) {
            String shape = Arrays.toString(layer.shape().getShape()).replaceAll("[\\[\\] ]", "");
            rows.add(
                    new String[] {
                        layer.name(),
                        shape.replace(',', '×'),
                        number(layer.weights()),
                        number(layer.remaining()),
                        percent(layer.sparsity()) + " %",
                        layer.deadInputs() + "/" + layer.deadOutputs()
                    });
        }
        rows.add(
                new String[] {
                    "total",
                    "",
                    number(report.weights()),
                    number(report.remaining()),
                    percent(report.sparsity()) + " %",
                    ""
                });
        return table(rows, 2);
    }

    /** What is left of the work of a forward pass, or that it is unknown. */
    public static String multiplyAdds(SparsityReport report) {
        return report.multiplyAdds() < 0
                ? "Multiply–adds are not counted: not every layer tells what it takes, as in"
                        + " TorchScript that does not say for which images it is, or decides by"
                        + " what it computes."
                : String.format(
                        Locale.ROOT,
                        "%,d of %,d multiply–adds an image are left.",
                        report.remainingMultiplyAdds(),
                        report.multiplyAdds());
    }

    /** Draws rows; the first {@code left} columns are flush left, the others flush right. */
    public static String table(List<String[]> rows, int left) {
        int columns = rows.get(0).length;
        Column[] layout = new Column[columns];
        int[] widths = new int[columns];
        for (int c = 0; c < columns; c++) {
            int column = c;
            widths[c] = rows.stream().mapToInt(row -> row[column].length()).max().orElse(0);
            layout[c] = new Column(widths[c] + GAP, 0, Overflow.SPAN);
        }
        TextTable table = TextTable.forColumns(Help.defaultColorScheme(Ansi.OFF), layout);
        for (String[] row : rows) {
            String[] cells = new String[columns];
            for (int c = 0; c < columns; c++) {
                cells[c] = c < left ? row[c] : right(row[c], widths[c]);
            }
            table.addRowValues(cells);
        }
        return table.toString();
    }

    /** Puts spaces before a text, up to a width. */
    public static String right(String text, int width) {
        return " ".repeat(width - text.length()) + text;
    }

    static String number(long value) {
        return String.format(Locale.ROOT, "%,d", value);
    }

    /** Writes a share in percent, with as many digits as a high sparsity needs. */
    public static String percent(double share) {
        return String.format(Locale.ROOT, share > 0.99 ? "%.3f" : "%.2f", 100 * share);
    }
}
