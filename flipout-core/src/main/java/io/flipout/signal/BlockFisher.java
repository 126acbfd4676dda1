package io.flipout.signal;

import ai.djl.ndarray.NDArray;
import io.flipout.mask.Mask;
import io.flipout.tensor.DirectMemory;
import io.flipout.tensor.TrainedTensor;
import io.flipout.tensor.Transfers;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.concurrent.ForkJoinPool;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;

/**
 * The damped empirical Fisher information in blocks on its diagonal, {@code F = damping·I + mean
 * over examples of g·gᵀ}, g the gradient of the loss of one example.
 *
 * <p>A block is of so many weights alive that follow one another in a tensor; what is pruned has no
 * row. So a layer of no more weights than a block has its whole matrix, and layers come to that as
 * they are pruned.
 *
 * <p>The recursion of WoodFisher (Singh and Alistarh, 2020) carries F⁻¹ from gradient to gradient
 * by Woodbury's identity, {@code F⁻¹ ← F⁻¹ − F⁻¹·g·gᵀ·F⁻¹ / (M + gᵀ·F⁻¹·g)} from {@code I/damping}
 * on. Here F itself is summed, and factored when M gradients have been seen: the same matrix for a
 * third of the multiplications, or fewer where gradients are 0, and none of the digits that the
 * recursion loses where the damping is small.
 *
 * <p>It is computed in double in the host's memory, and each block by one thread, so that neither
 * the device nor the number of threads changes a bit. A block of b takes 4·b² bytes, of which only
 * one triangle is kept, so 4·b bytes a weight alive; beside that there are 36 bytes a weight, and
 * 16·b² for each thread. A gradient costs b/2 multiplications a weight, and a pruning b²: a
 * thousand gradients and a pruning of LeNet-300-100's 266,200 weights take 4 s of one core with
 * blocks of 64, and 22 s with blocks of 256; with half the weights, half of that. Nothing is taken
 * while the network trains.
 *
 * @param block b, the most weights of a block, 1 to 65,535; 1 is the diagonal
 * @param damping what is added to the diagonal, greater than 0
 */
public record BlockFisher(int block, double damping) implements Signal {

    /** One triangle of a larger one has more elements than an array can. */
    private static final int MOST = 65_535;

    /** Gradients that are kept until they are added at once, while a block is in the cache. */
    private static final int WAITING = 8;

    /** Triangles that a thread has at hand: one, that of its factor's inverse, and two of F⁻¹. */
    private static final long THREAD = 4;

    /** What an array of Java takes beside its elements, and a reference to it. */
    private static final int ARRAY = 24;

    /**
     * Creates the signal.
     *
     * @throws IllegalArgumentException if the block or the damping is out of its range
     */
    public BlockFisher {
        if (block < 1 || block > MOST) {
            throw new IllegalArgumentException(
                    "A block of the Fisher information must have 1 to "
                            + MOST
                            + " weights, got "
                            + block);
        }
        if (!(damping > 0 && Double.isFinite(damping))) {
            throw new IllegalArgumentException(
                    "The damping of the Fisher information must be a number greater than 0, got "
                            + damping);
        }
    }

    /** {@inheritDoc} */
    @Override
    public Blocks watch(TrainedTensor tensor) {
        return new Blocks(tensor);
    }

    /** {@inheritDoc} */
    @Override
    public long bytesOfGradients(int[] alive) {
        long bytes = 0;
        int largest = 0;
        for (int weights : alive) {
            largest = Math.max(largest, Math.min(block, weights));
            bytes += weights / block * bytes(block) + bytes(weights % block);
            bytes += (long) weights * (WAITING + 1) * Float.BYTES;
        }
        return bytes + THREAD * (ForkJoinPool.getCommonPoolParallelism() + 1) * bytes(largest);
    }

    private static long bytes(int size) {
        return size == 0 ? 0 : ARRAY + (long) Cholesky.elements(size) * Double.BYTES;
    }

    /** The blocks of one tensor. */
    public final class Blocks implements Watch {

        private final TrainedTensor tensor;

        /** The positions of the weights alive. */
        private int[] alive;

