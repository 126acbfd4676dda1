package io.flipout.latent;

import ai.djl.ndarray.NDArray;
import io.flipout.tensor.Chunks;
import io.flipout.tensor.DirectMemory;
import io.flipout.tensor.NormalNumbers;
import io.flipout.tensor.Randoms;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicInteger;

/** Latent weights in the host's memory. */
final class HostLatents {

    /** Names the stream of random numbers that a step's draws come from. */
    private static final long STREAM = 0x1a7e;

    private final Reparameterization by;
    private final long seed;

    HostLatents(Reparameterization by, long seed) {
        this.by = by;
        this.seed = seed;
    }

    /** The memory of what a tensor has. */
    private record Memory(
            LatentTensor owner,
            FloatBuffer latent,
            FloatBuffer auxiliary,
            FloatBuffer drawn,
            int shared,
            int inner) {

        static Memory of(LatentTensor tensor) {
            return new Memory(
                    tensor,
                    memory(tensor.latent()),
                    memory(tensor.auxiliary()),
                    memory(tensor.gradient()),
                    tensor.share(),
                    tensor.sharing().inner(tensor.latent().getShape()));
        }

        /** Reads the numbers beside weights, which may share them. */
        void spread(FloatBuffer numbers, int from, int size, float[] into) {
            if (owner.isUnshared()) {
                numbers.get(from, into, 0, size);
            } else {
                int[] positions = positions(from, size);
                for (int i = 0; i < size; i++) {
                    into[i] = numbers.get(positions[i]);
                }
            }
        }

        /** Returns the positions of the numbers beside weights that share them. */
        int[] positions(int from, int size) {
            int[] positions = new int[size];
            int row = from / inner % shared;
            int column = from % inner;
            int first = from / (shared * inner) * inner;
            for (int i = 0; i < size; i++) {
                positions[i] = first + column;
                if (++column == inner) {
                    column = 0;
                    if (++row == shared) {
                        row = 0;
                        first += inner;
                    }
                }
            }
            return positions;
        }
    }

    private static FloatBuffer memory(NDArray array) {
        return DirectMemory.of(array).orElseThrow();
    }

    void train(LatentTensor tensor, long step) {
        Memory memory = Memory.of(tensor);
        FloatBuffer weights = memory(tensor.tensor().values());
        boolean draws = by.draws() != Reparameterization.Draw.NOTHING;
        boolean isUnshared = tensor.isUnshared();
        if (draws && !isUnshared) {
            Chunks.forEach(
                    tensor.count(),
                    (chunk, from, to) ->
                            draw(memory, LatentPiece.of(to - from, 1), chunk, from, step));
        }
        Chunks.forEach(
                tensor.size(),
                (chunk, from, to) -> {
                    LatentPiece piece = LatentPiece.of(to - from, 1);
                    if (draws && isUnshared) {
                        draw(memory, piece, chunk, from, step);
                    } else {
                        memory.spread(memory.auxiliary, from, piece.size(), piece.auxiliary());
                        memory.spread(memory.drawn, from, piece.size(), piece.drawn());
                    }
                    memory.latent.get(from, piece.latent(), 0, piece.size());
                    by.train(piece);
                    weights.put(from, piece.weights(), 0, piece.size());
                });
    }

    /** Draws for the numbers from a position, and keeps it. */
    private void draw(Memory memory, LatentPiece piece, int chunk, int from, long step) {
        long key = Randoms.key(seed, STREAM, step, memory.owner.tensor().info().index(), chunk);
        if (by.draws() == Reparameterization.Draw.NORMAL) {
            new NormalNumbers(key).fill(piece.drawn(), piece.size());
        } else {
            SplittableRandom random = new SplittableRandom(key);
            for (int i = 0; i < piece.size(); i++) {
                piece.drawn()[i] = (random.nextInt() >>> 8) * 0x1p-24f;
            }
        }
        memory.auxiliary.get(from, piece.auxiliary(), 0, piece.size());
        by.draw(piece);
        memory.drawn.put(from, piece.drawn(), 0, piece.size());
    }

    void rest(LatentTensor tensor) {
        Memory memory = Memory.of(tensor);
        rest(
                tensor,
                memory(tensor.tensor().values()),
                (from, piece) -> {
                    memory.latent.get(from, piece.latent(), 0, piece.size());
                    memory.spread(memory.auxiliary, from, piece.size(), piece.auxiliary());
                });
    }

    /** Brings what weights come of into a piece. */
    @FunctionalInterface
    private interface Source {
        void read(int from, LatentPiece piece);
    }

