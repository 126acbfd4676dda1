package io.flipout.cli.method;

import io.flipout.method.MagnitudeUncertainty;
import io.flipout.method.PruningMethod;
import picocli.CommandLine.Option;

/** {@code magnitude-uncertainty}: {@link MagnitudeUncertainty}. */
final class MagnitudeUncertaintyRecipe implements Recipe {

    @Option(
            names = "--uncertainty-values",
            paramLabel = "N",
            defaultValue = "10",
            description =
                    "Last values of a weight that magnitude-uncertainty takes the deviation of; no"
                            + " number is published (default: ${DEFAULT-VALUE}).")
    private int values;

    @Option(
            names = "--uncertainty-lambda",
            paramLabel = "LAMBDA",
            defaultValue = "1e-5",
            description =
                    "What magnitude-uncertainty adds to the deviation; 0 is the Wald statistic, no"
                            + " number is published (default: ${DEFAULT-VALUE}).")
    private double lambda;

    @Option(
            names = "--uncertainty-every",
            paramLabel = "N",
            defaultValue = "1",
            description =
                    "Steps from one record of the weights to the next for magnitude-uncertainty"
                            + " (default: ${DEFAULT-VALUE}).")
    private int every;

    @Override
    public String name() {
        return "magnitude-uncertainty";
    }

    @Override
    public PruningMethod method(SharedOptions shared) {
        return MagnitudeUncertainty.builder()
                .setValues(values)
                .setLambda(lambda)
                .optEvery(every)
                .build();
    }
}