        /** The summed products of each block, one triangle of them as {@link Cholesky} has it. */
        private double[][] sums;

        /** Gradients of the weights alive, one after the other, that are not in the sums yet. */
        private float[] waiting;

        private int count;
        private int size;

        private Blocks(TrainedTensor tensor) {
            this.tensor = tensor;
        }

        /** {@inheritDoc} */
        @Override
        public void afterBackward(NDArray gradient) {
            if (count == 0) {
                begin();
            }
            FloatBuffer values =
                    DirectMemory.of(gradient)
                            .orElseGet(() -> FloatBuffer.wrap(Transfers.floats(gradient)));
            int at = count % WAITING * alive.length;
            for (int i = 0; i < alive.length; i++) {
                waiting[at + i] = values.get(alive[i]);
            }
            count++;
            if (count % WAITING == 0) {
                add(WAITING);
            }
        }

        private void begin() {
            size = tensor.info().size();
            IntStream positions = IntStream.range(0, size);
            alive =
                    tensor.mask()
                            .map(mask -> positions.filter(mask::isAlive))
                            .orElse(positions)
                            .toArray();
            waiting = new float[WAITING * alive.length];
            sums = new double[(alive.length + block - 1) / block][];
            for (int i = 0; i < sums.length; i++) {
                sums[i] = new double[Cholesky.elements(weights(i))];
            }
        }

        /** Returns the number of weights of a block. */
        private int weights(int index) {
            return Math.min(block, alive.length - index * block);
        }

        private void forEachBlock(IntConsumer work) {
            IntStream.range(0, sums.length).parallel().forEach(work);
        }

        /** Adds the products of gradients that wait. */
        private void add(int gradients) {
            forEachBlock(
                    index -> {
                        double[] gradient = new double[weights(index)];
                        for (int i = 0; i < gradients; i++) {
                            int from = i * alive.length + index * block;
                            for (int j = 0; j < gradient.length; j++) {
                                gradient[j] = waiting[from + j];
                            }
                            add(gradient, sums[index]);
                        }
                    });
        }

        private static void add(double[] gradient, double[] sums) {
            int row = 0;
            for (int i = 0; i < gradient.length; i++) {
                double factor = gradient[i];
                if (factor != 0) { // As it is of all weights of a neuron at rest.
                    for (int j = 0; j <= i; j++) {
                        sums[row + j] += factor * gradient[j];
                    }
                }
                row += i + 1;
            }
        }

        /** Sees nothing: the gradients of a training step are none of its. */
        @Override
        public void afterStep() {}

        /** Forgets all: with fewer weights, those that are left have other gradients. */
        @Override
        public void afterPruning() {
            count = 0;
            alive = null;
            sums = null;
            waiting = null;
        }

        /** Returns nothing, as all that is shown before a pruning is used in it. */
        @Override
        public Object snapshot() {
            return new int[0];
        }

        /** {@inheritDoc} */
        @Override
        public void restore(Object snapshot) {
            afterPruning();
        }

        /**
         * Returns the damage that each weight does when its turn comes: of each block the weight of
         * least damage θ²/(2·[F⁻¹]_qq) goes, the others move to where they make up for it, and so
         * on until none is left.
         *
         * @param theta the weights, row-major; not changed
         * @return the damages in row-major order, in each block the higher the later a weight goes,
         *     and 0 for those that are pruned
         * @throws IllegalStateException if nothing was shown since the last pruning, a gradient was
         *     not finite, or the damping is too small beside the gradients
         */
        public double[] damages(float[] theta) {
            finish();
            double[] damages = new double[size];
            forEachBlock(index -> damages(index, theta, damages));
            return damages;
        }

        private void damages(int index, float[] theta, double[] damages) {
            int rows = weights(index);
            double[][] inverse = factor(matrix(index), rows).inverse();
            double[] left = new double[rows];
            for (int i = 0; i < rows; i++) {
                left[i] = theta[alive[index * block + i]];
            }
            boolean[] gone = new boolean[rows];
            double damage = -1;
            for (int turn = 0; turn < rows; turn++) {
                int next = least(left, inverse, gone);
                damage = Math.max(Math.nextUp(damage), damage(next, left, inverse));
                damages[alive[index * block + next]] = damage;
                gone[next] = true;
                remove(next, left, inverse, gone);
            }
        }

