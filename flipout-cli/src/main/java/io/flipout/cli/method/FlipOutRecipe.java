package io.flipout.cli.method;

import io.flipout.method.FlipOut;
import io.flipout.method.PruningMethod;
import picocli.CommandLine.Option;

/** {@code flipout}: {@link FlipOut}. */
final class FlipOutRecipe implements Recipe {

    @Option(
            names = "--p",
            paramLabel = "P",
            defaultValue = "2",
            description =
                    "Power of the magnitude of flipout and flipout-adaptive (default:"
                            + " ${DEFAULT-VALUE}).")
    private double p;

    @Option(
            names = "--flip-offset",
            paramLabel = "0|1",
            defaultValue = "1",
            description =
                    "What is added to the flips before dividing by them; 0 is the paper's printed"
                            + " formula (default: ${DEFAULT-VALUE}).")
    private int flipOffset;

    double p() {
        return p;
    }

    int flipOffset() {
        return flipOffset;
    }

    @Override
    public String name() {
        return "flipout";
    }

    @Override
    public float noise() {
        return 1;
    }

    @Override
    public boolean hasNoise() {
        return true;
    }

    @Override
    public PruningMethod method(SharedOptions shared) {
        return shared.withNoise(FlipOut.builder()).optP(p).optFlipOffset(flipOffset).build();
    }
}
