package io.flipout.cli.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.flipout.cli.comparison.Arm;
import io.flipout.cli.comparison.Arm.Sweep;
import io.flipout.cli.comparison.Comparison;
import io.flipout.cli.comparison.Comparison.Measure;
import io.flipout.cli.comparison.PlannedRun;
import io.flipout.cli.comparison.Results;
import io.flipout.cli.comparison.RunResult;
import io.flipout.cli.run.RunFolder;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import javax.xml.parsers.DocumentBuilder;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.knowm.xchart.XYSeries;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;
import org.xml.sax.InputSource;

class ReportTest {

    /** 90 and 92 are 91 ± √2, 50 and 56 are 53 ± √18, 95 and 93 are 94 ± √2. */
    static final String MARKDOWN =
            """
            | method | 75 % | 90 % | 99 % |
            | --- | --- | --- | --- |
            | flipout | 91.00 ± 1.41 | 85.00 (n = 1) | **53.00** ± 4.24 |
            | global-magnitude | **93.00** ± 0.00 | – | 51.00 (n = 1) |

            Dense: 94.00 ± 1.41 %.
            """;

    static final String CSV =
            """
            method,sparsity,seeds,mean,deviation,published_mean,published_deviation
            none,0.0,2,94.00,1.41,,
            flipout,0.75,2,91.00,1.41,,
            flipout,0.9,1,85.00,,,
            flipout,0.99,2,53.00,4.24,,
            global-magnitude,0.75,2,93.00,0.00,,
            global-magnitude,0.99,1,51.00,,,
            """;

    @TempDir private Path folder;

    private static Document parse(String xml) throws Exception {
        DocumentBuilder builder = DocumentBuilderFactory.newInstance().newDocumentBuilder();
        builder.setEntityResolver((id, address) -> new InputSource(new StringReader("")));
        builder.setErrorHandler(null);
        return builder.parse(new InputSource(new StringReader(xml)));
    }

    private Results results() throws IOException {
        return Results.read(folder, Comparison.read(folder));
    }

    private static XYSeries series(Figure figure, String name) {
        return figure.chart().getSeriesCollection().stream()
                .filter(series -> series.getName().equals(name))
                .findFirst()
                .orElseThrow();
    }

    private static List<String> texts(Document page, String tag) {
        NodeList nodes = page.getElementsByTagName(tag);
        return Stream.iterate(0, i -> i < nodes.getLength(), i -> i + 1)
                .map(i -> nodes.item(i).getTextContent().strip())
                .toList();
    }

    @Test
    void theTableIsThatOfTheRuns() throws Exception {
        HandMade.comparison(folder);
        AccuracyTable table = new AccuracyTable(results());
        assertThat(table.markdown()).isEqualTo(MARKDOWN);
        assertThat(table.csv()).isEqualTo(CSV);
    }

    @Test
    void thePageIsWellFormedAndEscapesWhatComesFromOutside() throws Exception {
        HandMade.comparison(folder);
        List<Path> files = new Report(folder).write();
        String html = Files.readString(files.get(0));
        assertThat(html).contains("&lt;not&gt; finite &amp; ").doesNotContain("<not>", "<b>");
        Document page = parse(html);
        assertThat(page.getDocumentElement().getAttribute("lang")).isEqualTo("en");
        assertThat(texts(page, "h1")).containsExactly("tiny on <b>data & co</b>");
        assertThat(texts(page, "td"))
                .contains("91.00 ± 1.41", "85.00n = 1", "–", "94.00 ± 1.41")
                .doesNotContain("0.00", "NaN");
        assertThat(texts(page, "li"))
                .contains(
                        "global-magnitude 99 % seed 2: The loss is <not> finite & \"gone\".",
                        "flipout 90 % seed 2", "global-magnitude 90 % seed 1");
        assertThat(texts(page, "h2")).contains("1 run failed", "3 runs missing");
        // Ten runs of half an hour.
        assertThat(texts(page, "p"))
                .contains("10 of 14 runs finished, in 5.0 h of training.")
                .contains(
                        "At 99 % sparsity flipout (53.00 ± 4.24 %) is 2.00 points ahead of"
                                + " global-magnitude (51.00 %), of which no deviation is known, for"
                                + " want of seeds. The dense network has 94.00 ± 1.41 %.");
        NodeList images = page.getElementsByTagName("img");
        assertThat(images.getLength()).isEqualTo(3);
        for (int i = 0; i < images.getLength(); i++) {
            Element image = (Element) images.item(i);
            assertThat(image.getAttribute("src")).startsWith("data:image/svg+xml;base64,");
            assertThat(image.getAttribute("alt")).isNotBlank();
        }
    }

