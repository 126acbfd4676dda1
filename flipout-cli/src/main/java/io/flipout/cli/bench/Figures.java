package io.flipout.cli.bench;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.Arrays;
import java.util.Map;
import picocli.CommandLine.Model.CommandSpec;

/** What a benchmark says: a JSON object a line. */
final class Figures {

    private static final ObjectMapper JSON = new ObjectMapper();

    private Figures() {}

    /** Prints one result. */
    static void print(CommandSpec spec, Map<String, Object> result) throws JsonProcessingException {
        spec.commandLine().getOut().println(JSON.writeValueAsString(result));
        spec.commandLine().getOut().flush();
    }

    /** The median, to four digits: a machine repeats no more. */
    static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        int middle = sorted.length / 2;
        double median =
                sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
        return rounded(median);
    }

    /** The least value that so many percent of all do not exceed. */
    static double percentile(double[] values, int percent) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted[(percent * sorted.length + 99) / 100 - 1];
    }

    /** To four digits. */
    static double rounded(double value) {
        return rounded(value, 4);
    }

    /** To so many digits. */
    static double rounded(double value, int digits) {
        return Double.isFinite(value)
                ? new BigDecimal(value).round(new MathContext(digits)).doubleValue()
                : value;
    }
}
