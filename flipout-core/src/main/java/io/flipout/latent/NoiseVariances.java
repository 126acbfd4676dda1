package io.flipout.latent;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import io.flipout.mask.ParameterInfo;
import io.flipout.tensor.ElementaryFunctions;
import java.util.Arrays;

/**
 * Weights with noise of a learned variance, {@code w = θ + σ·ε}, ε ~ N(0, 1) drawn for every step;
 * ln σ² is learned. With α = σ²/θ², the regulariser is {@code 1/N·Σ KL(ln α)}, the approximation of
 * the distance from a log-uniform prior {@code KL(x) = k₁ − k₁·sigmoid(k₂ + k₃·x) + ½·ln(1 +
 * e^−x)}, k₁ = .63576, k₂ = 1.8732, k₃ = 1.48695. ln α is cut off at ±8, beyond which KL has no
 * gradient. At test time the weight is θ, and 0 where ln α reaches a threshold.
 *
 * @param penalty the strength of the regulariser in full, 1/N, at least 0
 * @param from steps without the regulariser, at least 0
 * @param until steps after which it is in full strength, which rises evenly in between; at least
 *     those without it
 * @param threshold ln α from which on weights are 0 at test time
 * @param first ln σ² at first
 */
public record NoiseVariances(double penalty, long from, long until, double threshold, double first)
        implements Reparameterization {

    private static final double K1 = .63576;
    private static final double K2 = 1.8732;
    private static final double K3 = 1.48695;

    /** ln α is cut off here, and at its negative. */
    private static final double CUT = 8;

    /**
     * Creates the noise.
     *
     * @throws IllegalArgumentException if a value is out of its range
     */
    public NoiseVariances {
        if (!(penalty >= 0 && Double.isFinite(penalty))) {
            throw new IllegalArgumentException(
                    "The strength of variational dropout must be a number of at least 0, got "
                            + penalty);
        }
        if (from < 0 || until < from) {
            throw new IllegalArgumentException(
                    "The regulariser of variational dropout rises from a step of at least 0 to one"
                            + " not before it, got "
                            + from
                            + " and "
                            + until);
        }
        if (!(threshold > -CUT && threshold <= CUT)) {
            throw new IllegalArgumentException(
                    "The threshold of variational dropout, a value of ln α, must lie in (-8, 8],"
                            + " got "
                            + threshold);
        }
        if (!Double.isFinite(first)) {
            throw new IllegalArgumentException(
                    "ln σ² of variational dropout must be a number at first, got " + first);
        }
    }

    /** {@inheritDoc} */
    @Override
    public Draw draws() {
        return Draw.NORMAL;
    }

    /** {@inheritDoc} */
    @Override
    public float[] first(ParameterInfo info, int count, long seed) {
        float[] variances = new float[count];
        Arrays.fill(variances, (float) first);
        return variances;
    }

    /** Returns the strength of the regulariser after so many steps. */
    double strength(long steps) {
        if (steps >= until) {
            return penalty;
        }
        return steps <= from ? 0 : penalty * (steps - from) / (until - from);
    }

    private static double sigmoid(double x) {
        return 1 / (1 + Math.exp(-x));
    }

    /**
     * Returns KL(ln α).
     *
     * @param logAlpha ln α, cut off at ±8
     * @return the regulariser of a weight
     */
    static double divergence(double logAlpha) {
        double x = Math.min(CUT, Math.max(-CUT, logAlpha));
        return K1 - K1 * sigmoid(K2 + K3 * x) + .5 * Math.log1p(Math.exp(-x));
    }

    /** Returns the derivative of KL, and 0 where ln α is cut off. */
    private static float derivative(float x) {
        if (!(x > -CUT && x < CUT)) {
            return 0;
        }
        float share = ElementaryFunctions.sigmoid((float) (K2 + K3 * x));
        return (float) (-K1 * K3 * share * (1 - share) - .5 * ElementaryFunctions.sigmoid(-x));
    }

    /** Makes σ·ε of ε. */
    @Override
    public void draw(LatentPiece piece) {
        float[] noise = piece.drawn();
        float[] logVariance = piece.auxiliary();
        for (int i = 0; i < piece.size(); i++) {
            noise[i] *= ElementaryFunctions.exp(.5f * logVariance[i]);
        }
    }

    /** {@inheritDoc} */
    @Override
    public NDArray draw(NDArray auxiliary, NDArray random) {
        return auxiliary.mul(.5).exp().muli(random);
    }

    /** {@inheritDoc} */
    @Override
    public void train(LatentPiece piece) {
        float[] weights = piece.weights();
        float[] latent = piece.latent();
        float[] noise = piece.drawn();
        for (int i = 0; i < piece.size(); i++) {
            weights[i] = latent[i] + noise[i];
        }
    }

    /** {@inheritDoc} */
    @Override
    public NDArray train(NDArray latent, NDArray auxiliary, NDArray drawn) {
        return latent.add(drawn);
    }

    /** {@inheritDoc} */
    @Override
    public void test(LatentPiece piece) {
        float[] weights = piece.weights();
        float[] latent = piece.latent();
        float[] logVariance = piece.auxiliary();
        float bound = (float) threshold;
        for (int i = 0; i < piece.size(); i++) {
            float weight = latent[i];
            // NaN stays to be seen.
            weights[i] = logVariance[i] - logOfSquare(weight) >= bound ? 0 : weight;
        }
    }

    /** {@inheritDoc} */
    @Override
    public NDArray test(NDArray latent, NDArray auxiliary) {
        NDArray isPruned =
                logAlpha(latent, auxiliary).gte(threshold); // Not so of NaN, which stays.
        return NDArrays.where(isPruned, latent.zerosLike(), latent);
    }

    private static float logOfSquare(float weight) {
        return 2 * ElementaryFunctions.log(Math.abs(weight));
    }

    private static NDArray logAlpha(NDArray latent, NDArray auxiliary) {
        return auxiliary.sub(latent.abs().log().muli(2));
    }

    /** {@code ∂w/∂ln σ² = σ·ε/2, ∂ln α/∂ln σ² = 1, ∂ln α/∂θ = −2/θ}. */
    @Override
    public void carry(LatentPiece piece, long step) {
        float strength = (float) strength(step);
        float[] gradients = piece.gradients();
        float[] slopes = piece.slopes();
        float[] latent = piece.latent();
        float[] logVariance = piece.auxiliary();
        float[] noise = piece.drawn();
        for (int i = 0; i < piece.size(); i++) {
            slopes[i] = .5f * gradients[i] * noise[i];
        }
        for (int i = 0; strength > 0 && i < piece.size(); i++) {
            float weight = latent[i];
            float rises = strength * derivative(logVariance[i] - logOfSquare(weight));
            if (rises != 0) { // It is 0 for a weight of 0.
                gradients[i] -= 2 * rises / weight;
                slopes[i] += rises;
            }
        }
    }

    /** {@inheritDoc} */
    @Override
    public NDArray carry(
            NDArray latent, NDArray auxiliary, NDArray drawn, NDArray gradients, long step) {
        NDArray slopes = gradients.mul(drawn).muli(.5);
        double strength = strength(step);
        if (strength > 0) {
            NDArray logAlpha = logAlpha(latent, auxiliary);
            NDArray isInside = logAlpha.abs().lt(CUT);
            NDArray x = logAlpha.clip(-CUT, CUT);
            NDArray share = x.mul(K3).addi(K2).neg().exp().addi(1).pow(-1);
            NDArray first = share.neg().addi(1).muli(share).muli(-K1 * K3);
            NDArray second = x.exp().addi(1).pow(-1).muli(.5);
            NDArray rises = first.subi(second).muli(strength).muli(isInside);
            slopes.addi(rises);
            NDArray falls = rises.mul(2).divi(latent);
            // Of a weight of 0 it is 0/0.
            gradients.subi(NDArrays.where(isInside, falls, falls.zerosLike()));
        }
        return slopes;
    }
}
