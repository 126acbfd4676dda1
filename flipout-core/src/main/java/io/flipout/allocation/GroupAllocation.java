package io.flipout.allocation;

import ai.djl.ndarray.types.Shape;
import java.util.List;
import java.util.stream.LongStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * N:M sparsity: keeps at most n of every m consecutive weights along the input of a layer, those
 * that score highest. NVIDIA's sparse tensor cores compute with 2:4 at twice the rate.
 *
 * <p>Mishra et al., <a href="https://arxiv.org/abs/2104.08378">Accelerating Sparse Deep Neural
 * Networks</a>, 2021. The groups lie along the inputs of a layer, those of a convolution for each
 * output and each place of the kernel. A layer whose input is no multiple of m, such as a first
 * convolution's three channels or a depthwise one's, stays dense and is named in the log; its
 * weights are more than the sparsity 1 − n/m leaves of it. All other layers keep exactly n/m.
 *
 * <p>A schedule that goes to the sparsity 1 − n/m prunes at once or gradually, first to m − 1 of m
 * and so on, each time to as few weights as are not below what the schedule keeps. Of equal scores
 * the lowest position of a group goes first.
 *
 * @param n the weights kept of each group
 * @param m the weights of a group
 */
public record GroupAllocation(int n, int m) implements Allocation {

    private static final Logger logger = LoggerFactory.getLogger(GroupAllocation.class);

    /**
     * Creates the allocation.
     *
     * @throws IllegalArgumentException if not 1 ≤ n &lt; m
     */
    public GroupAllocation {
        if (n < 1 || n >= m) {
            throw new IllegalArgumentException(
                    "N:M sparsity keeps N of every M weights, at least 1 and fewer than M, such as"
                            + " 2:4; got "
                            + n
                            + ":"
                            + m);
        }
    }

    /**
     * Returns the sparsity of a layer that is divided into groups.
     *
     * @return 1 − n/m
     */
    public double sparsity() {
        return 1 - (double) n / m;
    }

    /** {@inheritDoc} */
    @Override
    public void check(List<Shape> shapes, int[] filters, long keep) {
        long all = shapes.stream().mapToLong(Shape::size).sum();
        if (ofEach(all, keep) != n) {
            throw new IllegalArgumentException(
                    n
                            + ":"
                            + m
                            + " sparsity comes to a sparsity of "
                            + sparsity()
                            + ", not to "
                            + keep
                            + " of "
                            + all
                            + " weights.");
        }
        if (shapes.stream()
                .flatMapToLong(shape -> LongStream.of(shape.getShape()))
                .noneMatch(length -> length % m == 0)) {
            throw none();
        }
    }

    private IllegalArgumentException none() {
        return new IllegalArgumentException(
                n
                        + ":"
                        + m
                        + " sparsity takes layers whose inputs are a multiple of "
                        + m
                        + ", and the network has none.");
    }

    private boolean isDivided(Candidate tensor) {
        return tensor.inputAxis() >= 0 && tensor.shape().get(tensor.inputAxis()) % m == 0;
    }

    /** Returns how many of a group are kept where so many of all weights are, m at most. */
    private int ofEach(long all, long keep) {
        // The number of weights kept is rounded, a half up.
        return (int) Math.min(m, Math.ceil(m * (keep - .5) / all));
    }

    /** {@inheritDoc} */
    @Override
    public void checkThreshold() {
        throw new IllegalArgumentException(
                "N of every M weights are kept to a number, which a threshold does not know: choose another"
                        + " allocation or a schedule to a sparsity.");
    }

    /** Layers that are not divided into groups keep all. */
    @Override
    public boolean isExact() {
        return false;
    }

    /** {@inheritDoc} */
    @Override
    public void prune(List<Candidate> tensors, long keep) {
        Floors.alive(tensors, keep);
        long all = tensors.stream().mapToLong(tensor -> tensor.mask().size()).sum();
        int kept = Math.max(n, ofEach(all, keep));
        if (tensors.stream().noneMatch(this::isDivided)) {
            throw none();
        }
        tensors.stream().filter(this::isDivided).forEach(tensor -> pruneGroups(tensor, kept));
        List<String> dense =
                tensors.stream()
                        .filter(tensor -> !isDivided(tensor))
                        .map(tensor -> tensor.path() + " " + tensor.shape())
                        .toList();
        if (kept == n && !dense.isEmpty()) {
            logger.warn(
                    "Their inputs being no multiple of {}, these layers stay dense: {}",
                    m,
                    String.join(", ", dense));
        }
    }

    private void pruneGroups(Candidate tensor, int kept) {
        Shape shape = tensor.shape();
        int axis = tensor.inputAxis();
        int inputs = Math.toIntExact(shape.get(axis));
        int stride = Math.toIntExact(shape.slice(axis + 1).size()); // From one input to the next.
        int rows = Math.toIntExact(shape.size() / inputs / stride);
        for (int row = 0; row < rows; row++) {
            for (int place = 0; place < stride; place++) {
                for (int input = 0; input < inputs; input += m) {
                    pruneGroup(tensor, (row * inputs + input) * stride + place, stride, kept);
                }
            }
        }
    }

    private void pruneGroup(Candidate tensor, int first, int stride, int kept) {
        int alive = 0;
        for (int i = 0; i < m; i++) {
            alive += tensor.mask().isAlive(first + i * stride) ? 1 : 0;
        }
        for (; alive > kept; alive--) {
            tensor.mask().prune(lowest(tensor, first, stride));
        }
    }

    private int lowest(Candidate tensor, int first, int stride) {
        int lowest = -1;
        for (int i = 0; i < m; i++) {
            int index = first + i * stride;
            if (tensor.mask().isAlive(index)) {
                double score = tensor.scores()[index];
                if (Double.isNaN(score)) {
                    throw Ranking.noScore(tensor.path(), index);
                }
                lowest = lowest < 0 || score < tensor.scores()[lowest] ? index : lowest;
            }
        }
        return lowest;
    }
}
