package io.flipout.allocation;

import io.flipout.mask.Mask;
import io.flipout.tensor.Chunks;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/**
 * Finds the k lowest scores of several tensors, by position and exactly, without sorting.
 *
 * <p>A score is turned into a 64-bit key of the same order. Counting keys by their highest 16 bits
 * tells in which of 65,536 bins the k-th lowest lies; only that bin is looked at again. It is then
 * known by its key, and of several equal to it those at the lowest positions are taken.
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
        if (k != 0) {
            Border border = border(k);
            forEachTensor(
                    t -> {
                        if (border.ties[t] == 0 || border.ties[t] == border.all[t]) {
                            pruneBelow(t, border.threshold + (border.ties[t] == 0 ? 0 : 1));
                        } else {
                            Mask mask = tensors.get(t).mask();
                            hand(t, border.threshold, border.ties[t], (i, at) -> mask.prune(at));
                        }
                    });
        }
    }

    /** Prunes where the key is lower, without a branch that half of the weights mispredict. */
    private void pruneBelow(int tensor, long limit) {
        double[] scores = tensors.get(tensor).scores();
        byte[] takesPart = eligible[tensor];
        byte[] goes = new byte[Chunks.SIZE];
        for (int from = 0; from < scores.length; from += Chunks.SIZE) {
            int size = Math.min(Chunks.SIZE, scores.length - from);
            for (int i = 0; i < size; i++) {
                int isLower = key(scores[from + i]) < limit ? 1 : 0;
                goes[i] = (byte) (takesPart[from + i] & isLower);
            }
            tensors.get(tensor).mask().prune(from, goes, size);
        }
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
        if (k != 0) {
            Border border = border(k);
            forEachTensor(t -> hand(t, border.threshold, border.ties[t], found));
        }
    }

    /**
     * Which weights are the lowest.
     *
     * @param threshold the key of the k-th lowest; what is lower is among them
     * @param ties how many of those that have this key are, by tensor: the first ones
     * @param all how many have it, by tensor
     */
    private record Border(long threshold, long[] ties, long[] all) {}

    private Border border(long k) {
        long[] counts = histogram();
        long weights = LongStream.of(counts).sum();
        if (k < 0 || k > weights) {
            throw new IllegalArgumentException(
                    "Of "
                            + weights
                            + " weights that take part the lowest "
                            + k
                            + " cannot be found.");
        }
        long before = 0;
        int bin = 0;
        while (before + counts[bin] < k) {
            before += counts[bin++];
        }
        long[][] keys = new long[tensors.size()][];
        int binOfKth = bin;
        forEachTensor(t -> keys[t] = keysIn(binOfKth, t));
        long[] inBin = Arrays.stream(keys).flatMapToLong(Arrays::stream).toArray();
        long threshold = kthLowest(inBin, k - before);
        long left = k - before - LongStream.of(inBin).filter(key -> key < threshold).count();
        long[] all = new long[keys.length];
        long[] ties = new long[keys.length];
        for (int t = 0; t < ties.length; t++) { // Of weights that tie, those of the first go.
            all[t] = LongStream.of(keys[t]).filter(key -> key == threshold).count();
            ties[t] = Math.min(all[t], left);
            left -= ties[t];
        }
        return new Border(threshold, ties, all);
    }

    private void forEachTensor(IntConsumer work) {
        IntStream.range(0, tensors.size()).parallel().forEach(work);
    }

    private void hand(int tensor, long threshold, long ties, Found found) {
        double[] scores = tensors.get(tensor).scores();
        byte[] takesPart = eligible[tensor];
        long tiesLeft = ties;
        for (int i = 0; i < scores.length; i++) {
            if (takesPart[i] == 0) {
                continue;
            }
            long key = key(scores[i]);
            if (key < threshold) {
                found.accept(tensor, i);
            } else if (key == threshold && tiesLeft > 0) {
                tiesLeft--;
                found.accept(tensor, i);
            }
        }
    }

    /** Counts the keys by their highest digit, and refuses NaN. */
    private long[] histogram() {
        int workers = Runtime.getRuntime().availableProcessors();
        long[] all =
                IntStream.range(0, workers)
                        .parallel()
                        .mapToObj(
                                worker -> {
                                    long[] counts = new long[BINS + 1];
                                    for (int t = 0; t < tensors.size(); t++) {
                                        count(t, worker, workers, counts);
                                    }
                                    return counts;
                                })
                        .reduce(
                                (a, b) -> {
                                    for (int i = 0; i <= BINS; i++) {
                                        a[i] += b[i];
                                    }
                                    return a;
                                })
                        .orElseThrow();
        if (all[BINS] > 0) {
            throw noScore();
        }
        return all;
    }

    /** Names the first weight whose score is NaN, from the caller's thread and in one sentence. */
    private IllegalStateException noScore() {
        for (int t = 0; t < tensors.size(); t++) {
            double[] scores = tensors.get(t).scores();
            for (int i = 0; i < scores.length; i++) {
                if (eligible[t][i] != 0 && Double.isNaN(scores[i])) {
                    return noScore(tensors.get(t), i);
                }
            }
        }
        throw new AssertionError("A NaN was counted that is not there.");
    }

    /** Returns what is thrown where the score of a weight alive is NaN. */
    static IllegalStateException noScore(Candidate tensor, int index) {
        return new IllegalStateException(
                "Weight "
                        + index
                        + " of "
                        + tensor.path()
                        + " has no score (NaN): training has diverged; lower the learning rate or"
                        + " the noise.");
    }

    private void count(int tensor, int worker, int workers, long[] counts) {
        double[] scores = tensors.get(tensor).scores();
        byte[] takesPart = eligible[tensor];
        for (int from = worker * Chunks.SIZE; from < scores.length; from += workers * Chunks.SIZE) {
            int to = Math.min(scores.length, from + Chunks.SIZE);
            for (int i = from; i < to; i++) {
                if (takesPart[i] == 0) {
                    continue;
                }
                int bin =
                        Double.isNaN(scores[i])
                                ? BINS
                                : (int) (key(scores[i]) >>> (Long.SIZE - DIGIT_BITS)) ^ (BINS >> 1);
                counts[bin]++;
            }
        }
    }

    private long[] keysIn(int bin, int tensor) {
        double[] scores = tensors.get(tensor).scores();
        byte[] takesPart = eligible[tensor];
        int digit = bin ^ (BINS >> 1);
        long[] keys = new long[Chunks.SIZE];
        int n = 0;
        for (int i = 0; i < scores.length; i++) {
            long key = key(scores[i]);
            if (takesPart[i] != 0 && (int) (key >>> (Long.SIZE - DIGIT_BITS)) == digit) {
                if (n == keys.length) {
                    keys = Arrays.copyOf(keys, 2 * n);
                }
                keys[n++] = key;
            }
        }
        return Arrays.copyOf(keys, n);
    }

    /** Returns the k-th lowest of keys that agree in their highest digit. */
    private static long kthLowest(long[] keys, long k) {
        long[] left = keys;
        long rank = k;
        for (int shift = Long.SIZE - 2 * DIGIT_BITS; shift >= 0; shift -= DIGIT_BITS) {
            int[] counts = new int[BINS];
            for (long key : left) {
                counts[(int) (key >>> shift) & (BINS - 1)]++;
            }
            int bin = 0;
            while (counts[bin] < rank) {
                rank -= counts[bin++];
            }
            long[] narrowed = new long[counts[bin]];
            int n = 0;
            for (long key : left) {
                if (((int) (key >>> shift) & (BINS - 1)) == bin) {
                    narrowed[n++] = key;
                }
            }
            left = narrowed;
        }
        return left[0];
    }

    /** Returns a key that orders as the score does, as a signed number; −0 equals 0. */
    private static long key(double score) {
        long bits = Double.doubleToRawLongBits(score + 0.0);
        return bits ^ ((bits >> 63) & Long.MAX_VALUE);
    }
}
