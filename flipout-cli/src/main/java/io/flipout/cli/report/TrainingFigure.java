package io.flipout.cli.report;

import io.flipout.cli.comparison.Arm;
import io.flipout.cli.comparison.Metrics;
import io.flipout.cli.comparison.RunResult;
import io.flipout.cli.comparison.Sparsities;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.style.markers.SeriesMarkers;

/** The course of the training: accuracy against epoch. */
final class TrainingFigure {

    private static final float LINE = 1.8f;

    private TrainingFigure() {}

    static Figure draw(Selection selection, Palette palette) throws IOException {
        String accuracy = AccuracyFigure.accuracy(selection.results().comparison());
        int height = Figure.height(Figure.HEIGHT, selection.arms().size());
        XYChart chart = Figure.chart("Epoch", accuracy + " in %", height);
        int epochs = 1;
        int round = round(selection);
        for (Arm arm : selection.arms()) {
            double[] all = means(selection, arm);
            // Of several rounds of training the last one, or it would press all others together.
            boolean rounds = all.length > 2 * round;
            double[] means = Arrays.copyOfRange(all, rounds ? all.length - round : 0, all.length);
            epochs = Math.max(epochs, means.length);
            XYSeries series =
                    chart.addSeries(
                            selection.label(arm) + (rounds ? ", last round" : ""),
                            IntStream.rangeClosed(1, means.length).asDoubleStream().toArray(),
                            means);
            series.setLineStyle(palette.stroke(arm, LINE));
            series.setLineColor(palette.color(arm));
            series.setMarkerColor(palette.color(arm));
            series.setMarker(
                    means.length == 1 ? new Symbol(palette.form(arm), false) : SeriesMarkers.NONE);
        }
        // No ticks between epochs.
        int hint = Math.max(60, 620 / epochs);
        chart.getStyler()
                .setPlotGridVerticalLinesVisible(false)
                .setXAxisMin(0.0)
                .setXAxisMax(epochs + 0.5) // Not a whole one, or XChart ticks at every 16th.
                .setXAxisTickMarkSpacingHint(hint)
                .setXAxisDecimalPattern("0");
        Figure.fitPercent(
                chart.getStyler(),
                chart.getSeriesCollection().stream()
                        .flatMapToDouble(series -> DoubleStream.of(series.getYData())));
        String where =
                Double.isNaN(selection.sparsity())
                        ? ""
                        : " on the way to "
                                + Sparsities.percent(selection.sparsity())
                                + " sparsity";
        return new Figure(
                "training",
                "The course of training",
                accuracy + " in percent after each epoch" + where + ", a line for each method.",
                Numbers.mean(selection.results(), "after each epoch")
                        + where
                        + ". Weights are pruned after an epoch's evaluation: what that costs shows"
                        + " in the next.",
                true,
                chart);
    }

    /** The epochs that the comparison asks for; those of one round where there are several. */
    private static int round(Selection selection) {
        String epochs = selection.results().comparison().options().get("epochs");
        return epochs == null ? Integer.MAX_VALUE / 2 : Integer.parseInt(epochs);
    }

    /** The mean over the runs that got as far as an epoch. */
    private static double[] means(Selection selection, Arm arm) throws IOException {
        List<List<Double>> courses = new ArrayList<>();
        for (RunResult run : selection.runs(arm)) {
            courses.add(
                    Metrics.accuracies(run.folder(), selection.results().comparison().measure()));
        }
        int epochs = courses.stream().mapToInt(List::size).max().orElse(0);
        return IntStream.range(0, epochs)
                .mapToDouble(
                        epoch ->
                                100
                                        * courses.stream()
                                                .filter(course -> epoch < course.size())
                                                .mapToDouble(course -> course.get(epoch))
                                                .average()
                                                .orElse(Double.NaN))
                .toArray();
    }
}