        private static int least(double[] left, double[][] inverse, boolean[] gone) {
            int least = -1;
            for (int i = 0; i < left.length; i++) {
                if (!gone[i]
                        && (least < 0 || damage(i, left, inverse) < damage(least, left, inverse))) {
                    least = i;
                }
            }
            return least;
        }

        private static double damage(int i, double[] left, double[][] inverse) {
            return left[i] * left[i] / (2 * inverse[i][i]);
        }

        /** Takes a weight out: the others move, and F⁻¹ becomes that of F without its row. */
        private static void remove(int next, double[] left, double[][] inverse, boolean[] gone) {
            double[] row = inverse[next];
            Cholesky.subtract(left[next] / row[next], row, left);
            for (int i = 0; i < gone.length; i++) {
                if (!gone[i]) {
                    Cholesky.subtract(row[i] / row[next], row, inverse[i]);
                }
            }
        }

        /**
         * Moves the weights that stay to where δᵀ·F·δ is least, δ being −θ for those that go.
         *
         * @param theta the weights before the pruning, row-major; not changed
         * @param mask which of them stay
         * @return the weights after it
         * @throws IllegalStateException as {@link #damages}
         */
        public float[] settle(float[] theta, Mask mask) {
            finish();
            float[] settled = theta.clone();
            forEachBlock(index -> settle(index, theta, mask, settled));
            return settled;
        }

        private void settle(int index, float[] theta, Mask mask, float[] settled) {
            int from = index * block;
            int[] own = Arrays.copyOfRange(alive, from, from + weights(index));
            int[] stay = IntStream.range(0, own.length).filter(i -> mask.isAlive(own[i])).toArray();
            int[] go = IntStream.range(0, own.length).filter(i -> !mask.isAlive(own[i])).toArray();
            if (stay.length == 0 || go.length == 0) {
                return;
            }
            double[] fisher = matrix(index);
            double[] among = new double[Cholesky.elements(stay.length)];
            double[] moves = new double[stay.length];
            for (int i = 0; i < stay.length; i++) {
                for (int j = 0; j <= i; j++) {
                    among[Cholesky.row(i) + j] = element(fisher, stay[i], stay[j]);
                }
                for (int q : go) {
                    moves[i] += element(fisher, stay[i], q) * theta[own[q]];
                }
            }
            factor(among, stay.length).solve(moves);
            for (int i = 0; i < stay.length; i++) {
                settled[own[stay[i]]] += (float) moves[i];
            }
        }

        private static double element(double[] triangle, int i, int j) {
            return triangle[Cholesky.row(Math.max(i, j)) + Math.min(i, j)];
        }

        /** Adds what still waits. */
        private void finish() {
            if (count == 0) {
                throw GradientSum.nothingShown();
            }
            if (waiting != null) {
                add(count % WAITING);
                waiting = null;
            }
        }

        /** Returns a new array: one triangle of F. */
        private double[] matrix(int index) {
            double[] fisher = sums[index].clone();
            for (int i = 0; i < fisher.length; i++) {
                fisher[i] /= count;
            }
            for (int i = 0; i < weights(index); i++) {
                int at = Cholesky.row(i) + i;
                if (!Double.isFinite(fisher[at])) { // A sum of squares.
                    throw new IllegalStateException(
                            "A gradient of "
                                    + tensor.info().path()
                                    + " that examples were to be judged by is not a finite number:"
                                    + " training has diverged; lower the learning rate.");
                }
                fisher[at] += damping;
            }
            return fisher;
        }

        private Cholesky factor(double[] matrix, int rows) {
            try {
                return new Cholesky(matrix, rows);
            } catch (ArithmeticException e) {
                throw new IllegalStateException(
                        "The damping "
                                + damping
                                + " is too small to invert the Fisher information of "
                                + tensor.info().path()
                                + ", whose gradients are large beside it: raise the damping.",
                        e);
            }
        }
    }
}