    @Test
    void aFaultOfSeveralRunsIsToldOnce() throws Exception {
        HandMade.comparison(folder);
        for (int seed : new int[] {1, 2}) {
            Files.writeString(
                    Results.fault(folder, new PlannedRun(HandMade.MAGNITUDE, 0.9, "", seed)),
                    "It does not go that far.");
        }
        Document page = parse(Files.readString(new Report(folder).write().get(0)));
        assertThat(texts(page, "h2")).contains("3 runs failed");
        assertThat(texts(page, "li"))
                .contains(
                        "global-magnitude 90 % seed 1, global-magnitude 90 % seed 2: It does not go"
                                + " that far.",
                        "global-magnitude 99 % seed 2: The loss is <not> finite & \"gone\".");
    }

    @Test
    void figuresAreThereAsVectorsAndAsPictures() throws Exception {
        HandMade.comparison(folder);
        HandMade.weights(Comparison.folder(folder, new PlannedRun(HandMade.FLIPOUT, 0.99, "", 2)));
        List<Path> files = new Report(folder).write();
        assertThat(files.stream().map(file -> folder.relativize(file).toString()))
                .containsExactly(
                        "report.html",
                        "results.csv",
                        "figures/accuracy.svg",
                        "figures/accuracy.png",
                        "figures/training.svg",
                        "figures/training.png",
                        "figures/layers.svg",
                        "figures/layers.png",
                        "figures/flips.svg",
                        "figures/flips.png");
        for (Path file : files) {
            if (file.toString().endsWith(".svg")) {
                String svg = Files.readString(file);
                assertThat(parse(svg).getDocumentElement().getTagName()).isEqualTo("svg");
                assertThat(svg).doesNotContain("NaN");
            } else if (file.toString().endsWith(".png")) {
                assertThat(ImageIO.read(file.toFile()).getWidth()).isEqualTo(1800);
            }
        }
        // What an earlier report had and this one has not, is gone.
        Files.delete(
                Comparison.folder(folder, new PlannedRun(HandMade.FLIPOUT, 0.99, "", 2))
                        .resolve("weights.csv"));
        new Report(folder).write();
        assertThat(folder.resolve("figures/flips.svg")).doesNotExist();
        assertThat(folder.resolve("figures/layers.svg")).exists();
    }

    @Test
    void theLegendOfManyMethodsFits() throws Exception {
        List<Arm> arms =
                IntStream.rangeClosed(1, 30)
                        .mapToObj(i -> new Arm("flipout p=" + i, "flipout", Map.of(), null))
                        .toList();
        new Comparison("", Measure.TEST, Map.of(), arms, List.of(0.9), List.of(1)).write(folder);
        for (Arm arm : arms) {
            HandMade.run(folder, new PlannedRun(arm, 0.9, "", 1), 0.9, 0.8);
        }
        new Report(folder).write();
        for (String figure : List.of("accuracy", "training", "layers")) {
            Path file = folder.resolve("figures").resolve(figure + ".png");
            BufferedImage picture = ImageIO.read(file.toFile());
            for (int y : new int[] {0, picture.getHeight() - 1}) {
                int width = picture.getWidth();
                int[] edge = picture.getRGB(0, y, width, 1, null, 0, width);
                assertThat(edge).as("row %d of %s", y, figure).containsOnly(0xffffffff);
            }
        }
    }

    @Test
    void missingRunsAreGaps() throws Exception {
        HandMade.comparison(folder);
        Results results = results();
        Figure figure = AccuracyFigure.draw(results, new Palette(results.comparison().arms()));
        XYSeries magnitude = series(figure, "global-magnitude");
        assertThat(magnitude.getYData())
                .containsExactly(new double[] {93, Double.NaN, 51}, within(1e-9));
        assertThat(magnitude.getXData())
                .containsExactly(new double[] {2, 3.3219, 6.6439}, within(1e-4));
        assertThat(series(figure, "flipout").getExtraValues())
                .containsExactly(new double[] {1.4142, 0, 4.2426}, within(1e-4));
        assertThat(series(figure, "dense").getYData()).containsOnly(94);
        assertThat(figure.chart().getSeriesCollection()).hasSize(3);
    }

