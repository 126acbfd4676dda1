package io.flipout.cli.method;

import io.flipout.cli.comparison.Arm.Sweep;
import io.flipout.method.PruningMethod;
import io.flipout.method.VariationalDropout;
import io.flipout.schedule.Schedule;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Option;

/** {@code variational-dropout}: {@link VariationalDropout}. */
final class VariationalDropoutRecipe implements LearnedRecipe {

    /** The authors' code has the regulariser in full after 20 of 200 epochs, from 5 on. */
    private static final double WARM_UP = 0.1;

    private static final int WITHOUT = 4;

    @Option(
            names = "--vd-strength",
            paramLabel = "LAMBDA",
            defaultValue = "1",
            description =
                    "What variational-dropout's regulariser counts, which decides how many weights"
                            + " go (default: ${DEFAULT-VALUE}, the paper's).")
    private double strength;

    @Option(
            names = "--vd-threshold",
            paramLabel = "T",
            defaultValue = "3",
            description =
                    "Logarithm of noise over weight from which on variational-dropout prunes a"
                            + " weight (default: ${DEFAULT-VALUE}).")
    private double threshold;

    @Option(
            names = "--vd-variance",
            paramLabel = "LOG",
            defaultValue = "-10",
            description =
                    "Logarithm of the variance that variational-dropout begins with (default:"
                            + " ${DEFAULT-VALUE}).")
    private double logVariance;

    @Option(
            names = "--vd-warm-up",
            paramLabel = "N",
            description =
                    "Epochs after which variational-dropout's regulariser counts in full; for the"
                            + " first quarter of them not at all (default: a tenth of --epochs).")
    private Double warmUp;

    @Override
    public String name() {
        return "variational-dropout";
    }

    @Override
    public String optimizer() {
        return "adam";
    }

    @Override
    public PruningMethod method(SharedOptions shared) {
        if (warmUp != null && !(warmUp >= 0 && Double.isFinite(warmUp))) {
            throw new IllegalArgumentException(
                    "--vd-warm-up must be a number of epochs of at least 0, got " + warmUp + ".");
        }
        double epochs = warmUp == null ? 0 : warmUp;
        long until = Math.round(epochs * shared.stepsPerEpoch());
        return VariationalDropout.builder()
                .setExamples(shared.examples())
                .optStrength(strength)
                .optThreshold(threshold)
                .optLogVariance(logVariance)
                .optWarmUp(until / WITHOUT, until)
                .build();
    }

    @Override
    public Schedule schedule(SharedOptions shared, int epochs) {
        if (warmUp == null) {
            warmUp = WARM_UP * epochs;
        }
        return LearnedRecipe.super.schedule(shared, epochs);
    }

    /** The regulariser has come to its strength when it did. */
    @Override
    public Map<String, String> lengthened(SharedOptions shared, int epochs, int more) {
        return Map.of("vd-warm-up", Double.toString(warmUp));
    }

    @Override
    public Sweep strengths() {
        return new Sweep("vd-strength", List.of("0.03", "0.1", "0.3", "1", "3", "10"));
    }
}
