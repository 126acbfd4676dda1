package io.flipout.allocation;

import java.util.List;

/**
 * Ranks the weights of all tensors together, as FlipOut does.
 *
 * @param floor the number of its best weights that every layer keeps, whatever others score; 0 for
 *     none. At high sparsities a layer without a weight cuts the signal.
 */
public record GlobalAllocation(int floor) implements Allocation {

    /**
     * Creates the allocation.
     *
     * @throws IllegalArgumentException if the floor is negative
     */
    public GlobalAllocation {
        Floors.check(floor);
    }

    /**
     * Returns this allocation with a floor.
     *
     * @param weights the least number of weights that every layer keeps
     * @return the allocation
     */
    public GlobalAllocation withFloor(int weights) {
        return new GlobalAllocation(weights);
    }

    /** {@inheritDoc} */
    @Override
    public void check(int[] sizes, long keep) {
        Floors.of(sizes, floor, keep);
    }

    /** {@inheritDoc} */
    @Override
    public void prune(List<Candidate> tensors, long keep) {
        long alive = Floors.alive(tensors, keep);
        byte[][] eligible = new byte[tensors.size()][];
        int[] floors = Floors.of(tensors, floor, keep);
        for (int i = 0; i < eligible.length; i++) {
            eligible[i] =
                    floors[i] == 0
                            ? tensors.get(i).mask().bytes()
                            : allButBest(tensors.get(i), floors[i]);
        }
        new Ranking(tensors, eligible).pruneLowest(alive - keep);
    }

    private static byte[] allButBest(Candidate tensor, int floor) {
        byte[] eligible = new byte[tensor.mask().size()];
        new Ranking(List.of(tensor))
                .forEachLowest(
                        tensor.mask().remaining() - floor, (t, index) -> eligible[index] = 1);
        return eligible;
    }
}