    /** Puts the weights of test time in place, and begins anew where too few are left. */
    private void rest(LatentTensor tensor, FloatBuffer weights, Source source) {
        AtomicInteger kept = new AtomicInteger();
        boolean counts = by.leastKept() >= 0;
        Chunks.forEach(
                tensor.size(),
                (chunk, from, to) -> {
                    LatentPiece piece = LatentPiece.of(to - from, 1);
                    source.read(from, piece);
                    by.test(piece);
                    weights.put(from, piece.weights(), 0, piece.size());
                    if (counts) {
                        kept.addAndGet(nonZero(piece.weights(), piece.size()));
                    }
                });
        if (counts && kept.get() <= by.leastKept() * tensor.size()) {
            Memory memory = Memory.of(tensor);
            FloatBuffer zeros = FloatBuffer.wrap(new float[tensor.count()]);
            memory.auxiliary.put(0, zeros, 0, tensor.count());
            Chunks.forEach(
                    tensor.size(),
                    (chunk, from, to) -> {
                        LatentPiece piece = LatentPiece.of(to - from, 1);
                        memory.latent.get(from, piece.latent(), 0, piece.size());
                        Arrays.fill(piece.auxiliary(), 0, piece.size(), 0f);
                        by.test(piece);
                        weights.put(from, piece.weights(), 0, piece.size());
                    });
        }
    }

    private static int nonZero(float[] weights, int size) {
        int count = 0;
        for (int i = 0; i < size; i++) {
            count += weights[i] != 0 ? 1 : 0;
        }
        return count;
    }

    void carry(LatentTensor tensor, NDArray gradient, long step) {
        Memory memory = Memory.of(tensor);
        FloatBuffer weights = memory(tensor.tensor().values());
        FloatBuffer gradients = memory(gradient);
        double[][] sums = new double[Chunks.count(tensor.size())][];
        Chunks.forEach(
                tensor.size(),
                (chunk, from, to) -> {
                    LatentPiece piece = LatentPiece.of(to - from, tensor.share());
                    int size = piece.size();
                    memory.latent.get(from, piece.latent(), 0, size);
                    memory.spread(memory.auxiliary, from, size, piece.auxiliary());
                    memory.spread(memory.drawn, from, size, piece.drawn());
                    gradients.get(from, piece.gradients(), 0, size);
                    by.carry(piece, step);
                    gradients.put(from, piece.gradients(), 0, size);
                    weights.put(from, piece.latent(), 0, size);
                    if (tensor.isUnshared()) {
                        by.complete(piece);
                        memory.drawn.put(from, piece.slopes(), 0, size);
                    } else {
                        double[] sum = new double[tensor.count()];
                        int[] positions = memory.positions(from, size);
                        for (int i = 0; i < size; i++) {
                            sum[positions[i]] += piece.slopes()[i];
                        }
                        sums[chunk] = sum;
                    }
                });
        if (!tensor.isUnshared()) {
            complete(tensor, memory, sums);
        }
    }

    /** Adds up the pieces in order, so that threads change nothing. */
    private void complete(LatentTensor tensor, Memory memory, double[][] sums) {
        double[] total = sums[0];
        for (int chunk = 1; chunk < sums.length; chunk++) {
            for (int i = 0; i < total.length; i++) {
                total[i] += sums[chunk][i];
            }
        }
        numbers(
                memory,
                tensor.share(),
                (from, piece) -> {
                    memory.drawn.get(from, piece.drawn(), 0, piece.size());
                    for (int i = 0; i < piece.size(); i++) {
                        piece.slopes()[i] = (float) total[from + i];
                    }
                    by.complete(piece);
                    memory.drawn.put(from, piece.slopes(), 0, piece.size());
                });
    }

    private static void numbers(Memory memory, int share, Source work) {
        Chunks.forEach(
                memory.owner.count(),
                (chunk, from, to) -> {
                    LatentPiece piece = LatentPiece.of(to - from, share);
                    memory.auxiliary.get(from, piece.auxiliary(), 0, piece.size());
                    work.read(from, piece);
                });
    }

    void settle(LatentTensor tensor) {
        Memory memory = Memory.of(tensor);
        FloatBuffer weights = memory(tensor.tensor().values());
        if (!tensor.isUnshared()) {
            numbers(
                    memory,
                    tensor.share(),
                    (from, piece) -> {
                        by.bound(piece);
                        memory.auxiliary.put(from, piece.auxiliary(), 0, piece.size());
                    });
        }
        rest(
                tensor,
                weights,
                (from, piece) -> {
                    weights.get(from, piece.latent(), 0, piece.size());
                    memory.latent.put(from, piece.latent(), 0, piece.size());
                    memory.spread(memory.auxiliary, from, piece.size(), piece.auxiliary());
                    if (tensor.isUnshared()) {
                        by.bound(piece);
                        memory.auxiliary.put(from, piece.auxiliary(), 0, piece.size());
                    }
                });
    }
}
