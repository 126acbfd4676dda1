package io.flipout.djl;

import io.flipout.mask.Mask;
import io.flipout.mask.ParameterInfo;
import io.flipout.mask.UnitVectors;
import java.util.Arrays;
import java.util.stream.IntStream;

/** Keeps a weight of every vector whose norm weight normalisation divides by. */
final class WeightNormalisation {

    private WeightNormalisation() {}

    /** Lets the best weight of each vector go last of all. */
    static void keepTheBest(ParameterInfo info, double[] scores, Mask mask) {
        info.unitVectors().ifPresent(vectors -> keepTheBest(vectors, scores, mask));
    }

    private static void keepTheBest(UnitVectors vectors, double[] scores, Mask mask) {
        int[] best = new int[vectors.count()];
        Arrays.fill(best, -1);
        for (int i = 0; i < scores.length; i++) {
            int vector = vectors.of(i);
            if (mask.isAlive(i) && (best[vector] < 0 || scores[i] > scores[best[vector]])) {
                best[vector] = i;
            }
        }
        IntStream.of(best).filter(i -> i >= 0).forEach(i -> scores[i] = Double.POSITIVE_INFINITY);
    }

    /** Makes sure that something is left of each vector. */
    static void check(ParameterInfo info, Mask mask, Advice advice) {
        if (info.unitVectors().isEmpty()) {
            return;
        }
        UnitVectors vectors = info.unitVectors().get();
        boolean[] live = new boolean[vectors.count()];
        IntStream.range(0, mask.size())
                .filter(mask::isAlive)
                .forEach(i -> live[vectors.of(i)] = true);
        for (int vector = 0; vector < live.length; vector++) {
            if (!live[vector]) {
                throw new IllegalStateException(
                        "Of vector "
                                + vector
                                + " of "
                                + info.path()
                                + " no weight would be left, and weight normalisation divides by"
                                + " its norm, 0, which makes all of NaN: prune less, remove the"
                                + " weight normalisation, or leave the parameter out by "
                                + advice.exclude()
                                + ".");
            }
        }
    }
}
