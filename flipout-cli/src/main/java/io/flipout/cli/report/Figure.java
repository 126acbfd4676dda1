package io.flipout.cli.report;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Font;
import java.awt.Graphics2D;
import java.awt.font.FontRenderContext;
import java.awt.font.TextLayout;
import java.awt.geom.AffineTransform;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.math.BigDecimal;
import java.util.Base64;
import java.util.DoubleSummaryStatistics;
import java.util.function.Function;
import java.util.stream.DoubleStream;
import javax.imageio.ImageIO;
import org.knowm.xchart.ChartEncoder;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.style.Styler.LegendLayout;
import org.knowm.xchart.style.Styler.LegendPosition;
import org.knowm.xchart.style.XYStyler;

/**
 * A figure of a report.
 *
 * @param name its name as a file, without an ending
 * @param title its heading
 * @param alt what it shows, for those who do not see it
 * @param caption how to read it
 * @param light whether the page shows it as vectors; not where they are many points
 * @param chart the chart
 */
record Figure(String name, String title, String alt, String caption, boolean light, XYChart chart) {

    static final int WIDTH = 900;
    static final int HEIGHT = 500;

    /** Heights of a line of the legend, and of what is above and below it. */
    private static final int LEGEND_LINE = 24;

    private static final int LEGEND_FRAME = 40;

    /** The line of the dense network. */
    static final BasicStroke DASHED =
            new BasicStroke(
                    1.6f, BasicStroke.CAP_BUTT, BasicStroke.JOIN_ROUND, 1, new float[] {7, 5}, 0);

    /** Pixels of a picture for one of the chart: sharp on today's screens. */
    private static final int SCALE = 2;

    private static final Color INK = new Color(0x222222);
    private static final Color AXIS = new Color(0x8C959F);
    private static final Color GRID = new Color(0xE4E4E4);
    private static final Font FONT = new Font(Font.SANS_SERIF, Font.PLAIN, 14);

    /** Returns a height, or that of a legend of so many lines where it is more. */
    static int height(int least, int lines) {
        return Math.max(least, LEGEND_LINE * lines + LEGEND_FRAME);
    }

    /** The base of all charts: white, light grid, no frame, the legend at the right. */
    static XYChart chart(String x, String y, int height) {
        XYChart chart = new XYChart(WIDTH, height);
        chart.setXAxisTitle(x);
        chart.setYAxisTitle(y);
        XYStyler styler = chart.getStyler();
        styler.setBaseFont(FONT);
        styler.setChartBackgroundColor(Color.WHITE)
                .setChartFontColor(INK)
                .setChartTitleVisible(false)
                .setChartPadding(12)
                .setPlotBackgroundColor(Color.WHITE)
                .setPlotBorderVisible(false)
                .setPlotContentSize(0.97)
                .setMarkerSize(9)
                .setLegendPosition(LegendPosition.OutsideE)
                .setLegendLayout(LegendLayout.Vertical)
                .setLegendBorderColor(Color.WHITE)
                .setLegendBackgroundColor(Color.WHITE)
                .setLegendFont(FONT)
                .setLegendSeriesLineLength(26)
                .setAnnotationTextFont(FONT);
        styler.setAxisTitleFont(FONT)
                .setAxisTickLabelsFont(FONT.deriveFont(13f))
                .setAxisTickLabelsColor(INK)
                .setAxisTickMarksColor(GRID)
                .setAxisTicksLineVisible(false)
                .setAxisTicksMarksVisible(false)
                .setAxisTickPadding(8)
                .setAxisTitlePadding(12)
                .setPlotMargin(0)
                .setPlotGridLinesColor(GRID)
                .setPlotGridLinesStroke(new BasicStroke(1))
                .setErrorBarsColorSeriesColor(true);
        return chart;
    }

    /**
     * Fits an axis of percentages to what it shows, from one round number to another.
     *
     * @param values what it shows, in percent; those that are NaN do not count
     */
    static void fitPercent(XYStyler styler, DoubleStream values) {
        DoubleSummaryStatistics range =
                values.filter(value -> !Double.isNaN(value)).summaryStatistics();
        if (range.getCount() == 0) {
            return;
        }
        double width = range.getMax() - range.getMin();
        double round = width > 30 ? 10 : width > 8 ? 5 : 1;
        double least = round * Math.floor(range.getMin() / round);
        double most = round * Math.ceil(range.getMax() / round);
        styler.setYAxisMin(Math.max(0, least == most ? least - round : least))
                .setYAxisMax(Math.min(100, least == most ? most + round : most))
                .setYAxisDecimalPattern("0.#");
    }

    /** Labels a logarithmic axis at 1, 10, 100 and, where that is little, at 2 and 5 too. */
    static Function<Double, String> decades(double least, double most) {
        boolean few = most / least < 200;
        return value -> {
            double exponent = Math.floor(Math.log10(value) + 1e-9);
            long digit = Math.round(value / Math.pow(10, exponent));
            return digit == 1 || (few && (digit == 2 || digit == 5))
                    ? BigDecimal.valueOf(digit).scaleByPowerOfTen((int) exponent).toPlainString()
                    : "";
        };
    }

    /** Shows axes by lines and ticks instead of a grid. */
    static void drawAxes(XYStyler styler) {
        styler.setXAxisLogarithmicDecadeOnly(false)
                .setYAxisLogarithmicDecadeOnly(false)
                .setPlotGridVerticalLinesVisible(false)
                .setAxisTicksLineVisible(true)
                .setAxisTicksMarksVisible(true)
                .setAxisTickMarksColor(AXIS)
                .setAxisTickMarkLength(4);
    }

    /**
     * Tries whether this Java can draw letters.
     *
     * @throws IllegalStateException if it finds no font
     */
    static void checkFonts() {
        try {
            new TextLayout("0", FONT, new FontRenderContext(new AffineTransform(), true, true))
                    .getOutline(null);
        } catch (RuntimeException | Error e) { // Java has several of each to say so.
            throw new IllegalStateException(
                    "Figures need a font, and Java finds none here: install fontconfig and a font,"
                            + " as with apt-get install fontconfig fonts-dejavu-core.",
                    e);
        }
    }

    /** The picture as vectors. Texts are outlines, so that it looks the same everywhere. */
    byte[] svg() throws IOException {
        return ChartEncoder.getBytes(chart, "svg");
    }

    byte[] png() throws IOException {
        BufferedImage image =
                new BufferedImage(
                        SCALE * chart.getWidth(),
                        SCALE * chart.getHeight(),
                        BufferedImage.TYPE_INT_RGB);
        Graphics2D graphics = image.createGraphics();
        graphics.scale(SCALE, SCALE);
        chart.paint(graphics, chart.getWidth(), chart.getHeight());
        graphics.dispose();
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        ImageIO.write(image, "png", bytes);
        return bytes.toByteArray();
    }

    /** The picture in an address of its own, for a page that needs no other file. */
    String source() throws IOException {
        return "data:image/"
                + (light ? "svg+xml" : "png")
                + ";base64,"
                + Base64.getEncoder().encodeToString(light ? svg() : png());
    }
}
