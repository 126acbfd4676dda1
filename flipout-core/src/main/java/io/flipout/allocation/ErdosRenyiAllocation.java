package io.flipout.allocation;

import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/**
 * Ranks each tensor by itself, and gives it a density like that of an Erdős–Rényi graph: {@code
 * ε·(Σ dims) / (Π dims)} of its dimensions, those of a kernel included, and at most 1. ε is such
 * that the total is exact; what rounding down leaves over goes to the tensors with the largest
 * remainders.
 *
 * <p>So the number of weights of a layer grows with its width and not with the square of it: small
 * layers stay dense and large ones carry the sparsity.
 *
 * <p>Mocanu, Mocanu, Stone, Nguyen, Gibescu and Liotta, <a
 * href="https://arxiv.org/abs/1707.04780">Scalable training of artificial neural networks with
 * adaptive sparse connectivity</a>, 2018; with kernels, Evci, Gale, Menick, Castro and Elsen, <a
 * href="https://arxiv.org/abs/1911.11134">Rigging the Lottery</a>, 2020.
 *
 * @param floor the least number of weights that every layer keeps; 0 for none
 */
public record ErdosRenyiAllocation(int floor) implements Allocation {

    /**
     * Creates the allocation.
     *
     * @throws IllegalArgumentException if the floor is negative
     */
    public ErdosRenyiAllocation {
        Floors.check(floor);
    }

    /**
     * Returns this allocation with a floor.
     *
     * @param weights the least number of weights that every layer keeps
     * @return the allocation
     */
    public ErdosRenyiAllocation withFloor(int weights) {
        return new ErdosRenyiAllocation(weights);
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
            new Ranking(List.of(tensor), new byte[][] {tensor.mask().bytes()})
                    .pruneLowest(tensor.mask().remaining() - quotas[i]);
        }
    }

    private long[] quotas(List<Candidate> tensors, long keep) {
        Floors.alive(tensors, keep);
        int[] least = Floors.of(tensors, floor, keep);
        int[] most = tensors.stream().mapToInt(tensor -> tensor.mask().remaining()).toArray();
        long[] widths = tensors.stream().mapToLong(ErdosRenyiAllocation::width).toArray();
        double[] exact = exact(widths, least, most, keep);
        long[] quotas = new long[exact.length];
        for (int i = 0; i < quotas.length; i++) {
            quotas[i] = (long) Math.floor(exact[i]);
        }
        List<Integer> order =
                IntStream.range(0, quotas.length)
                        .boxed()
                        .sorted(Comparator.comparingDouble(i -> quotas[i] - exact[i]))
                        .toList();
        long left = keep - LongStream.of(quotas).sum();
        for (int i = 0; left > 0; i = (i + 1) % quotas.length) {
            int tensor = order.get(i);
            if (quotas[tensor] < most[tensor]) {
                quotas[tensor]++;
                left--;
            }
        }
        return quotas;
    }

    private static long width(Candidate tensor) {
        return LongStream.of(tensor.shape().getShape()).sum();
    }

    /** Returns ε·Σ dims, between floor and what is alive, of the ε at which they add up to keep. */
    private static double[] exact(long[] widths, int[] least, int[] most, long keep) {
        double low = 0;
        double high = IntStream.of(most).asLongStream().sum(); // Widths are at least 1.
        while (Math.nextUp(low) < high) {
            double middle = (low + high) / 2;
            if (sum(at(middle, widths, least, most)) <= keep) {
                low = middle;
            } else {
                high = middle;
            }
        }
        return at(low, widths, least, most);
    }

    private static double[] at(double epsilon, long[] widths, int[] least, int[] most) {
        return IntStream.range(0, widths.length)
                .mapToDouble(i -> Math.min(most[i], Math.max(least[i], epsilon * widths[i])))
                .toArray();
    }

    private static double sum(double[] values) {
        double sum = 0;
        for (double value : values) {
            sum += value;
        }
        return sum;
    }
}
