package io.flipout.cli.report;

import io.flipout.cli.comparison.Arm;
import io.flipout.cli.comparison.RunResult;
import java.awt.Color;
import java.io.IOException;
import java.util.Comparator;
import java.util.DoubleSummaryStatistics;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.XYSeries.XYSeriesRenderStyle;
import org.knowm.xchart.style.XYStyler;

/** Flips against magnitude: what a run's last pruning took of a layer, and what it kept. */
final class FlipsFigure {

    private static final int OPACITY = 150;
    private static final int DOT = 5;

    /** What a logarithmic axis shows beyond its values, as a factor, and how much of it is used. */
    private static final double MARGIN = 1.15;

    private static final double SPREAD = 0.8;
    private static final double GOLDEN = (Math.sqrt(5) - 1) / 2;

    private FlipsFigure() {}

    /**
     * Draws a layer of the first run that recorded its weights.
     *
     * @param name the layer; empty for the largest
     * @return the figure; empty where no run recorded its weights
     * @throws IllegalArgumentException if the runs have no such layer
     */
    static Optional<Figure> draw(Selection selection, Optional<String> name) throws IOException {
        Optional<RunResult> found =
                selection.arms().stream()
                        .filter(arm -> !arm.isDense())
                        .flatMap((Arm arm) -> selection.runs(arm).stream())
                        .filter(run -> WeightSample.isIn(run.folder()))
                        .findFirst();
        if (found.isEmpty()) {
            return Optional.empty();
        }
        RunResult run = found.get();
        Summary.Layer layer = layer(Summary.read(run.folder()).layers(), name);
        List<WeightSample> weights =
                WeightSample.read(run.folder()).stream()
                        .filter(weight -> weight.layer().equals(layer.name()))
                        .filter(weight -> weight.magnitude() > 0) // It has no place on the axis.
                        .toList();
        if (weights.isEmpty()) {
            return Optional.empty();
        }
        XYChart chart = Figure.chart("Sign flips + 1", "Magnitude of the weight", Figure.HEIGHT);
        chart.getStyler().setDefaultSeriesRenderStyle(XYSeriesRenderStyle.Scatter);
        chart.getStyler().setMarkerSize(DOT);
        chart.getStyler().setXAxisLogarithmic(true).setYAxisLogarithmic(true);
        add(chart, "pruned", Palette.VERMILLION, weights.stream().filter(w -> !w.kept()));
        add(chart, "kept", Palette.BLUE, weights.stream().filter(WeightSample::kept));
        style(chart.getStyler(), weights);
        return Optional.of(
                new Figure(
                        "flips",
                        "Flips against magnitude",
                        "Magnitude against sign flips of weights of "
                                + layer.name()
                                + " before the last pruning, kept and pruned ones apart.",
                        Numbers.count(weights.size())
                                + " weights of "
                                + layer.name()
                                + " that were alive before the last pruning of "
                                + run.run().title()
                                + ", and what it did with them; both axes are logarithmic, and points of the same number of flips lie side by side.",
                        false,
                        chart));
    }

    private static void style(XYStyler styler, List<WeightSample> weights) {
        double most = 1 + weights.stream().mapToInt(WeightSample::flips).max().orElse(0);
        DoubleSummaryStatistics magnitudes =
                weights.stream().mapToDouble(WeightSample::magnitude).summaryStatistics();
        Figure.drawAxes(styler);
        styler.setPlotGridLinesVisible(false)
                .setXAxisMin(1 / MARGIN)
                .setXAxisMax(Math.max(2, most) * MARGIN)
                .setXAxisTickLabelsFormattingFunction(Figure.decades(1, most))
                .setYAxisTickLabelsFormattingFunction(
                        Figure.decades(magnitudes.getMin(), magnitudes.getMax()));
    }

    private static Summary.Layer layer(List<Summary.Layer> layers, Optional<String> name) {
        if (name.isEmpty()) {
            return layers.stream().max(Comparator.comparing(Summary.Layer::weights)).orElseThrow();
        }
        return layers.stream()
                .filter(layer -> layer.name().equals(name.get()))
                .findFirst()
                .orElseThrow(
                        () ->
                                new IllegalArgumentException(
                                        "There is no --layer '"
                                                + name.get()
                                                + "'; there are "
                                                + String.join(
                                                        ", ",
                                                        layers.stream()
                                                                .map(Summary.Layer::name)
                                                                .toList())
                                                + "."));
    }

    private static void add(XYChart chart, String name, Color color, Stream<WeightSample> weights) {
        List<WeightSample> points = weights.toList();
        if (points.isEmpty()) {
            return;
        }
        XYSeries series =
                chart.addSeries(
                        name,
                        IntStream.range(0, points.size())
                                .mapToDouble(i -> (points.get(i).flips() + 1) * spread(i))
                                .toArray(),
                        points.stream().mapToDouble(WeightSample::magnitude).toArray());
        series.setMarkerColor(
                new Color(color.getRed(), color.getGreen(), color.getBlue(), OPACITY));
        series.setMarker(new Symbol(Symbol.Form.CIRCLE, false));
    }

    /** Moves points that have the same number of flips a little apart, evenly and always alike. */
    private static double spread(int place) {
        double turn = place * GOLDEN % 1;
        return Math.pow(MARGIN, SPREAD * (2 * turn - 1));
    }
}
