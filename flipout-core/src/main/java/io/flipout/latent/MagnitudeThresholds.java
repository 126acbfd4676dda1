package io.flipout.latent;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import io.flipout.mask.ParameterInfo;

/**
 * Weights that are 0 up to a threshold of their neuron or filter, {@code w = θ·[|θ| > t]}; t is
 * learned from 0 on. The step has the derivative H of an estimate, {@code H(x) = 2 − 4|x|} up to
 * |x| = .4, .4 up to 1 and 0 beyond, so that with Q = |θ| − t and the gradient g of w
 *
 * <pre>{@code
 * ∂L/∂θ = g·[Q > 0] + g·θ·H(Q)·sgn(θ)
 * ∂L/∂t = −Σ g·θ·H(Q) − α·e^−t
 * }</pre>
 *
 * <p>and weights below the threshold learn on, and may come back. The last term is the gradient of
 * the regulariser {@code α·Σ e^−t}. Where no more than a share of a tensor's weights is left, its
 * thresholds are set back to 0.
 *
 * @param penalty α, at least 0
 * @param leastKept the share of a tensor's weights at which its thresholds begin anew, in [0, 1): 0
 *     where none is left
 */
public record MagnitudeThresholds(double penalty, double leastKept) implements Reparameterization {

    /** Where the derivative of the step bends, and its value from there on. */
    private static final float BEND = .4f;

    /**
     * Creates the thresholds.
     *
     * @throws IllegalArgumentException if a value is out of its range
     */
    public MagnitudeThresholds {
        if (!(penalty >= 0 && Double.isFinite(penalty))) {
            throw new IllegalArgumentException(
                    "The strength α of dynamic sparse training must be a number of at least 0, got "
                            + penalty);
        }
        if (!(leastKept >= 0 && leastKept < 1)) {
            throw new IllegalArgumentException(
                    "The share of a layer at which the thresholds of dynamic sparse training begin"
                            + " anew must lie in [0, 1), got "
                            + leastKept);
        }
    }

    /** {@inheritDoc} */
    @Override
    public Sharing sharing(ParameterInfo info) {
        return Sharing.ofOutputs(info);
    }

    /** {@inheritDoc} */
    @Override
    public float[] first(ParameterInfo info, int count, long seed) {
        return new float[count];
    }

    /** {@inheritDoc} */
    @Override
    public void test(LatentPiece piece) {
        float[] weights = piece.weights();
        float[] latent = piece.latent();
        float[] thresholds = piece.auxiliary();
        for (int i = 0; i < piece.size(); i++) {
            float weight = latent[i];
            weights[i] = Math.abs(weight) - thresholds[i] <= 0 ? 0 : weight; // NaN stays.
        }
    }

    /** {@inheritDoc} */
    @Override
    public NDArray test(NDArray latent, NDArray auxiliary) {
        NDArray isPruned = latent.abs().subi(auxiliary).lte(0);
        return NDArrays.where(isPruned, latent.zerosLike(), latent);
    }

    private static float slope(float distance) {
        float x = Math.abs(distance);
        return x <= BEND ? 2 - 4 * x : x <= 1 ? BEND : 0;
    }

    /** {@inheritDoc} */
    @Override
    public void carry(LatentPiece piece, long step) {
        float[] gradients = piece.gradients();
        float[] slopes = piece.slopes();
        float[] latent = piece.latent();
        float[] thresholds = piece.auxiliary();
        for (int i = 0; i < piece.size(); i++) {
            float weight = latent[i];
            float distance = Math.abs(weight) - thresholds[i];
            float risen = gradients[i] * weight * slope(distance);
            slopes[i] = -risen;
            gradients[i] = (distance > 0 ? gradients[i] : 0) + risen * Math.signum(weight);
        }
    }

    /** {@inheritDoc} */
    @Override
    public NDArray carry(
            NDArray latent, NDArray auxiliary, NDArray drawn, NDArray gradients, long step) {
        NDArray distance = latent.abs().subi(auxiliary);
        NDArray x = distance.abs();
        // The two lines cross where the second begins.
        NDArray slope = x.mul(-4).addi(2).maximum(BEND).muli(x.lte(1));
        NDArray risen = gradients.mul(latent).muli(slope);
        gradients.muli(distance.gt(0)).addi(risen.mul(latent.sign()));
        return risen.neg();
    }

    /** {@inheritDoc} */
    @Override
    public void complete(LatentPiece piece) {
        for (int i = 0; i < piece.size(); i++) {
            piece.slopes()[i] -= (float) (penalty * Math.exp(-piece.auxiliary()[i]));
        }
    }

    /** {@inheritDoc} */
    @Override
    public NDArray complete(NDArray auxiliary, NDArray drawn, NDArray slopes, NDArray shares) {
        return slopes.subi(auxiliary.neg().exp().muli(penalty));
    }
}
