package io.flipout.cli.report;

import io.flipout.cli.comparison.Arm;
import io.flipout.cli.comparison.Comparison;
import io.flipout.cli.comparison.Comparison.Measure;
import io.flipout.cli.comparison.Point;
import io.flipout.cli.comparison.Published;
import io.flipout.cli.comparison.Results;
import io.flipout.cli.comparison.Sparsities;
import java.awt.BasicStroke;
import java.awt.Color;
import java.util.List;
import java.util.Optional;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.style.markers.SeriesMarkers;

/** Accuracy against sparsity with error bars, as Figures 4 and 5 of the paper. */
final class AccuracyFigure {

    private static final float LINE = 2;
    private static final BasicStroke DOTTED =
            new BasicStroke(
                    1.2f, BasicStroke.CAP_BUTT, BasicStroke.JOIN_ROUND, 1, new float[] {2, 4}, 0);

    /** Halvings from one tick to the next where there is room for all, and where not. */
    private static final int NARROW = 1;

    private static final int WIDE = 2;

    /** About what the legend and the other axis leave of the width. */
    private static final int PLOT_WIDTH = 620;

    private final Results results;
    private final Comparison comparison;
    private final Palette palette;
    private final List<Double> sparsities;
    private final XYChart chart;

    private AccuracyFigure(Results results, Palette palette) {
        this.results = results;
        this.palette = palette;
        comparison = results.comparison();
        sparsities = comparison.sparsities().stream().sorted().toList();
        int lines = comparison.arms().size() + 1; // And the published numbers.
        chart =
                Figure.chart(
                        "Sparsity",
                        accuracy(comparison) + " in %",
                        Figure.height(Figure.HEIGHT, lines));
    }

    static String accuracy(Comparison comparison) {
        return comparison.measure() == Measure.TEST ? "Test accuracy" : "Validation accuracy";
    }

    static Figure draw(Results results, Palette palette) {
        return new AccuracyFigure(results, palette).draw();
    }

    private Figure draw() {
        scale();
        results.dense().ifPresent(this::addDense);
        boolean published = false;
        for (Arm arm : comparison.arms()) {
            if (!arm.isDense()) {
                published |= addPublished(arm);
            }
        }
        comparison.arms().stream().filter(arm -> !arm.isDense()).forEach(this::add);
        if (published) {
            addKey();
        }
        Figure.fitPercent(
                chart.getStyler(),
                chart.getSeriesCollection().stream().flatMapToDouble(AccuracyFigure::extent));
        return new Figure(
                "accuracy",
                "Accuracy against sparsity",
                accuracy(comparison)
                        + " in percent against sparsity, a line for each method; the numbers are"
                        + " those of the table.",
                (comparison.seeds().size() == 1
                                ? "One seed; each step on"
                                : "Mean of the seeds, with the sample standard deviation as error"
                                        + " bars; each step on")
                        + " the axis halves the weights that are left."
                        + (published ? " Hollow marks are the paper's published numbers." : ""),
                true,
                chart);
    }

    /** The values of a series with the ends of its error bars. */
    private static DoubleStream extent(XYSeries series) {
        double[] means = series.getYData();
        double[] bars = series.getExtraValues();
        return bars == null
                ? DoubleStream.of(means)
                : IntStream.range(0, means.length)
                        .boxed()
                        .flatMapToDouble(
                                i -> DoubleStream.of(means[i] - bars[i], means[i] + bars[i]));
    }

    /** The axis counts halvings of the density and names them as sparsities. */
    private void scale() {
        double left = Sparsities.halvings(sparsities.get(0)) - 1;
        double right = Sparsities.halvings(sparsities.get(sparsities.size() - 1)) + 1;
        int step = right - left > 8 ? WIDE : NARROW;
        chart.getStyler()
                .setXAxisMin(left)
                .setXAxisMax(right)
                .setXAxisTickMarkSpacingHint((int) (1.1 * step * PLOT_WIDTH / (right - left)))
                .setXAxisTickLabelsFormattingFunction(
                        halvings -> Sparsities.percent(1 - Math.pow(2, -halvings)));
    }

    private void addDense(Point dense) {
        double y = 100 * dense.mean();
        XYSeries series =
                chart.addSeries(
                        "dense",
                        new double[] {
                            chart.getStyler().getXAxisMin(), chart.getStyler().getXAxisMax()
                        },
                        new double[] {y, y});
        series.setLineStyle(Figure.DASHED);
        series.setLineColor(Palette.NEUTRAL);
        series.setMarker(SeriesMarkers.NONE);
    }

    private void add(Arm arm) {
        double[] means = new double[sparsities.size()];
        double[] deviations = new double[sparsities.size()];
        boolean found = false;
        for (int i = 0; i < means.length; i++) {
            Optional<Point> point = results.point(arm, sparsities.get(i));
            found |= point.isPresent();
            means[i] = point.map(p -> 100 * p.mean()).orElse(Double.NaN);
            double deviation = point.map(p -> 100 * p.deviation()).orElse(Double.NaN);
            deviations[i] = Double.isNaN(deviation) ? 0 : deviation; // Hidden behind the mark.
        }
        if (!found) {
            return;
        }
        XYSeries series = chart.addSeries(arm.label(), xs(), means, deviations);
        series.setLineStyle(palette.stroke(arm, LINE));
        series.setLineColor(palette.color(arm));
        series.setMarkerColor(palette.color(arm));
        series.setMarker(new Symbol(palette.form(arm), false));
    }

    private boolean addPublished(Arm arm) {
        double[] means =
                sparsities.stream()
                        .map(sparsity -> Published.find(comparison, arm, sparsity))
                        .mapToDouble(p -> p.map(q -> 100 * q.mean()).orElse(Double.NaN))
                        .toArray();
        boolean found = false;
        for (double mean : means) {
            found |= !Double.isNaN(mean);
        }
        if (found) {
            XYSeries series = chart.addSeries(arm.label() + " published", xs(), means);
            hollow(series, palette.color(arm), palette.form(arm));
            series.setShowInLegend(false);
        }
        return found;
    }

    /** Says in the legend what hollow marks are: a series without a visible point. */
    private void addKey() {
        XYSeries key =
                chart.addSeries("published", new double[] {xs()[0]}, new double[] {Double.NaN});
        hollow(key, Palette.NEUTRAL, Symbol.Form.CIRCLE);
    }

    private static void hollow(XYSeries series, Color color, Symbol.Form form) {
        series.setLineStyle(DOTTED);
        series.setLineColor(color);
        series.setMarkerColor(color);
        series.setMarker(new Symbol(form, true));
    }

    private double[] xs() {
        return sparsities.stream().mapToDouble(Sparsities::halvings).toArray();
    }
}
