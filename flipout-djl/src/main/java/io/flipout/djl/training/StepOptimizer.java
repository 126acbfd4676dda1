package io.flipout.djl.training;

import java.util.List;

/** An optimizer that moves all parameters of a step at once. */
public interface StepOptimizer {

    /**
     * Takes a step.
     *
     * @param step the parameters that take part, each on all its devices
     */
    void step(List<ParameterGradient> step);
}
