package io.flipout.method;

import io.flipout.criterion.Criterion;
import io.flipout.criterion.MovementScore;
import io.flipout.signal.Movement;
import io.flipout.signal.Signal;
import java.util.List;

/**
 * Movement pruning: keeps the weights that training moves away from 0 and prunes those that it
 * moves towards it, by {@code S = −Σ g·θ} over all steps so far.
 *
 * <p>Sanh, Wolf and Rush, <a href="https://arxiv.org/abs/2005.07683">Movement Pruning: Adaptive
 * Sparsity by Fine-Tuning</a>, 2020, in its hard form. S is what their straight-through gradient
 * comes to for the scores, a learning rate of which would change no order. It is summed for pruned
 * weights too, and each pruning ranks all weights anew, so that they may come back as they were;
 * the paper chooses in every step, here it is at the prunings that the schedule plans, and after
 * the last of them the choice is made. The schedule is {@code
 * Schedule.cubic(sparsity).between(unit, begin, end, period)}, the allocation {@code
 * Allocation.perLayer()} or global.
 *
 * <p>It takes 8 bytes a weight beside the mask, and a training step up to five passes of the engine
 * over the weights more than masking them does.
 */
public final class MovementPruning implements PruningMethod {

    /** Creates the method. */
    public MovementPruning() {}

    /** {@inheritDoc} */
    @Override
    public String name() {
        return "movement";
    }

    /** {@inheritDoc} */
    @Override
    public Criterion criterion() {
        return new MovementScore();
    }

    /** {@inheritDoc} */
    @Override
    public List<Signal> signals() {
        return List.of(new Movement());
    }
}
