package io.flipout.allocation;

import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Ranks each tensor by itself. Every tensor keeps the same share of its weights alive, rounded so
 * that the total is exact: what rounding down leaves over goes to the tensors with the largest
 * remainders.
 *
 * @param floor the least number of weights that every layer keeps; 0 for none
 */
public record LayerwiseAllocation(int floor) implements Allocation {

    /**
     * Creates the allocation.
     *
     * @throws IllegalArgumentException if the floor is negative
     */
    public LayerwiseAllocation {
        Floors.check(floor);
    }

    /**
     * Returns this allocation with a floor.
     *
     * @param weights the least number of weights that every layer keeps
     * @return the allocation
     */
    public LayerwiseAllocation withFloor(int weights) {
        return new LayerwiseAllocation(weights);
    }

    /** {@inheritDoc} */
    @Override
    public void check(int[] sizes, long keep) {
        Floors.of(sizes, floor, keep);
    }

    /** {@inheritDoc} */
    @Override
    public void prune(List<Candidate> tensors, long keep) {
        long[] quotas = quotas(tensors, keep);
        for (int i = 0; i < quotas.length; i++) {
            Candidate tensor = tensors.get(i);
            new Ranking(List.of(tensor)).pruneLowest(tensor.mask().remaining() - quotas[i]);
        }
    }

    private long[] quotas(List<Candidate> tensors, long keep) {
        long alive = Floors.alive(tensors, keep);
        int[] floors = Floors.of(tensors, floor, keep);
        long floorSum = IntStream.of(floors).asLongStream().sum();
        double share = alive == floorSum ? 0 : (double) (keep - floorSum) / (alive - floorSum);
        long[] quotas = new long[floors.length];
        double[] remainders = new double[floors.length];
        long left = keep;
        for (int i = 0; i < quotas.length; i++) {
            double exact = share * (tensors.get(i).mask().remaining() - floors[i]);
            quotas[i] = floors[i] + (long) Math.floor(exact);
            remainders[i] = exact - Math.floor(exact);
            left -= quotas[i];
        }
        List<Integer> order =
                IntStream.range(0, quotas.length)
                        .boxed()
                        .sorted(Comparator.comparingDouble(i -> -remainders[i]))
                        .toList();
        for (int i = 0; left > 0; i = (i + 1) % quotas.length) {
            int tensor = order.get(i);
            if (quotas[tensor] < tensors.get(tensor).mask().remaining()) {
                quotas[tensor]++;
                left--;
            }
        }
        return quotas;
    }
}
