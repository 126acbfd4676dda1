package io.flipout.djl;

import ai.djl.ndarray.NDArray;
import ai.djl.training.optimizer.Optimizer;

/** Hides that an optimizer could take a whole step, so that DJL hands over one by one. */
public class OneByOne extends Optimizer {

    private final Optimizer base;

    public OneByOne(Optimizer base) {
        super(new Nothing());
        this.base = base;
    }

    @Override
    public void update(String parameterId, NDArray weight, NDArray gradient) {
        base.update(parameterId, weight, gradient);
    }

    /** What the superclass wants to be built from. */
    public static final class Nothing extends OptimizerBuilder<Nothing> {

        @Override
        protected Nothing self() {
            return this;
        }
    }
}
