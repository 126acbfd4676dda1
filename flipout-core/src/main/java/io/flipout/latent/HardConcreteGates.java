package io.flipout.latent;

import ai.djl.ndarray.NDArray;
import io.flipout.mask.ParameterInfo;
import io.flipout.tensor.ElementaryFunctions;
import io.flipout.tensor.NormalNumbers;
import io.flipout.tensor.Randoms;

/**
 * Weights times gates, {@code w = θ·z}. A gate is drawn for every step from the hard concrete
 * distribution, {@code s = σ((ln u − ln(1 − u) + ln α)/β), z = min(1, max(0, s·(ζ − γ) + γ))}, u
 * even between 0 and 1, and ln α is learned. At test time {@code z = min(1, max(0, σ(ln α)·(ζ − γ)
 * + γ))}, which is 0 up to {@code ln α = ln(−γ/ζ)}.
 *
 * <p>The regulariser is {@code λ/N·Σ P(z > 0)} over all weights, {@code P(z > 0) = σ(ln α −
 * β·ln(−γ/ζ))}. As in the authors' code, u keeps 1e-6 from 0 and 1, ln α stays in [ln .01, ln 100],
 * and begins at the logit of what is to be open, with a deviation of .01.
 *
 * @param penalty λ/N, at least 0
 * @param temperature β, greater than 0
 * @param gamma γ, less than 0
 * @param zeta ζ, greater than 1
 * @param dropped the share of weights that the gates drop at first, in (0, 1)
 * @param ofNeurons whether a gate is shared by the weights of an input neuron, or of a
 *     convolution's filter
 */