    @Test
    void trainingAndLayersAreMeansOfTheSeedsAtASparsity() throws Exception {
        HandMade.comparison(folder);
        Results results = results();
        Palette palette = new Palette(results.comparison().arms());
        Selection high = Selection.of(results, Optional.empty());
        assertThat(high.sparsity()).isEqualTo(0.99);
        assertThat(series(TrainingFigure.draw(high, palette), "flipout").getYData())
                .containsExactly(new double[] {26.5, 53}, within(1e-9));
        Selection low = Selection.of(results, Optional.of(0.75));
        Figure layers = LayersFigure.draw(low, palette).orElseThrow();
        assertThat(series(layers, "flipout").getXData())
                .containsExactly(new double[] {25, 25}, within(1e-9));
        // The first layer stands on top.
        assertThat(series(layers, "flipout").getYData()).containsExactly(2, 1);
    }

    @Test
    void anEmptyLayerStandsApart() throws Exception {
        HandMade.comparison(folder);
        HandMade.write(
                Comparison.folder(folder, new PlannedRun(HandMade.MAGNITUDE, 0.99, "", 1)),
                new PlannedRun(HandMade.MAGNITUDE, 0.99, "", 1),
                0.99,
                0.5,
                new Summary.Layer("first.weight", 100, 0),
                new Summary.Layer("second.weight", 300, 4));
        Results results = results();
        Figure layers =
                LayersFigure.draw(
                                Selection.of(results, Optional.of(0.99)),
                                new Palette(results.comparison().arms()))
                        .orElseThrow();
        // All others are of 1 % or more, so that 0.1 % is free for none.
        assertThat(series(layers, "global-magnitude").getXData()[0]).isCloseTo(0.1, within(1e-9));
        assertThat(layers.caption()).contains("none");
        assertThat(layers.chart().getStyler().getXAxisTickLabelsFormattingFunction().apply(0.1))
                .isEqualTo("none");
    }

    @Test
    void longNamesOfLayersStayApart() {
        assertThat(LayersFigure.shorten("layer2.0.shortcut.0")).isEqualTo("layer2.0.shortcut.0");
        assertThat(LayersFigure.shorten("features.denseblock3.denselayer24.conv2"))
                .isEqualTo("fea.den3.den24.conv2");
        assertThat(LayersFigure.shorten("aVeryLongNameWithoutAnyDots"))
                .isEqualTo("…gNameWithoutAnyDots");
    }

    @Test
    void flipsAreThoseOfALayerOfARunThatRecordedThem() throws Exception {
        HandMade.comparison(folder);
        HandMade.weights(Comparison.folder(folder, new PlannedRun(HandMade.FLIPOUT, 0.99, "", 2)));
        Selection selection = Selection.of(results(), Optional.empty());
        Figure largest = FlipsFigure.draw(selection, Optional.empty()).orElseThrow();
        assertThat(largest.caption()).startsWith("100 weights of second.weight").contains("seed 2");
        assertThat(series(largest, "kept").getYData()).hasSize(48);
        assertThat(series(largest, "pruned").getYData()).hasSize(52);
        // Side by side, but never so far that another number of flips were nearer.
        assertThat(Arrays.stream(series(largest, "kept").getXData()).max().orElseThrow())
                .isCloseTo(7, within(0.9));
        Figure other = FlipsFigure.draw(selection, Optional.of("first.weight")).orElseThrow();
        assertThat(other.caption()).contains("first.weight");
        assertThat(FlipsFigure.draw(Selection.of(results(), Optional.of(0.75)), Optional.empty()))
                .isEmpty();
    }

