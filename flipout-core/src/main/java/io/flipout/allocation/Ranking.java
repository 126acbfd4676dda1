package io.flipout.allocation;

import io.flipout.mask.Mask;
import io.flipout.tensor.Chunks;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import java.util.stream.Stream;

/**
 * Finds the k lowest scores of several tensors, by position and exactly, without sorting.
 *
 * <p>A sample of the scores tells between which two the k-th lowest lies, but for a chance of one
 * in thousands. One pass over all takes what is below the two and sets aside the few between them,
 * of which a selection by digits finds the rest. Where the sample was wrong, everything is set
 * aside. Of several equal to the k-th those at the lowest positions are taken.
 *
 * <p>An {@link Allocation} of your own decides how many weights each tensor, or group of tensors,
 * keeps, and leaves the pruning to this:
 *
 * <pre>{@code
 * for (Candidate tensor : tensors) {
 *     new Ranking(List.of(tensor)).pruneLowest(tensor.mask().remaining() - quota(tensor));
 * }
 * }</pre>
 */
public final class Ranking {

    private static final int DIGIT_BITS = 16;
    private static final int BINS = 1 << DIGIT_BITS;

    /** Scores of a sample: at most 2.2 % of all lie between the two that are taken from it. */
    private static final int SAMPLE = 1 << 15;

    /** How many standard deviations of the k-th's rank in the sample they lie away from it. */
    private static final double DEVIATIONS = 4;

    private final List<Candidate> tensors;
    private final byte[][] eligible;

    /** What is done with a weight that was found. */
    @FunctionalInterface
    public interface Found {

        /**
         * Takes a weight.
         *
         * @param tensor the position of its tensor in the list
         * @param index its position in the tensor, row-major
         */
        void accept(int tensor, int index);
    }

    /**
     * Creates a ranking of all weights alive.
     *
     * @param tensors the tensors in order
     */
    public Ranking(List<Candidate> tensors) {
        this(tensors, tensors.stream().map(t -> t.mask().bytes()).toArray(byte[][]::new));
    }

    /**
     * Creates the ranking.
     *
     * @param tensors the tensors in order
     * @param eligible for each tensor, 1 where a weight takes part, in row-major order
     */
    public Ranking(List<Candidate> tensors, byte[][] eligible) {
        this.tensors = tensors;
        this.eligible = eligible;
    }

    /**
     * Prunes the k lowest.
     *
     * @param k the number of weights to prune, 0 to that of those that take part
     * @throws IllegalArgumentException if it is another number
     * @throws IllegalStateException if a score is NaN
     */
    public void pruneLowest(long k) {
        byte[][] lowest = lowest(k);
        forEachTensor(t -> tensors.get(t).mask().prune(lowest[t]));
    }

    /**
     * Hands over the k lowest, positions ascending; tensors are handled side by side, on several
     * threads.
     *
     * @param k the number of weights, 0 to that of those that take part
     * @param found what is done with each
     * @throws IllegalArgumentException if it is another number
     * @throws IllegalStateException if a score is NaN
     */
    public void forEachLowest(long k, Found found) {
        byte[][] lowest = lowest(k);
        forEachTensor(
                t -> {
                    for (int i = 0; i < lowest[t].length; i++) {
                        if (lowest[t][i] != 0) {
                            found.accept(t, i);
                        }
                    }
                });
    }

    /**
     * Scores between which the k-th lowest is looked for, both included.
     *
     * @param from the lower, finite
     * @param to the higher, finite
     */
    record Range(double from, double to) {

        /** Zeros are such that a difference of two is 0 and not −0, which has a sign. */
        Range {
            from = from == 0 ? -0.0 : Math.max(from, -Double.MAX_VALUE);
            to = Math.min(to + 0.0, Double.MAX_VALUE);
        }
    }

    /**
     * What one pass finds.
     *
     * @param below by tensor, 1 for each weight below the range
     * @param before how many they are
     * @param within by tensor, the positions of those within it, and of those that have no score
     * @param inside how many they are
     */
    private record Pass(byte[][] below, long before, int[][] within, long inside) {}

