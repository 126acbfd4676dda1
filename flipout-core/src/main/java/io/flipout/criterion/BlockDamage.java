package io.flipout.criterion;

import io.flipout.signal.BlockFisher;

/**
 * The damage of pruning a weight where the others of its block make up for it, to second order at a
 * minimum of the loss: {@code s = θ² / (2·[F⁻¹]_qq)}, F the damped Fisher information of the block
 * in the place of the Hessian.
 *
 * <p>The optimal brain surgeon prunes the weight of least damage, moves the others, and judges
 * these anew. So here: θ and F⁻¹ are those of when the weight's turn in its block comes. Of two
 * weights that make up for each other, only the first does little damage; by damages that are all
 * of before the pruning both would go. A weight whose damage is less once others are gone goes
 * after them all the same.
 */
public final class BlockDamage implements Criterion {

    /** Creates the criterion. */
    public BlockDamage() {}

    /** {@inheritDoc} */
    @Override
    public double[] score(TensorView tensor) {
        return tensor.watch(BlockFisher.Blocks.class).damages(tensor.weights());
    }
}