    @Test
    void publishedNumbersStandBeside() throws Exception {
        Comparison paper =
                new Comparison(
                        "",
                        Measure.TEST,
                        Map.of("model", "resnet18", "dataset", "cifar10"),
                        List.of(HandMade.FLIPOUT),
                        List.of(0.75, 0.999),
                        List.of(1));
        paper.write(folder);
        HandMade.run(folder, paper.runs().get(0), 0.75, 0.90);
        Results results = results();
        AccuracyTable.Row row = new AccuracyTable(results).rows().get(0);
        assertThat(row.cells())
                .containsExactly(
                        new AccuracyTable.Cell("90.00", "", false, "94.64 ± 0.21"),
                        new AccuracyTable.Cell("", "", false, "82.50 ± 0.12"));
        assertThat(new AccuracyTable(results).markdown())
                .contains("| flipout, published | 94.64 ± 0.21 | 82.50 ± 0.12 |\n");
        Figure figure = AccuracyFigure.draw(results, new Palette(paper.arms()));
        assertThat(series(figure, "flipout published").getYData())
                .containsExactly(new double[] {94.64, 82.5}, within(1e-9));
        new Report(folder).write();
        assertThat(texts(parse(Files.readString(folder.resolve(RunFolder.PAGE))), "small"))
                .containsExactly("published 94.64 ± 0.21", "published 82.50 ± 0.12");
    }

    @Test
    void aSweepShowsTheSettingThatCameNearest() throws Exception {
        Arm sweep =
                new Arm(
                        "hoyer-square",
                        "hoyer-square",
                        Map.of(),
                        new Sweep("hoyer-strength", List.of("1", "2")));
        Comparison comparison =
                new Comparison(
                        "", Measure.TEST, Map.of(), List.of(sweep), List.of(0.9), List.of(1));
        comparison.write(folder);
        HandMade.run(folder, comparison.runs().get(0), 0.75, 0.9);
        HandMade.run(folder, comparison.runs().get(1), 0.95, 0.8);
        Selection selection = Selection.of(results(), Optional.empty());
        assertThat(selection.runs(sweep).stream().map(RunResult::sparsity)).containsExactly(0.95);
        assertThat(selection.label(sweep)).isEqualTo("hoyer-square (95 %)");
    }

    @Test
    void aRunHasAReportOfItsOwn() throws Exception {
        PlannedRun run = new PlannedRun(HandMade.FLIPOUT, 0.75, "", 1);
        HandMade.run(folder, run, 0.75, 0.9);
        Path runFolder = Comparison.folder(folder, run);
        HandMade.weights(runFolder);
        List<Path> files = new Report(runFolder).write();
        Document page = parse(Files.readString(files.get(0)));
        assertThat(texts(page, "h1"))
                .containsExactly("flipout 75 % seed 1: tiny on <b>data & co</b>");
        assertThat(texts(page, "p"))
                .contains("Test accuracy 90.00 % with 100 of 400 weights, 75 % sparse.");
        assertThat(runFolder.resolve("figures"))
                .isDirectoryNotContaining("glob:**accuracy*")
                .isDirectoryContaining("glob:**training.svg")
                .isDirectoryContaining("glob:**layers.svg")
                .isDirectoryContaining("glob:**flips.svg");
        assertThat(runFolder.resolve("results.csv")).doesNotExist();
    }

    @Test
    void saysWhatIsWrongAndLeavesAnEarlierReport() throws Exception {
        assertThatThrownBy(() -> new Report(folder).write())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("is no comparison and no finished run");
        HandMade.comparison(folder);
        HandMade.weights(Comparison.folder(folder, new PlannedRun(HandMade.FLIPOUT, 0.99, "", 1)));
        String before = Files.readString(new Report(folder).write().get(0));
        assertThatThrownBy(() -> new Report(folder).optSparsity(0.5).write())
                .hasMessage("There are no runs at --sparsity 0.5; there are 0.75, 0.9, 0.99.");
        assertThatThrownBy(() -> new Report(folder).optLayer("third.weight").write())
                .hasMessage(
                        "There is no --layer 'third.weight'; there are first.weight,"
                                + " second.weight.");
        assertThat(folder.resolve(RunFolder.PAGE)).hasContent(before);
        try (Stream<Path> entries = Files.list(folder)) {
            assertThat(entries.map(entry -> entry.getFileName().toString()))
                    .containsExactlyInAnyOrder(
                            "comparison.yaml", "runs", "report.html", "results.csv", "figures");
        }
        Path empty = Files.createDirectory(folder.resolve("empty"));
        Comparison.read(folder).write(empty);
        assertThatThrownBy(() -> new Report(empty).write())
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("has finished yet");
    }
}
