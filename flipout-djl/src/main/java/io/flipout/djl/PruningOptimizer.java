package io.flipout.djl;

import ai.djl.ndarray.NDArray;
import ai.djl.training.optimizer.Optimizer;
import io.flipout.djl.training.ParameterGradient;
import io.flipout.djl.training.StepOptimizer;
import java.util.List;

/** The optimizer that DJL sees: the user's own, with pruning around every update. */
final class PruningOptimizer extends Optimizer implements StepOptimizer {

    private final PruningRun run;
    private final Optimizer base;

    PruningOptimizer(PruningRun run, Optimizer base) {
        super(new Unused());
        this.run = run;
        this.base = base;
        run.optimizeWith(base);
    }

    /** Tells whether a run wraps an optimizer already, at whatever depth. */
    static boolean isWrapped(Optimizer optimizer, PruningRun by) {
        return optimizer instanceof PruningOptimizer wrapped
                && (wrapped.run == by || isWrapped(wrapped.base, by));
    }

    @Override
    public void update(String parameterId, NDArray weight, NDArray grad) {
        run.update(parameterId, weight, grad, base);
    }

    @Override
    public void step(List<ParameterGradient> step) {
        run.step(step, base);
    }

    /** What the superclass wants to be built from; the base optimizer has its own settings. */
    private static final class Unused extends OptimizerBuilder<Unused> {

        @Override
        protected Unused self() {
            return this;
        }
    }
}
