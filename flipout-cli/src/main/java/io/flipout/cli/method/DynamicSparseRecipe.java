package io.flipout.cli.method;

import io.flipout.cli.comparison.Arm.Sweep;
import io.flipout.method.DynamicSparseTraining;
import io.flipout.method.PruningMethod;
import java.util.List;
import picocli.CommandLine.Option;

/** {@code dynamic-sparse}: {@link DynamicSparseTraining}. */
final class DynamicSparseRecipe implements LearnedRecipe {

    @Option(
            names = "--dst-strength",
            paramLabel = "ALPHA",
            defaultValue = "1e-4",
            description =
                    "Strength of dynamic-sparse's regulariser, which raises the thresholds: it"
                            + " decides how many weights go (default: ${DEFAULT-VALUE}).")
    private double strength;

    @Option(
            names = "--dst-reset",
            paramLabel = "SHARE",
            defaultValue = "0",
            description =
                    "Share of a layer's weights at which dynamic-sparse sets its thresholds back to"
                            + " 0 (default: ${DEFAULT-VALUE}, where none is left; the authors'"
                            + " code 0.01).")
    private double leastKept;

    @Override
    public String name() {
        return "dynamic-sparse";
    }

    @Override
    public PruningMethod method(SharedOptions shared) {
        return DynamicSparseTraining.builder()
                .setStrength(strength)
                .optLeastKept(leastKept)
                .build();
    }

    @Override
    public Sweep strengths() {
        return new Sweep("dst-strength", List.of("3e-5", "1e-4", "3e-4", "1e-3", "3e-3", "1e-2"));
    }
}
