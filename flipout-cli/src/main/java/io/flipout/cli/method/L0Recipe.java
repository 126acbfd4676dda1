package io.flipout.cli.method;

import io.flipout.cli.comparison.Arm.Sweep;
import io.flipout.method.L0Regularization;
import io.flipout.method.PruningMethod;
import java.util.List;
import picocli.CommandLine.Option;

/** {@code l0}: {@link L0Regularization}. */
final class L0Recipe implements LearnedRecipe {

    /** What gates are shared by. */
    private enum Gates {
        WEIGHT,
        NEURON
    }

    @Option(
            names = "--l0-strength",
            paramLabel = "LAMBDA",
            defaultValue = "10",
            description =
                    "Strength of l0's regulariser, of which each weight counts LAMBDA/images: it"
                            + " decides how many weights go (default: ${DEFAULT-VALUE}).")
    private double strength;

    @Option(
            names = "--l0-gates",
            paramLabel = "weight|neuron",
            defaultValue = "weight",
            description =
                    "What has a gate of its own in l0: each weight, or each input neuron of a linear"
                            + " layer and filter of a convolution (default: ${DEFAULT-VALUE}).")
    private Gates gates;

    @Option(
            names = "--l0-drop",
            paramLabel = "SHARE",
            defaultValue = "0.5",
            description =
                    "Share of the weights that l0's gates drop at first (default:"
                            + " ${DEFAULT-VALUE}).")
    private double dropped;

    @Option(
            names = "--l0-temperature",
            paramLabel = "BETA",
            defaultValue = "0.6666666666666666",
            description =
                    "Temperature of l0's gates: the lower, the more of them are 0 or 1 (default:"
                            + " ${DEFAULT-VALUE}).")
    private double temperature;

    @Option(
            names = "--l0-stretch",
            paramLabel = "GAMMA,ZETA",
            split = ",",
            defaultValue = "-0.1,1.1",
            description =
                    "What l0's gates are stretched to, before they are cut off at 0 and 1 (default:"
                            + " ${DEFAULT-VALUE}).")
    private List<Double> stretch;

    @Override
    public String name() {
        return "l0";
    }

    @Override
    public String optimizer() {
        return "adam";
    }

    @Override
    public PruningMethod method(SharedOptions shared) {
        if (stretch.size() != 2) {
            throw new IllegalArgumentException("--l0-stretch takes two numbers, such as -0.1,1.1.");
        }
        return L0Regularization.builder()
                .setStrength(strength)
                .setExamples(shared.examples())
                .optTemperature(temperature)
                .optStretch(stretch.get(0), stretch.get(1))
                .optDropped(dropped)
                .optGatesOfNeurons(gates == Gates.NEURON)
                .build();
    }

    @Override
    public Sweep strengths() {
        return new Sweep("l0-strength", List.of("0.3", "1", "2", "3", "5", "10"));
    }
}
