package io.flipout.method;

import io.flipout.criterion.Criterion;
import io.flipout.criterion.Sensitivity;
import io.flipout.signal.GradientSum;
import io.flipout.signal.Signal;
import java.util.List;

/**
 * SNIP: prunes before training, by |θ·g| of the initial weights, and trains what is left.
 *
 * <p>Lee, Ajanthan and Torr, <a href="https://arxiv.org/abs/1810.02340">SNIP: Single-shot Network
 * Pruning based on Connection Sensitivity</a>, 2019. The gradient is that of one or more batches
 * which the network is shown first ({@code Pruner.pruneBeforeTraining}), so the schedule is {@code
 * Schedule.beforeTraining(sparsity, 1)}. With more prunings than one it is the iterative form (de
 * Jorge et al., <a href="https://arxiv.org/abs/2006.09081">Progressive Skeletonization</a>, 2021),
 * which takes new gradients after each and survives sparsities at which the single shot cuts whole
 * layers off.
 *
 * <p>A training step costs the masking and nothing more.
 */
public final class Snip implements PruningMethod {

    /** Creates the method. */
    public Snip() {}

    /** {@inheritDoc} */
    @Override
    public String name() {
        return "snip";
    }

    /** {@inheritDoc} */
    @Override
    public Criterion criterion() {
        return new Sensitivity();
    }

    /** {@inheritDoc} */
    @Override
    public List<Signal> signals() {
        return List.of(new GradientSum());
    }
}