public record HardConcreteGates(
        double penalty,
        double temperature,
        double gamma,
        double zeta,
        double dropped,
        boolean ofNeurons)
        implements Reparameterization {

    /** Names the stream of random numbers that gates begin with. */
    private static final long STREAM = 0x10;

    private static final float EDGE = 1e-6f;

    /** Times this any number between 0 and 1 that a gate can be is at least 1. */
    private static final float HUGE = 1e30f;

    private static final double SPREAD = .01;
    private static final float LEAST = (float) Math.log(.01);
    private static final float MOST = (float) Math.log(100);

    /**
     * Creates the gates.
     *
     * @throws IllegalArgumentException if a value is out of its range
     */
    public HardConcreteGates {
        if (!(penalty >= 0 && Double.isFinite(penalty))) {
            throw new IllegalArgumentException(
                    "The strength of L0 must be a number of at least 0, got " + penalty);
        }
        if (!(temperature > 0 && Double.isFinite(temperature))) {
            throw new IllegalArgumentException(
                    "The temperature β of L0's gates must be a number greater than 0, got "
                            + temperature);
        }
        if (!(gamma < 0 && zeta > 1 && Double.isFinite(zeta - gamma))) {
            throw new IllegalArgumentException(
                    "L0's gates are stretched from γ < 0 to ζ > 1, so that they can be 0 and 1; got"
                            + " γ = "
                            + gamma
                            + " and ζ = "
                            + zeta);
        }
        if (!(dropped > 0 && dropped < 1)) {
            throw new IllegalArgumentException(
                    "The share of weights that L0's gates drop at first must lie in (0, 1), got "
                            + dropped);
        }
    }

    /** {@inheritDoc} */
    @Override
    public Draw draws() {
        return Draw.UNIFORM;
    }

    /** {@inheritDoc} */
    @Override
    public Sharing sharing(ParameterInfo info) {
        return ofNeurons ? Sharing.ofNeurons(info) : Sharing.NONE;
    }

    /** {@inheritDoc} */
    @Override
    public float[] first(ParameterInfo info, int count, long seed) {
        float[] gates = new float[count];
        new NormalNumbers(Randoms.key(seed, STREAM, info.index())).fill(gates, count);
        double open = Math.log(1 - dropped) - Math.log(dropped);
        for (int i = 0; i < count; i++) {
            gates[i] = (float) (open + SPREAD * gates[i]);
        }
        return gates;
    }

    private double width() {
        return zeta - gamma;
    }

    /** Returns β·ln(−γ/ζ). */
    private double offset() {
        return temperature * Math.log(-gamma / zeta);
    }

    private static float stretched(float share, float width, float least) {
        // Without branches, which would be mispredicted half of the time; NaN stays to be seen.
        return Math.min(1, Math.max(0, share * width + least));
    }

    /** {@inheritDoc} */
    @Override
    public void draw(LatentPiece piece) {
        float[] gates = piece.drawn();
        float[] logAlpha = piece.auxiliary();
        float width = (float) width();
        float least = (float) gamma;
        float sharpness = (float) (1 / temperature);
        for (int i = 0; i < piece.size(); i++) {
            float u = Math.min(1 - EDGE, Math.max(EDGE, gates[i]));
            gates[i] = ElementaryFunctions.log(u / (1 - u));
        }
        // Two short loops, as a processor looks only so far ahead for work that need not wait.
        for (int i = 0; i < piece.size(); i++) {
            float share = ElementaryFunctions.sigmoid((gates[i] + logAlpha[i]) * sharpness);
            gates[i] = stretched(share, width, least);
        }
    }

    /** {@inheritDoc} */
    @Override
    public NDArray draw(NDArray auxiliary, NDArray random) {
        NDArray u = random.clip(EDGE, 1 - EDGE);
        NDArray x = u.log().subi(u.neg().addi(1).log()).addi(auxiliary);
        return stretched(x.divi(temperature));
    }

    private NDArray stretched(NDArray x) {
        return sigmoid(x).muli(width()).addi(gamma).clip(0, 1);
    }

    private static NDArray sigmoid(NDArray x) {
        return x.neg().exp().addi(1).pow(-1);
    }

    /** {@inheritDoc} */
    @Override
    public void train(LatentPiece piece) {
        float[] weights = piece.weights();
        float[] latent = piece.latent();
        float[] gates = piece.drawn();
        for (int i = 0; i < piece.size(); i++) {
            weights[i] = latent[i] * gates[i];
        }
    }

    /** {@inheritDoc} */
    @Override
    public NDArray train(NDArray latent, NDArray auxiliary, NDArray drawn) {
        return latent.mul(drawn);
    }

    /** {@inheritDoc} */
    @Override
    public void test(LatentPiece piece) {
        float[] weights = piece.weights();
        float[] latent = piece.latent();
        float[] logAlpha = piece.auxiliary();
        float width = (float) width();
        float least = (float) gamma;
        for (int i = 0; i < piece.size(); i++) {
            weights[i] =
                    latent[i] * stretched(ElementaryFunctions.sigmoid(logAlpha[i]), width, least);
        }
    }

    /** {@inheritDoc} */
    @Override
    public NDArray test(NDArray latent, NDArray auxiliary) {
        return stretched(auxiliary).muli(latent);
    }

    /** By a weight the gradient of its gate is g·θ. */
    @Override
    public void carry(LatentPiece piece, long step) {
        float[] gradients = piece.gradients();
        float[] slopes = piece.slopes();
        float[] latent = piece.latent();
        float[] gates = piece.drawn();
        for (int i = 0; i < piece.size(); i++) {
            slopes[i] = gradients[i] * latent[i];
            gradients[i] *= gates[i];
        }
    }

    /** {@inheritDoc} */
    @Override
    public NDArray carry(
            NDArray latent, NDArray auxiliary, NDArray drawn, NDArray gradients, long step) {
        NDArray slopes = gradients.mul(latent);
        gradients.muli(drawn);
        return slopes;
    }

    /** With z = s·(ζ − γ) + γ inside of 0 and 1, {@code ∂z/∂ln α = (ζ − γ)·s·(1 − s)/β}. */
    @Override
    public void complete(LatentPiece piece) {
        float perWidth = (float) (1 / width());
        float least = (float) gamma;
        float steepness = (float) (width() / temperature);
        float offset = (float) offset();
        float strength = (float) (penalty * piece.share());
        float[] slopes = piece.slopes();
        float[] gates = piece.drawn();
        float[] logAlpha = piece.auxiliary();
        for (int i = 0; i < piece.size(); i++) {
            float gate = gates[i];
            float share = (gate - least) * perWidth;
            float isInside = Math.min(1, Math.min(gate, 1 - gate) * HUGE); // 1, at 0 and 1 it is 0.
            slopes[i] *= isInside * steepness * share * (1 - share);
        }
        for (int i = 0; i < piece.size(); i++) {
            float open = ElementaryFunctions.sigmoid(logAlpha[i] - offset);
            slopes[i] += strength * open * (1 - open);
        }
    }

    /** {@inheritDoc} */
    @Override
    public NDArray complete(NDArray auxiliary, NDArray drawn, NDArray slopes, NDArray shares) {
        NDArray share = drawn.sub(gamma).divi(width());
        NDArray slope = share.neg().addi(1).muli(share).muli(width() / temperature);
        NDArray isInside = drawn.gt(0).logicalAnd(drawn.lt(1));
        NDArray open = sigmoid(auxiliary.sub(offset()));
        NDArray rises = open.neg().addi(1).muli(open).muli(shares).muli(penalty);
        return slope.muli(isInside).muli(slopes).addi(rises);
    }

    /** {@inheritDoc} */
    @Override
    public void bound(LatentPiece piece) {
        float[] gates = piece.auxiliary();
        for (int i = 0; i < piece.size(); i++) {
            gates[i] = Math.min(MOST, Math.max(LEAST, gates[i])); // NaN stays to be seen.
        }
    }

    /** {@inheritDoc} */
    @Override
    public NDArray bound(NDArray auxiliary) {
        return auxiliary.clip(LEAST, MOST);
    }
}
