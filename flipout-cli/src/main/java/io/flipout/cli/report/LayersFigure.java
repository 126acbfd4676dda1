package io.flipout.cli.report;

import io.flipout.cli.comparison.Arm;
import io.flipout.cli.comparison.RunResult;
import io.flipout.cli.comparison.Sparsities;
import java.awt.BasicStroke;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.style.AxesChartStyler.TextAlignment;
import org.knowm.xchart.style.XYStyler;

/** What is left of each layer: a row a layer, from the input down to the output. */
final class LayersFigure {

    private static final BasicStroke LINE = new BasicStroke(1);

    /** Heights of a row, of all other than rows, and what rows take at least. */
    private static final int LOOSE = 40;

    private static final int TIGHT = 19;
    private static final int FRAME = 74;
    private static final int LEAST = 190; // Below 160 XChart draws ticks between the rows too.

    /** Layers that are few. */
    private static final int FEW = 12;

    /** XChart leaves out labels that are longer. */
    private static final int LONGEST = 20;

    private LayersFigure() {}

    static Optional<Figure> draw(Selection selection, Palette palette) throws IOException {
        Map<Arm, List<Double>> densities = new LinkedHashMap<>();
        List<String> names = new ArrayList<>();
        for (Arm arm : selection.arms()) {
            if (!arm.isDense()) {
                densities.put(arm, densities(selection.runs(arm), names));
            }
        }
        if (names.isEmpty()) {
            return Optional.empty();
        }
        int count = names.size();
        int height = Figure.height(FRAME + rows(count), densities.size());
        XYChart chart = Figure.chart("Share of the layer's weights that is left, in %", "", height);
        double least =
                densities.values().stream()
                        .flatMap(List::stream)
                        .mapToDouble(d -> d)
                        .filter(d -> d > 0)
                        .min()
                        .orElse(1);
        boolean anyEmpty = densities.values().stream().flatMap(List::stream).anyMatch(d -> d == 0);
        // A logarithmic axis has no 0: an empty layer stands a decade below all others.
        double floor = Math.pow(10, Math.floor(Math.log10(100 * least)) - (anyEmpty ? 1 : 0));
        densities.forEach(
                (arm, shares) -> {
                    XYSeries series =
                            chart.addSeries(
                                    selection.label(arm),
                                    shares.stream()
                                            .mapToDouble(d -> d == 0 ? floor : 100 * d)
                                            .toArray(),
                                    IntStream.range(0, count)
                                            .mapToDouble(i -> count - i)
                                            .toArray());
                    series.setLineStyle(LINE);
                    series.setLineColor(palette.color(arm));
                    series.setMarkerColor(palette.color(arm));
                    series.setMarker(new Symbol(palette.form(arm), false));
                });
        style(chart, names, floor, anyEmpty);
        String where = Sparsities.percent(selection.sparsity()) + " sparsity";
        return Optional.of(
                new Figure(
                        "layers",
                        "Layer by layer",
                        "The share of weights left in each of "
                                + Numbers.count(count, "layer")
                                + " at "
                                + where
                                + ", a line for each method.",
                        Numbers.mean(selection.results(), "at ")
                                + where
                                + ", from the input at the top to the output at the bottom; the"
                                + " axis is logarithmic."
                                + (anyEmpty ? " “none” is a layer without a weight." : ""),
                        true,
                        chart));
    }

    private static int rows(int count) {
        return Math.max(LEAST, count * (count > FEW ? TIGHT : LOOSE));
    }

    private static void style(XYChart chart, List<String> names, double floor, boolean anyEmpty) {
        XYStyler styler = chart.getStyler();
        int count = names.size();
        Function<Double, String> decades = Figure.decades(floor, 100);
        Figure.drawAxes(styler);
        styler.setMarkerSize(count > FEW ? 7 : 9);
        styler.setXAxisLogarithmic(true)
                .setXAxisMin(floor)
                .setXAxisMax(100.0)
                .setXAxisTickLabelsFormattingFunction(
                        percent ->
                                anyEmpty && percent < 1.5 * floor ? "none" : decades.apply(percent))
                .setYAxisMin(0.5)
                .setYAxisMax(count + 0.5)
                .setYAxisLabelAlignment(TextAlignment.Right)
                .setYAxisTickMarkSpacingHint((chart.getHeight() - FRAME) / count)
                .setYAxisTickLabelsFormattingFunction(row -> label(names, row));
    }

    /** The name of a row; blank between rows, and not the same at both ends, as XChart wants it. */
    private static String label(List<String> names, double row) {
        int place = names.size() - (int) Math.rint(row);
        if (Math.abs(row - Math.rint(row)) > 1e-6 || place < 0 || place >= names.size()) {
            return row < 1 ? " " : "  ";
        }
        return shorten(names.get(place).replaceAll("\\.weight$", ""));
    }

    /**
     * Cuts the words of a path to as many letters as fit, the last one and all numbers excepted.
     */
    static String shorten(String path) {
        String name = path;
        for (int letters = LONGEST; name.length() > LONGEST && letters > 0; letters--) {
            name = path.replaceAll("(\\p{L}{" + letters + "})\\p{L}*(?=[^.]*\\.)", "$1");
        }
        return name.length() <= LONGEST ? name : "…" + name.substring(name.length() - LONGEST + 1);
    }

    /** The mean density of each layer over runs; the runs of a comparison have the same layers. */
    private static List<Double> densities(List<RunResult> runs, List<String> names)
            throws IOException {
        List<List<Summary.Layer>> all = new ArrayList<>();
        for (RunResult run : runs) {
            all.add(Summary.read(run.folder()).layers());
        }
        if (names.isEmpty()) {
            all.get(0).forEach(layer -> names.add(layer.name()));
        }
        return IntStream.range(0, names.size())
                .mapToObj(
                        i ->
                                all.stream()
                                        .mapToDouble(layers -> layers.get(i).density())
                                        .average()
                                        .orElseThrow())
                .toList();
    }
}
