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
 * The gradient of the L1 regulariser {@code α·Σ|w|}: {@code g ← g + α·sgn(w)}. A weight of 0 gets
 * nothing.
 *
 * <p>In the host's memory it takes one pass over weights and gradient; elsewhere three operations
 * of the engine.
 *
 * @param strength α, greater than 0
 * @param scope which parameters are regularised
 */
public record L1Penalty(float strength, ParameterScope scope) implements GradientTerm {

    /**
     * Creates the term.
     *
     * @throws IllegalArgumentException if α is not a positive number
     */
    public L1Penalty {
        if (!(strength > 0) || Float.isInfinite(strength)) {
            throw new IllegalArgumentException(
                    "The strength of L1 must be a number greater than 0, got " + strength);
        }
    }

    /** {@inheritDoc} */
    @Override
    public Running start(List<ParameterInfo> parameters, long seed) {
        return this::add;
    }

    private void add(TrainedTensor tensor, NDArray gradient) {
        if (scope == ParameterScope.PRUNABLE && !tensor.info().prunable()) {
            return;
        }
        Optional<FloatBuffer> memory = DirectMemory.of(gradient);
        Optional<FloatBuffer> weights = DirectMemory.of(tensor.values());
        if (memory.isPresent() && weights.isPresent()) {
            FloatBuffer weight = weights.get();
            Chunks.forEach(
                    memory.get(),
                    (chunk, from, to, values) -> {
                        for (int i = from; i < to; i++) {
                            values[i - from] += strength * Math.signum(weight.get(i));
                        }
                        return true;
                    });
        } else {
            try (NDManager scratch = tensor.manager().newSubManager();
                    NDArray slope = tensor.values().sign()) {
                gradient.addi(slope.muli(Scalars.of(strength, scratch)));
            }
        }
    }
}
