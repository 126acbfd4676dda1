package io.flipout.cli.report;

import io.flipout.cli.comparison.Comparison;
import io.flipout.cli.comparison.Results;
import io.flipout.cli.comparison.RunResult;
import io.flipout.cli.run.RunFolder;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A report of a comparison, or of a single run: {@code report.html}, its figures as SVG and PNG in
 * {@code figures}, and of a comparison {@code results.csv}. They are written into its folder, whole
 * or not at all, in the place of an earlier report.
 */
public final class Report {

    private static final List<String> NAMES = List.of("accuracy", "training", "layers", "flips");
    private static final List<String> ENDINGS = List.of(".svg", ".png");

    private final Path folder;
    private Optional<Double> sparsity = Optional.empty();
    private Optional<String> layer = Optional.empty();

    /**
     * Creates a report.
     *
     * @param folder the folder of a comparison or of a run
     */
    public Report(Path folder) {
        this.folder = folder;
    }

    /**
     * Sets the sparsity of the figures that show one.
     *
     * @param sparsity a sparsity of the comparison, by default the highest at which a run has
     *     finished
     * @return this report
     */
    public Report optSparsity(double sparsity) {
        this.sparsity = Optional.of(sparsity);
        return this;
    }

    /**
     * Sets the layer whose flips are shown.
     *
     * @param layer the path of a prunable parameter, by default that of the largest
     * @return this report
     */
    public Report optLayer(String layer) {
        this.layer = Optional.of(layer);
        return this;
    }

    /**
     * Writes the report.
     *
     * @return the files written, the page first
     * @throws IllegalArgumentException if the folder holds neither a comparison nor a run, or the
     *     comparison has no such sparsity or layer
     * @throws IllegalStateException if no run has finished yet, or Java finds no font to draw with
     * @throws IOException if a file cannot be read or written
     */
    public List<Path> write() throws IOException {
        System.setProperty("java.awt.headless", "true"); // Pictures need no screen.
        boolean single = !Files.exists(folder.resolve(Comparison.FILE));
        RunFolder run = new RunFolder(folder);
        if (single && !run.isFinished() && !run.isInterrupted()) {
            if (Files.exists(folder.resolve(RunFolder.CONFIG))) {
                throw run.unfinished();
            }
            throw new IllegalArgumentException(
                    folder
                            + " is no comparison and no finished run: it has neither "
                            + Comparison.FILE
                            + " nor summary.json.");
        }
        Results results =
                single ? Results.ofRun(folder) : Results.read(folder, Comparison.read(folder));
        RunResult any =
                results.runs().stream()
                        .filter(RunResult::isDone)
                        .findFirst()
                        .orElseThrow(
                                () ->
                                        new IllegalStateException(
                                                "No run of "
                                                        + folder
                                                        + " has finished yet: 'flipout compare'"
                                                        + " goes on with it."));
        Figure.checkFonts();
        List<Figure> figures = figures(results, single);
        String page = new Page(results, Summary.read(any.folder()), figures, single).html();
        Path temporary = Files.createTempDirectory(folder, ".report");
        try {
            for (Figure figure : figures) {
                Files.write(temporary.resolve(figure.name() + ".svg"), figure.svg());
                Files.write(temporary.resolve(figure.name() + ".png"), figure.png());
            }
            Files.writeString(temporary.resolve(RunFolder.PAGE), page, StandardCharsets.UTF_8);
            return place(temporary, results, single);
        } finally {
            delete(temporary);
        }
    }

    private List<Figure> figures(Results results, boolean single) throws IOException {
        Palette palette = new Palette(results.comparison().arms());
        Selection selection = Selection.of(results, sparsity);
        List<Figure> figures = new ArrayList<>();
        if (!single && !results.comparison().sparsities().isEmpty()) {
            figures.add(AccuracyFigure.draw(results, palette));
        }
        if (!selection.arms().isEmpty()) {
            figures.add(TrainingFigure.draw(selection, palette));
        }
        LayersFigure.draw(selection, palette).ifPresent(figures::add);
        FlipsFigure.draw(selection, layer).ifPresent(figures::add);
        return figures;
    }

    /** Moves what was written to its place; of an earlier report nothing is left. */
    private List<Path> place(Path temporary, Results results, boolean single) throws IOException {
        List<Path> written = new ArrayList<>();
        Files.createDirectories(folder.resolve(RunFolder.FIGURES));
        for (String name : NAMES) {
            for (String ending : ENDINGS) {
                Path from = temporary.resolve(name + ending);
                Path to = folder.resolve(RunFolder.FIGURES).resolve(name + ending);
                if (Files.exists(from)) {
                    written.add(move(from, to));
                } else {
                    Files.deleteIfExists(to);
                }
            }
        }
        if (!single) {
            results.write();
            written.add(0, folder.resolve(Results.FILE));
        }
        written.add(0, move(temporary.resolve(RunFolder.PAGE), folder.resolve(RunFolder.PAGE)));
        return written;
    }

    private static Path move(Path from, Path to) throws IOException {
        return Files.move(
                from, to, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    private static void delete(Path folder) throws IOException {
        Files.walkFileTree(
                folder,
                new SimpleFileVisitor<>() {
                    @Override
                    public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
                            throws IOException {
                        Files.delete(file);
                        return FileVisitResult.CONTINUE;
                    }

                    @Override
                    public FileVisitResult postVisitDirectory(Path visited, IOException fault)
                            throws IOException {
                        Files.delete(visited);
                        return FileVisitResult.CONTINUE;
                    }
                });
    }
}