    /** Returns, by tensor, 1 for each of the k lowest. */
    private byte[][] lowest(long k) {
        long weights = weights();
        if (k < 0 || k > weights) {
            throw new IllegalArgumentException(
                    "Of "
                            + weights
                            + " weights that take part the lowest "
                            + k
                            + " cannot be found.");
        }
        if (k == 0) {
            return tensors.stream().map(t -> new byte[t.scores().length]).toArray(byte[][]::new);
        }
        long size = tensors.stream().mapToLong(t -> t.scores().length).sum();
        return size <= SAMPLE ? takeWithin(passAll(), k) : lowest(k, range(k, weights, size));
    }

    /** The same, for at least one, with a range that the k-th most likely lies in. */
    byte[][] lowest(long k, Range likely) {
        Pass pass = pass(likely);
        boolean isInside = k > pass.before && k <= pass.before + pass.inside;
        return isInside ? takeWithin(pass, k - pass.before) : takeWithin(passAll(), k);
    }

    private long weights() {
        long weights = 0;
        for (int t = 0; t < eligible.length; t++) {
            Mask mask = tensors.get(t).mask();
            weights += eligible[t] == mask.bytes() ? mask.remaining() : sum(eligible[t]);
        }
        return weights;
    }

    private static long sum(byte[] values) {
        long sum = 0;
        for (byte value : values) {
            sum += value;
        }
        return sum;
    }

    private Range range(long k, long weights, long size) {
        double[] sample = sample((double) size / SAMPLE);
        Arrays.sort(sample);
        double share = (double) k / weights;
        double rank = share * sample.length;
        double margin = DEVIATIONS * Math.sqrt(rank * (1 - share)) + 1;
        int from = (int) Math.floor(rank - margin);
        int to = (int) Math.ceil(rank + margin);
        return new Range(
                from < 0 ? -Double.MAX_VALUE : sample[from],
                to >= sample.length ? Double.MAX_VALUE : sample[to]);
    }

    /** Returns, of one weight of each stretch, the scores of those that take part. */
    private double[] sample(double stretch) {
        SplittableRandom random = new SplittableRandom(0);
        double[] sample = new double[SAMPLE];
        int n = 0;
        int t = 0;
        long first = 0;
        for (int s = 0; s < SAMPLE; s++) {
            long position = (long) ((s + random.nextDouble()) * stretch);
            while (position - first >= eligible[t].length) {
                first += eligible[t++].length;
            }
            int i = (int) (position - first);
            if (eligible[t][i] != 0) {
                sample[n++] = tensors.get(t).scores()[i];
            }
        }
        return Arrays.copyOf(sample, n);
    }

    private Pass pass(Range range) {
        byte[][] below = new byte[tensors.size()][];
        int[][] within = new int[tensors.size()][];
        long before =
                IntStream.range(0, tensors.size())
                        .parallel()
                        .mapToLong(
                                t -> {
                                    below[t] = new byte[eligible[t].length];
                                    return pass(t, range, below[t], within);
                                })
                        .sum();
        return new Pass(below, before, within, total(within));
    }

    /** One tensor's part of the pass, with no branch but one that is seldom taken. */
    private long pass(int tensor, Range range, byte[] below, int[][] within) {
        double[] scores = tensors.get(tensor).scores();
        byte[] takesPart = eligible[tensor];
        int[] positions = new int[Chunks.SIZE];
        int n = 0;
        int before = 0;
        for (int i = 0; i < scores.length; i++) {
            double score = scores[i];
            long fromBelow = Double.doubleToRawLongBits(score - range.from);
            long fromAbove = Double.doubleToRawLongBits(range.to - score);
            int isLower = takesPart[i] & (int) (fromBelow >>> (Long.SIZE - 1));
            below[i] = (byte) isLower;
            before += isLower;
            if ((fromBelow | fromAbove) >= 0 || Double.isNaN(score)) {
                if (n == positions.length) {
                    positions = Arrays.copyOf(positions, 2 * n);
                }
                positions[n] = i;
                n += takesPart[i];
            }
        }
        within[tensor] = Arrays.copyOf(positions, n);
        return before;
    }

