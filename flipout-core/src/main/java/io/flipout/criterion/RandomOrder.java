package io.flipout.criterion;

import io.flipout.tensor.Chunks;
import io.flipout.tensor.Randoms;
import java.util.SplittableRandom;

/** Scores weights at random, so that every set of weights is as likely to be pruned as another. */
public final class RandomOrder implements Criterion {

    /** Creates the criterion. */
    public RandomOrder() {}

    /** {@inheritDoc} */
    @Override
    public double[] score(TensorView tensor) {
        double[] scores = new double[tensor.mask().size()];
        Chunks.forEach(
                scores.length,
                (chunk, from, to) -> {
                    SplittableRandom random =
                            Randoms.stream(tensor.seed(), tensor.info().index(), chunk);
                    for (int i = from; i < to; i++) {
                        scores[i] = random.nextDouble();
                    }
                });
        return scores;
    }
}
