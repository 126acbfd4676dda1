package io.flipout.criterion;

import io.flipout.signal.BlockFisher;

/**
 * The damage of pruning a weight where the others of its block make up for it, to second order at a
 * minimum of the loss: {@code s = θ² / (2·[F⁻¹]_qq)}, F the damped Fisher information of the block
 * in the place of the Hessian.
 */
public final class BlockDamage implements Criterion {

    /** Creates the criterion. */
    public BlockDamage() {}

    /** {@inheritDoc} */
    @Override
    public double[] score(TensorView tensor) {
        float[] weights = tensor.weights();
        double[] scores = tensor.watch(BlockFisher.Blocks.class).inverseDiagonal();
        for (int i = 0; i < scores.length; i++) {
            if (tensor.mask().isAlive(i)) {
                double weight = weights[i];
                scores[i] = weight * weight / (2 * scores[i]);
            }
        }
        return scores;
    }
}
