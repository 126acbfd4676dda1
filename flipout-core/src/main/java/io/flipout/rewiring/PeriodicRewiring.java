package io.flipout.rewiring;

import ai.djl.ndarray.NDArray;
import io.flipout.allocation.Candidate;
import io.flipout.allocation.Ranking;
import io.flipout.mask.Mask;
import io.flipout.tensor.Chunks;
import io.flipout.tensor.Randoms;
import io.flipout.tensor.TrainedTensor;
import io.flipout.tensor.Transfers;
import java.util.BitSet;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;

/**
 * Rewires every so many steps: of each tensor a share of the weights alive with the lowest |θ|
 * goes, disconnected ones before all others, and as many come back, with θ = 0 and nothing left of
 * their momentum; those just gone among them, if they are chosen. So each tensor keeps its number
 * of weights alive, step after step.
 *
 * <p>A step that does not rewire costs what masking does, for all tensors at once. One that does
 * brings the weights to the host, and by {@link Growth#GRADIENT} their gradient too, which takes 4
 * bytes a weight meanwhile, and ranks them there.
 *
 * @param growth which weights come back
 * @param share the share of the weights alive that goes, in (0, 1]
 * @param isAnnealed whether the share falls along a half cosine, {@code share·(1 + cos(π·t / T)) /
 *     2} after t steps, to 0 at the step T at which rewiring ends
 * @param period the steps from one rewiring to the next, at least 1
 * @param until T, the step from which nothing is rewired any more, at least 1
 */
public record PeriodicRewiring(
        Growth growth, double share, boolean isAnnealed, long period, long until)
        implements Rewiring {

    /** Names the stream of random numbers that weights to come back are drawn from. */
    private static final long STREAM = 0x5e7;

    /** Which weights go and come back. */
    public enum Growth {
        /**
         * Of the positive and of the negative weights the same share goes; those that come back are
         * drawn at random.
         */
        RANDOM,
        /** Those with the largest gradient come back. */
        GRADIENT
    }

    /**
     * Creates the rewiring.
     *
     * @throws IllegalArgumentException if a value is out of its range
     */
    public PeriodicRewiring {
        if (!(share > 0 && share <= 1)) {
            throw new IllegalArgumentException(
                    "The share of the weights that is rewired must lie in (0, 1], got " + share);
        }
        if (period < 1 || until < 1) {
            throw new IllegalArgumentException(
                    "The steps from one rewiring to the next, and the step at which rewiring ends,"
                            + " must be at least 1, got "
                            + period
                            + " and "
                            + until);
        }
    }

    /**
     * Returns the share of the weights alive that is rewired after so many steps.
     *
     * @param steps t, from 1
     * @return the share; 0 where that is no step to rewire after
     */
    public double shareAfter(long steps) {
        if (steps % period != 0 || steps >= until) {
            return 0;
        }
        return isAnnealed ? share / 2 * (1 + Math.cos(Math.PI * steps / until)) : share;
    }

    /** {@inheritDoc} */
    @Override
    public Wiring wire(TrainedTensor tensor, Mask mask, long seed) {
        return new PeriodicWiring(tensor, mask, seed);
    }

    private final class PeriodicWiring implements Wiring {

        private final TrainedTensor tensor;
        private final Mask mask;
        private final long seed;
        private float[] gradient;

        PeriodicWiring(TrainedTensor tensor, Mask mask, long seed) {
            this.tensor = tensor;
            this.mask = mask;
            this.seed = seed;
        }

        @Override
        public boolean isIdle(long step) {
            return !isDue(step);
        }

        @Override
        public void afterBackward(NDArray dense) {
            if (growth == Growth.GRADIENT && isDue(tensor.steps())) {
                gradient = Transfers.floats(dense);
            }
        }

        private boolean isDue(long stepsBefore) {
            return !mask.isDense() && shareAfter(stepsBefore + 1) > 0;
        }

        /** A momentum that cannot be reached moves dormant weights. */
        @Override
        public void afterStep() {
            tensor.applyMask(tensor.values());
        }

        @Override
        public int[] rewire(long step, BitSet disconnected) {
            if (!isDue(step)) {
                return new int[0];
            }
            int[] gone =
                    gone(Transfers.floats(tensor.values()), shareAfter(step + 1), disconnected);
            for (int position : gone) {
                mask.prune(position);
            }
            for (int position : growing(gone.length, step)) {
                mask.revive(position);
            }
            return gone;
        }

        private int[] gone(float[] weights, double part, BitSet first) {
            IntToDoubleFunction magnitude = i -> first.get(i) ? -1 : Math.abs(weights[i]);
            int[] alive = positions(mask.bytes(), mask.remaining());
            if (growth == Growth.GRADIENT) {
                return lowest(alive, magnitude, part);
            }
            // A weight of 0 counts as positive.
            int[] positive = IntStream.of(alive).filter(i -> !(weights[i] < 0)).toArray();
            int[] negative = IntStream.of(alive).filter(i -> weights[i] < 0).toArray();
            return IntStream.concat(
                            IntStream.of(lowest(positive, magnitude, part)),
                            IntStream.of(lowest(negative, magnitude, part)))
                    .sorted()
                    .toArray();
        }

        /** Returns which of some weights have the lowest scores, ascending: a part of them. */
        private int[] lowest(int[] of, IntToDoubleFunction score, double part) {
            int[] lowest = new int[(int) (part * of.length)];
            if (lowest.length > 0) {
                double[] scores = new double[of.length];
                for (int i = 0; i < of.length; i++) {
                    scores[i] = score.applyAsDouble(of[i]);
                    if (Double.isNaN(scores[i])) {
                        throw Ranking.noScore(tensor.info().path(), of[i]);
                    }
                }
                int[] found = new int[1];
                new Ranking(List.of(candidate(scores, new Mask(of.length))))
                        .forEachLowest(lowest.length, (t, i) -> lowest[found[0]++] = of[i]);
            }
            return lowest;
        }

        private int[] growing(int count, long step) {
            if (count == 0) {
                return new int[0];
            }
            double[] scores = growth == Growth.GRADIENT ? magnitudes(gradient) : drawn(step);
            Mask grown = new Mask(mask.size());
            grown.prune(mask.bytes());
            new Ranking(List.of(candidate(scores, grown))).pruneLowest(grown.remaining() - count);
            return positions(grown.bytes(), count);
        }

        private static double[] magnitudes(float[] values) {
            double[] magnitudes = new double[values.length];
            Chunks.forEach(
                    values.length,
                    (chunk, from, to) -> {
                        for (int i = from; i < to; i++) {
                            magnitudes[i] = Math.abs(values[i]);
                        }
                    });
            return magnitudes;
        }

        private static int[] positions(byte[] alive, int count) {
            int[] positions = new int[count];
            for (int i = 0, found = 0; found < count; i++) {
                if (alive[i] != 0) {
                    positions[found++] = i;
                }
            }
            return positions;
        }

        private Candidate candidate(double[] scores, Mask of) {
            return new Candidate(tensor.info().path(), scores, of);
        }

        private double[] drawn(long step) {
            double[] drawn = new double[mask.size()];
            Chunks.forEach(
                    drawn.length,
                    (chunk, from, to) -> {
                        SplittableRandom random =
                                Randoms.stream(seed, STREAM, step, tensor.info().index(), chunk);
                        for (int i = from; i < to; i++) {
                            drawn[i] = random.nextDouble();
                        }
                    });
            return drawn;
        }

        @Override
        public void settle(int[] dormant) {
            gradient = null;
            tensor.clear(tensor.values(), dormant);
        }
    }
}
