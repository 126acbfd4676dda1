package io.flipout.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.Arrays;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code flipout bench}: figures, one JSON object a line, and no verdict. */
@Command(
        name = "bench",
        mixinStandardHelpOptions = true,
        description = "Measures this machine: one JSON object a line.",
        subcommands = {
            BenchStepCommand.class,
            BenchPruneCommand.class,
            BenchDataCommand.class,
            BenchExportCommand.class,
            BenchCheckpointCommand.class
        })
final class BenchCommand implements Runnable {

    private static final ObjectMapper JSON = new ObjectMapper();

    @Spec private CommandSpec spec;

    @Override
    public void run() {
        throw new ParameterException(
                spec.commandLine(),
                "Missing what to measure: one of "
                        + String.join(", ", spec.subcommands().keySet())
                        + ".");
    }

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
        return new BigDecimal(median).round(new MathContext(4)).doubleValue();
    }
}
