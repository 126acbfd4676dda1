package io.flipout.allocation;

import java.util.List;
import java.util.stream.IntStream;

/** The least number of weights that each layer keeps. */
final class Floors {

    private Floors() {}

    static void check(int floor) {
        if (floor < 0) {
            throw new IllegalArgumentException(
                    "The floor of a layer must be at least 0 weights, got " + floor);
        }
    }

    /** Returns the floor of each tensor, which is at most what it has alive. */
    static int[] of(List<Candidate> tensors, int floor, long keep) {
        return of(tensors.stream().mapToInt(t -> t.mask().remaining()).toArray(), floor, keep);
    }

    /** Returns the floor of each tensor, which is at most its size. */
    static int[] of(int[] sizes, int floor, long keep) {
        int[] floors = IntStream.of(sizes).map(size -> Math.min(floor, size)).toArray();
        long sum = IntStream.of(floors).asLongStream().sum();
        if (sum > keep) {
            throw new IllegalArgumentException(
                    "A floor of "
                            + floor
                            + " weights a layer keeps "
                            + sum
                            + " weights, more than the "
                            + keep
                            + " that the sparsity leaves: lower the floor or the sparsity.");
        }
        return floors;
    }

    /** Returns the number of weights alive, after checking that so many can be kept. */
    static long alive(List<Candidate> tensors, long keep) {
        long alive = tensors.stream().mapToLong(t -> t.mask().remaining()).sum();
        if (keep < 1 || keep > alive) {
            throw new IllegalArgumentException(
                    "Cannot keep "
                            + keep
                            + " weights: "
                            + alive
                            + " are alive, and masks only"
                            + " shrink.");
        }
        return alive;
    }
}
