package io.flipout.cli.comparison;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVRecord;

/**
 * A number that was published: an accuracy of Apostol et al., <a
 * href="https://arxiv.org/abs/2009.02594">FlipOut: Uncovering Redundant Weights via Sign
 * Flipping</a>, 2020, or of the results in its authors' repository.
 *
 * <p>Of Hoyer-Square, which aims at no sparsity, it is what lies between two of their runs.
 *
 * @param mean the mean accuracy of three seeds, of one for Hoyer-Square, in [0, 1]
 * @param deviation the sample standard deviation; NaN where none was published
 */
public record Published(double mean, double deviation) {

    private static final List<CSVRecord> ROWS = rows();

    private static List<CSVRecord> rows() {
        try (BufferedReader file =
                new BufferedReader(
                        new InputStreamReader(
                                Published.class.getResourceAsStream("published.csv"),
                                StandardCharsets.UTF_8))) {
            return CSVFormat.DEFAULT
                    .builder()
                    .setHeader()
                    .setSkipHeaderRecord(true)
                    .get()
                    .parse(file)
                    .getRecords();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Finds what was published of an arm on a comparison's network and data set.
     *
     * @param comparison the comparison; how long it trains does not matter
     * @param arm the arm
     * @param sparsity the sparsity; 0 for the dense network
     * @return the number; empty where none was published
     */
    public static Optional<Published> find(Comparison comparison, Arm arm, double sparsity) {
        if (comparison.options().containsKey("width")) {
            return Optional.empty();
        }
        List<CSVRecord> rows =
                ROWS.stream()
                        .filter(row -> row.get("model").equals(comparison.options().get("model")))
                        .filter(
                                row ->
                                        row.get("dataset")
                                                .equals(comparison.options().get("dataset")))
                        .filter(
                                row ->
                                        row.get("measure")
                                                .equalsIgnoreCase(comparison.measure().name()))
                        .filter(row -> row.get("method").equals(arm.label()))
                        .toList();
        if (arm.sweep() != null) {
            TradeOff tradeOff = new TradeOff();
            rows.forEach(
                    row -> tradeOff.add(number(row, "sparsity"), number(row, "accuracy") / 100));
            OptionalDouble between = tradeOff.at(sparsity);
            return between.isPresent()
                    ? Optional.of(new Published(between.getAsDouble(), Double.NaN))
                    : Optional.empty();
        }
        return rows.stream()
                .filter(row -> Sparsities.isSame(number(row, "sparsity"), sparsity))
                .findFirst()
                .map(
                        row ->
                                new Published(
                                        number(row, "accuracy") / 100,
                                        number(row, "deviation") / 100));
    }

    private static double number(CSVRecord row, String column) {
        return row.get(column).isEmpty() ? Double.NaN : Double.parseDouble(row.get(column));
    }
}
