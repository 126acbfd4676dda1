package io.flipout.rewiring;

import ai.djl.ndarray.NDArray;
import io.flipout.allocation.Allocation;
import io.flipout.allocation.Candidate;
import io.flipout.mask.Mask;
import io.flipout.tensor.Chunks;
import io.flipout.tensor.Randoms;
import io.flipout.tensor.TrainedTensor;
import io.flipout.tensor.Transfers;
import java.util.BitSet;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.IntPredicate;
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
            if (growth == Growth.GRADIENT) {
                return lowest(mask::isAlive, magnitude, part);
            }
            // A weight of 0 counts as positive.
            int[] positive = lowest(i -> mask.isAlive(i) && !(weights[i] < 0), magnitude, part);
            int[] negative = lowest(i -> mask.isAlive(i) && weights[i] < 0, magnitude, part);
            return IntStream.concat(IntStream.of(positive), IntStream.of(negative))
                    .sorted()
                    .toArray();
        }

        private int[] lowest(IntPredicate takesPart, IntToDoubleFunction score, double part) {
            Mask all = maskOf(takesPart);
            int count = (int) (part * all.remaining());
            Mask kept = maskOf(takesPart);
            keepHighest(kept, all.remaining() - count, score);
            return positions(i -> all.isAlive(i) && !kept.isAlive(i));
        }

        private int[] growing(int count, long step) {
            if (count == 0) {
                return new int[0];
            }
            Mask grown = maskOf(i -> !mask.isAlive(i));
            if (growth == Growth.GRADIENT) {
                keepHighest(grown, count, i -> Math.abs(gradient[i]));
            } else {
                double[] drawn = drawn(step);
                keepHighest(grown, count, i -> drawn[i]);
            }
            return positions(grown::isAlive);
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

        private Mask maskOf(IntPredicate takesPart) {
            Mask part = new Mask(mask.size());
            for (int i = 0; i < mask.size(); i++) {
                if (!takesPart.test(i)) {
                    part.prune(i);
                }
            }
            return part;
        }

        /** Leaves so many of a mask's weights, those of the highest scores. */
        private void keepHighest(Mask of, int count, IntToDoubleFunction score) {
            if (count == 0) {
                IntStream.range(0, of.size()).forEach(of::prune);
            } else {
                double[] scores = IntStream.range(0, of.size()).mapToDouble(score).toArray();
                Allocation.global()
                        .prune(List.of(new Candidate(tensor.info().path(), scores, of)), count);
            }
        }

        private int[] positions(IntPredicate condition) {
            return IntStream.range(0, mask.size()).filter(condition).toArray();
        }

        @Override
        public void settle(int[] dormant) {
            gradient = null;
            tensor.clear(tensor.values(), dormant);
        }
    }
}