    /** What a pass would find that takes nothing and sets all aside. */
    private Pass passAll() {
        byte[][] below = new byte[tensors.size()][];
        int[][] within = new int[tensors.size()][];
        forEachTensor(
                t -> {
                    byte[] takesPart = eligible[t];
                    below[t] = new byte[takesPart.length];
                    within[t] =
                            IntStream.range(0, takesPart.length)
                                    .filter(i -> takesPart[i] != 0)
                                    .toArray();
                });
        return new Pass(below, 0, within, total(within));
    }

    private static long total(int[][] positions) {
        return Stream.of(positions).mapToLong(p -> p.length).sum();
    }

    /**
     * Returns what a pass has found below, and the k lowest of what it set aside; of ties the
     * first.
     */
    private byte[][] takeWithin(Pass pass, long k) {
        long[] keys = keys(pass);
        long threshold = kthLowest(keys, k);
        long ties = k - LongStream.of(keys).filter(key -> key < threshold).count();
        int n = 0;
        for (int t = 0; t < pass.within.length; t++) {
            for (int index : pass.within[t]) {
                boolean isTie = keys[n] == threshold;
                if (keys[n] < threshold || (isTie && ties > 0)) {
                    pass.below[t][index] = 1;
                    ties -= isTie ? 1 : 0;
                }
                n++;
            }
        }
        return pass.below;
    }

    private long[] keys(Pass pass) {
        long[] keys = new long[Math.toIntExact(pass.inside)];
        int n = 0;
        for (int t = 0; t < pass.within.length; t++) {
            double[] scores = tensors.get(t).scores();
            for (int index : pass.within[t]) {
                if (Double.isNaN(scores[index])) {
                    throw noScore(tensors.get(t).path(), index);
                }
                keys[n++] = key(scores[index]);
            }
        }
        return keys;
    }

    private void forEachTensor(IntConsumer work) {
        IntStream.range(0, tensors.size()).parallel().forEach(work);
    }

    /**
     * Returns what is thrown where the score of a weight alive is NaN.
     *
     * @param path the block path of its tensor
     * @param index its position, row-major
     * @return the exception
     */
    public static IllegalStateException noScore(String path, int index) {
        return new IllegalStateException(
                "Weight "
                        + index
                        + " of "
                        + path
                        + " has no score (NaN): training has diverged; lower the learning rate or"
                        + " the noise.");
    }

    /** Returns the k-th lowest of some keys, digit by digit from the highest. */
    private static long kthLowest(long[] keys, long k) {
        long[] left = keys;
        long rank = k;
        for (int shift = Long.SIZE - DIGIT_BITS; shift >= 0; shift -= DIGIT_BITS) {
            int[] counts = new int[BINS];
            for (long key : left) {
                counts[digit(key, shift)]++;
            }
            int bin = 0;
            while (counts[bin] < rank) {
                rank -= counts[bin++];
            }
            long[] narrowed = new long[counts[bin]];
            int n = 0;
            for (long key : left) {
                if (digit(key, shift) == bin) {
                    narrowed[n++] = key;
                }
            }
            left = narrowed;
        }
        return left[0];
    }

    /** Returns a digit of a signed number, such that the highest digits order as the numbers do. */
    private static int digit(long key, int shift) {
        return (int) ((key ^ Long.MIN_VALUE) >>> shift) & (BINS - 1);
    }

    /** Returns a key that orders as the score does, as a signed number; −0 equals 0. */
    private static long key(double score) {
        long bits = Double.doubleToRawLongBits(score + 0.0);
        return bits ^ ((bits >> 63) & Long.MAX_VALUE);
    }
}
