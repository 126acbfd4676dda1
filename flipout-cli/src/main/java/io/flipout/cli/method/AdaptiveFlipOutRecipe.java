package io.flipout.cli.method;

import io.flipout.method.AdaptiveFlipOut;
import io.flipout.method.PruningMethod;
import java.util.HashMap;
import java.util.Map;

/**
 * {@code flipout-adaptive}: {@link AdaptiveFlipOut}, with the power of {@code flipout} and the
 * exchange of {@code rigl}, which fades until the training ends; without it where what is pruned
 * has to stay so.
 */
final class AdaptiveFlipOutRecipe implements Recipe {

    private static final long PERIOD = 100;
    private static final double REWIRING = 1;

    private final FlipOutRecipe flipout;
    private final RigLRecipe rigl;

    AdaptiveFlipOutRecipe(FlipOutRecipe flipout, RigLRecipe rigl) {
        this.flipout = flipout;
        this.rigl = rigl;
    }

    @Override
    public String name() {
        return "flipout-adaptive";
    }

    @Override
    public boolean takesOptionsOf(Recipe other) {
        return other == this || other == flipout || other == rigl;
    }

    @Override
    public PruningMethod method(SharedOptions shared) {
        AdaptiveFlipOut.Builder builder =
                rigl.with(
                                AdaptiveFlipOut.builder().setSteps(Math.max(1, shared.steps())),
                                shared,
                                PERIOD,
                                REWIRING)
                        .optP(flipout.p())
                        .optFlipOffset(flipout.flipOffset());
        if (shared.keepsPruned()) {
            builder.optShare(0);
        }
        return builder.build();
    }

    @Override
    public Map<String, String> lengthened(SharedOptions shared, int epochs, int more) {
        Map<String, String> times = new HashMap<>(shared.timesOf(epochs));
        times.putAll(rigl.untilThen());
        return times;
    }
}
