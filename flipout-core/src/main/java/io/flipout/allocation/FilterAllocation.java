package io.flipout.allocation;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
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
 * weight does. Every layer keeps a filter; the network's output layers, embeddings and recurrent
 * layers, whose parts are no filters, keep all.
 */
public record FilterAllocation() implements Allocation {

    /** A filter alive, and the share of its layer's filters that is gone after it. */
    private record Filter(int tensor, int index, int weights, double score, double share) {

        Filter after(double gone) {
            return new Filter(tensor, index, weights, score, gone);
        }
    }

    /** {@inheritDoc} */
    @Override
    public void check(int[] sizes, int[] filters, long keep) {
        long all = IntStream.of(sizes).asLongStream().sum();
        long least = IntStream.range(0, sizes.length).mapToLong(i -> sizes[i] / filters[i]).sum();
        if (keep < least) {
            long whole = IntStream.of(filters).filter(count -> count == 1).count();
            throw unreachable(keep, all, least, whole);
        }
    }

    private static IllegalArgumentException unreachable(
            long keep, long all, long least, long whole) {
        return new IllegalArgumentException(
                "Whole filters cannot be pruned down to "
                        + keep
                        + " of "
                        + all
                        + " weights, as every layer keeps one"
                        + (whole == 0
                                ? ""
                                : whole == 1
                                        ? " and the output layer all of them"
                                        : " and output layers, embeddings and recurrent layers all"
                                                + " of them")
                        + ": "
                        + least
                        + " weights, a sparsity of "
                        + Math.floor(1e4 * (1 - (double) least / all)) / 1e4
                        + ", is as far as it goes.");
    }

    /** Returns false: of a filter all weights are kept, or none. */
    @Override
    public boolean isExact() {
        return false;
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
        List<BitSet> gone = new ArrayList<>();
        for (int t = 0; t < tensors.size(); t++) {
            filters.addAll(removable(t, tensors.get(t)));
            gone.add(new BitSet());
        }
        filters.sort(Comparator.comparingDouble(Filter::share));
        boolean isReached = alive == keep;
        for (Filter filter : filters) {
            if (alive - filter.weights() < keep) {
                isReached = true;
                break;
            }
            gone.get(filter.tensor()).set(filter.index());
            alive -= filter.weights();
        }
        for (int t = 0; t < tensors.size(); t++) {
            remove(tensors.get(t), gone.get(t));
        }
        if (!isReached && alive > keep) {
            long all = tensors.stream().mapToLong(tensor -> tensor.mask().size()).sum();
            long whole = tensors.stream().filter(tensor -> tensor.filters() == 1).count();
            throw unreachable(keep, all, alive, whole);
        }
    }

    private static void remove(Candidate tensor, BitSet gone) {
        if (!gone.isEmpty()) {
            IntStream.range(0, tensor.mask().size())
                    .filter(i -> gone.get(tensor.filter().applyAsInt(i)))
                    .forEach(tensor.mask()::prune);
        }
    }

    /** Returns a tensor's filters alive but the best, the lowest first. */
    private static List<Filter> removable(int index, Candidate tensor) {
        int[] weights = new int[tensor.filters()];
        double[] scores = new double[tensor.filters()];
        Arrays.fill(scores, Double.NEGATIVE_INFINITY);
        for (int i = 0; i < tensor.mask().size(); i++) {
            if (tensor.mask().isAlive(i)) {
                int filter = tensor.filter().applyAsInt(i);
                weights[filter]++;
                scores[filter] = Math.max(scores[filter], tensor.scores()[i]); // NaN stays NaN.
            }
        }
        List<Filter> alive = new ArrayList<>();
        for (int f = 0; f < weights.length; f++) {
            if (Double.isNaN(scores[f])) {
                throw noScore(tensor, f);
            }
            if (weights[f] > 0) {
                alive.add(new Filter(index, f, weights[f], scores[f] + 0.0, 0)); // −0 equals 0.
            }
        }
        alive.sort(Comparator.comparingDouble(Filter::score));
        int gone = tensor.filters() - alive.size();
        return IntStream.range(0, alive.size() - 1)
                .mapToObj(i -> alive.get(i).after((gone + i + 1d) / tensor.filters()))
                .toList();
    }

    private static IllegalStateException noScore(Candidate tensor, int filter) {
        return new IllegalStateException(
                "Filter "
                        + filter
                        + " of "
                        + tensor.path()
                        + " has no score (NaN): training has diverged; lower the learning rate.");
    }
}
