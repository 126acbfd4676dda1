package io.flipout.adjustment;

import io.flipout.criterion.TensorView;
import io.flipout.signal.BlockFisher;

/**
 * Moves the weights that stay to where the damage is least, to second order: {@code δ = −F⁻¹[:,Q] ·
 * (F⁻¹[Q,Q])⁻¹ · θ_Q}, Q the weights of a block that go and F its damped Fisher information. It
 * minimises {@code δᵀ·F·δ/2} under {@code δ_Q = −θ_Q}.
 *
 * <p>For one weight that is the optimal brain surgeon's {@code −θ_q/[F⁻¹]_qq · F⁻¹·e_q}. WoodFisher
 * adds these up where several go at once, as if each went alone: the second then does not know that
 * the first is away, and what would have been put on it is lost. The form for the set is exact, and
 * computed as {@code δ_S = F_SS⁻¹ · F_SQ · θ_Q} of the weights S that stay, which is the same and
 * takes no inverse.
 */
public final class LeastDamage implements Adjustment {

    /** Creates the adjustment. */
    public LeastDamage() {}

    /** {@inheritDoc} */
    @Override
    public float[] adjust(TensorView tensor) {
        return tensor.watch(BlockFisher.Blocks.class).settle(tensor.weights(), tensor.mask());
    }
}
