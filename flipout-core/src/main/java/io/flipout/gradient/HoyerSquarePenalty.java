package io.flipout.gradient;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.flipout.mask.ParameterInfo;
import io.flipout.tensor.Chunks;
import io.flipout.tensor.DirectMemory;
import io.flipout.tensor.Scalars;
import io.flipout.tensor.TrainedTensor;
import java.nio.FloatBuffer;
import java.util.List;
import java.util.Optional;

/**
 * The gradient of the Hoyer-Square regulariser {@code α·S1²/S2} of each tensor, S1 = Σ|w| and S2 =
 * Σw²: {@code g ← g + 2α·sgn(w)·(S1/S2²)·(S2 − |w|·S1)}, in closed form, without a backward pass.
 *
 * <p>Weights under S2/S1 are drawn to 0, larger ones away from it; to the size of all weights
 * together it is blind. A tensor of zeros gets nothing. It ends with the first pruning: what is
 * left is fine-tuned without it.
 *
 * <p>In the host's memory it takes one pass over the weights and one over weights and gradient;
 * elsewhere some ten operations of the engine.
 *
 * @param strength α, greater than 0
 * @param scope which parameters are regularised
 */
public record HoyerSquarePenalty(float strength, ParameterScope scope) implements GradientTerm {

    /**
     * Creates the term.
     *
     * @throws IllegalArgumentException if α is not a positive number
     */
    public HoyerSquarePenalty {
        if (!(strength > 0) || Float.isInfinite(strength)) {
            throw new IllegalArgumentException(
                    "The strength of Hoyer-Square must be a number greater than 0,"
                            + " got "
                            + strength);
        }
    }

    /** {@inheritDoc} */
    @Override
    public Running start(List<ParameterInfo> parameters, long seed) {
        return new RunningPenalty();
    }

    private final class RunningPenalty implements Running {

        private boolean isOver;

        @Override
        public void afterPruning() {
            isOver = true;
        }

        @Override
        public void apply(TrainedTensor tensor, NDArray gradient) {
            if (isOver || (scope == ParameterScope.PRUNABLE && !tensor.info().prunable())) {
                return;
            }
            Optional<FloatBuffer> memory = DirectMemory.of(gradient);
            Optional<FloatBuffer> weights = DirectMemory.of(tensor.values());
            if (memory.isPresent() && weights.isPresent()) {
                addInPlace(weights.get(), memory.get());
            } else {
                addOnDevice(tensor.values(), gradient);
            }
        }

        /** With r = S1/S2 the gradient is 2α·r·(sgn(w) − r·w). */
        private void addInPlace(FloatBuffer weights, FloatBuffer gradient) {
            double ratio = ratio(weights);
            float towardsZero = (float) (2 * strength * ratio);
            float away = (float) (2 * strength * ratio * ratio);
            Chunks.forEach(
                    gradient,
                    (chunk, from, to, values) -> {
                        for (int i = from; i < to; i++) {
                            float weight = weights.get(i);
                            values[i - from] += towardsZero * Math.signum(weight) - away * weight;
                        }
                        return true;
                    });
        }

        /** Sums each piece by itself and the pieces in order, so that threads change nothing. */
        private static double ratio(FloatBuffer memory) {
            double[] magnitudes = new double[Chunks.count(memory.limit())];
            double[] squares = new double[magnitudes.length];
            Chunks.forEach(
                    memory,
                    (chunk, from, to, values) -> {
                        double magnitude = 0;
                        double square = 0;
                        for (int i = 0; i < to - from; i++) {
                            magnitude += Math.abs(values[i]);
                            square += (double) values[i] * values[i];
                        }
                        magnitudes[chunk] = magnitude;
                        squares[chunk] = square;
                        return false;
                    });
            double s1 = 0;
            double s2 = 0;
            for (int i = 0; i < squares.length; i++) {
                s1 += magnitudes[i];
                s2 += squares[i];
            }
            return s1 == 0 ? 0 : s1 / s2;
        }

        private void addOnDevice(NDArray weights, NDArray gradient) {
            try (NDManager scratch = weights.getManager().newSubManager();
                    NDArray magnitudes = weights.abs();
                    NDArray s1 = magnitudes.sum();
                    NDArray squares = weights.square();
                    NDArray sum = squares.sum();
                    // Of zeros, 0/s2 is 0.
                    NDArray s2 = sum.maximum(Scalars.of(Float.MIN_NORMAL, scratch));
                    NDArray ratio = s1.div(s2);
                    NDArray sign = weights.sign();
                    NDArray away = weights.mul(ratio);
                    NDArray both = sign.sub(away);
                    NDArray scaled = both.mul(ratio);
                    NDArray penalty = scaled.mul(Scalars.of(2 * strength, scratch))) {
                gradient.addi(penalty);
            }
        }
    }
}
