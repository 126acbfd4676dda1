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
 * tells in which of 65,536 bins the k-th lowest lies: all that is lower goes, and only that bin is
 * ranked. Of several equal to the k-th those at the lowest positions are taken.
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
            Bin bin = binOfKth(k);
            int[][] inBin = new int[tensors.size()][];
            forEachTensor(t -> inBin[t] = pruneBelow(t, bin));
            int[][] lowest = lowest(inBin, k - bin.before);
            forEachTensor(
                    t -> {
                        Mask mask = tensors.get(t).mask();
                        IntStream.of(lowest[t]).forEach(mask::prune);
                    });
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
            Bin bin = binOfKth(k);
            int[][] inBin = new int[tensors.size()][];
            forEachTensor(t -> inBin[t] = positionsIn(t, bin));
            int[][] lowest = lowest(inBin, k - bin.before);
            forEachTensor(t -> hand(t, bin, lowest[t], found));
        }
    }

    /**
     * The bin of the k-th lowest.
     *
     * @param from the lowest key that belongs to it
     * @param before the number of scores below it
     */
    private record Bin(long from, long before) {

        boolean holds(long key) {
            return key >>> (Long.SIZE - DIGIT_BITS) == from >>> (Long.SIZE - DIGIT_BITS);
        }
    }

    private Bin binOfKth(long k) {
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
        long digit = bin ^ (BINS >> 1);
        return new Bin(digit << (Long.SIZE - DIGIT_BITS), before);
    }

    /**
     * Prunes what is below the bin, without a branch that half of the weights mispredict, and
     * returns the positions of what is in it.
     */
    private int[] pruneBelow(int tensor, Bin bin) {
        double[] scores = tensors.get(tensor).scores();
        byte[] takesPart = eligible[tensor];
        int[] positions = new int[Chunks.SIZE];
        byte[] goes = new byte[Chunks.SIZE];
        int n = 0;
        for (int from = 0; from < scores.length; from += Chunks.SIZE) {
            int size = Math.min(Chunks.SIZE, scores.length - from);
            positions = withRoom(positions, n + size);
            for (int i = 0; i < size; i++) {
                long key = key(scores[from + i]);
                int isLower = key < bin.from ? 1 : 0;
                goes[i] = (byte) (takesPart[from + i] & isLower);
                if (bin.holds(key) && takesPart[from + i] != 0) {
                    positions[n++] = from + i;
                }
            }
            tensors.get(tensor).mask().prune(from, goes, size);
        }
        return Arrays.copyOf(positions, n);
    }

    private int[] positionsIn(int tensor, Bin bin) {
        double[] scores = tensors.get(tensor).scores();
        byte[] takesPart = eligible[tensor];
        int[] positions = new int[Chunks.SIZE];
        int n = 0;
        for (int i = 0; i < scores.length; i++) {
            if (takesPart[i] != 0 && bin.holds(key(scores[i]))) {
                positions = withRoom(positions, n + 1);
                positions[n++] = i;
            }
        }
        return Arrays.copyOf(positions, n);
    }

    private static int[] withRoom(int[] positions, int needed) {
        return needed <= positions.length ? positions : Arrays.copyOf(positions, 2 * needed);
    }

    /** Of positions in a bin, by tensor, leaves those of the k lowest; of ties the first. */
    private int[][] lowest(int[][] positions, long k) {
        long[][] keys = new long[positions.length][];
        forEachTensor(
                t -> {
                    double[] scores = tensors.get(t).scores();
                    keys[t] = IntStream.of(positions[t]).mapToLong(i -> key(scores[i])).toArray();
                });
        long[] all = Arrays.stream(keys).flatMapToLong(Arrays::stream).toArray();
        long threshold = kthLowest(all, k);
        long ties = k - LongStream.of(all).filter(key -> key < threshold).count();
        int[][] lowest = new int[positions.length][];
        for (int t = 0; t < lowest.length; t++) {
            lowest[t] = new int[positions[t].length];
            int n = 0;
            for (int i = 0; i < positions[t].length; i++) {
                boolean isTie = keys[t][i] == threshold;
                if (keys[t][i] < threshold || (isTie && ties > 0)) {
                    lowest[t][n++] = positions[t][i];
                    ties -= isTie ? 1 : 0;
                }
            }
            lowest[t] = Arrays.copyOf(lowest[t], n);
        }
        return lowest;
    }

    private void forEachTensor(IntConsumer work) {
        IntStream.range(0, tensors.size()).parallel().forEach(work);
    }

    private void hand(int tensor, Bin bin, int[] lowest, Found found) {
        double[] scores = tensors.get(tensor).scores();
        byte[] takesPart = eligible[tensor];
        int next = 0;
        for (int i = 0; i < scores.length; i++) {
            if (next < lowest.length && lowest[next] == i) {
                next++;
                found.accept(tensor, i);
            } else if (takesPart[i] != 0 && key(scores[i]) < bin.from) {
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
