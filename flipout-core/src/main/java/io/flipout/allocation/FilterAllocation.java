package io.flipout.allocation;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Prunes whole filters, the lowest of each layer, and the same share of each layer's.
 *
 * <p>Filters go one by one, next the one after which its layer has lost the least share of its
 * filters, of equal ones that of the first layer; and none any more when the next would leave fewer
 * weights than are to be kept. So the number kept is missed by less than one filter. Within a layer
 * the lowest score goes first, of equal ones the lowest position; a filter scores as its highest
 * weight does. Every layer keeps a filter, and the network's output layer all.
 */
public record FilterAllocation() implements Allocation {

    /** A filter, and the share of its layer's filters that is gone after it. */
    private record Filter(Candidate tensor, int index, int weights, double score, double share) {

        Filter after(double gone) {
            return new Filter(tensor, index, weights, score, gone);
        }

        void prune() {
            int size = tensor.mask().size() / tensor.filters();
            for (int i = index * size; i < (index + 1) * size; i++) {
                tensor.mask().prune(i);
            }
        }
    }

    /** {@inheritDoc} */
    @Override
    public void check(int[] sizes, int[] filters, long keep) {
        long all = IntStream.of(sizes).asLongStream().sum();
        long least = IntStream.range(0, sizes.length).mapToLong(i -> sizes[i] / filters[i]).sum();
        if (keep < least) {
            throw unreachable(keep, all, least);
        }
    }

    private static IllegalArgumentException unreachable(long keep, long all, long least) {
        return new IllegalArgumentException(
                "Whole filters cannot be pruned down to "
                        + keep
                        + " of "
                        + all
                        + " weights, as every layer keeps one and the output layer all of them: "
                        + least
                        + " weights, a sparsity of "
                        + Math.floor(1e4 * (1 - (double) least / all)) / 1e4
                        + ", is as far as it goes.");
    }

    /** {@inheritDoc} */
    @Override
    public void checkThreshold() {
        throw new IllegalArgumentException(
                "Whole filters are kept to a number, which a threshold does not know: choose another"
                        + " allocation or a schedule to a sparsity.");
    }

    /** {@inheritDoc} */
    @Override
    public void prune(List<Candidate> tensors, long keep) {
        long alive = Floors.alive(tensors, keep);
        List<Filter> filters = new ArrayList<>();
        tensors.forEach(tensor -> filters.addAll(removable(tensor)));
        filters.sort(Comparator.comparingDouble(Filter::share));
        for (Filter filter : filters) {
            if (alive - filter.weights() < keep) {
                return;
            }
            filter.prune();
            alive -= filter.weights();
        }
        if (alive > keep) {
            long all = tensors.stream().mapToLong(tensor -> tensor.mask().size()).sum();
            throw unreachable(keep, all, alive);
        }
    }

    /** Returns a tensor's filters alive but the best, the lowest first. */
    private static List<Filter> removable(Candidate tensor) {
        List<Filter> alive = new ArrayList<>();
        for (int i = 0; i < tensor.filters(); i++) {
            Filter filter = filter(tensor, i);
            if (filter.weights() > 0) {
                alive.add(filter);
            }
        }
        alive.sort(Comparator.comparingDouble(Filter::score));
        int gone = tensor.filters() - alive.size();
        return IntStream.range(0, alive.size() - 1)
                .mapToObj(i -> alive.get(i).after((gone + i + 1d) / tensor.filters()))
                .toList();
    }

    private static Filter filter(Candidate tensor, int index) {
        int size = tensor.mask().size() / tensor.filters();
        int[] alive =
                IntStream.range(index * size, (index + 1) * size)
                        .filter(tensor.mask()::isAlive)
                        .toArray();
        double score =
                Arrays.stream(alive)
                        .mapToDouble(i -> tensor.scores()[i])
                        .max()
                        .orElse(Double.NEGATIVE_INFINITY);
        if (Double.isNaN(score)) {
            throw new IllegalStateException(
                    "Filter "
                            + index
                            + " of "
                            + tensor.path()
                            + " has no score (NaN): training has diverged; lower the learning"
                            + " rate.");
        }
        return new Filter(tensor, index, alive.length, score + 0.0, 0);
    }
}
