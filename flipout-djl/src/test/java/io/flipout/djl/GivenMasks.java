package io.flipout.djl;

import io.flipout.criterion.Criterion;
import io.flipout.criterion.TensorView;
import io.flipout.method.PruningMethod;
import java.util.Map;

/** Prunes the weights that these masks have pruned, if their number is the same. */
record GivenMasks(Map<String, byte[]> masks) implements PruningMethod {

    @Override
    public String name() {
        return "given";
    }

    @Override
    public Criterion criterion() {
        return (TensorView tensor) -> {
            byte[] alive = masks.get(tensor.info().path());
            double[] scores = new double[alive.length];
            for (int i = 0; i < scores.length; i++) {
                scores[i] = alive[i];
            }
            return scores;
        };
    }
}
