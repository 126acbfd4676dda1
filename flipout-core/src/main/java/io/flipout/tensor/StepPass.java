package io.flipout.tensor;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * One walk over all tensors of a step in the host's memory, on which each piece meets everything
 * that the step does to it while it lies in the cache.
 *
 * <p>The pieces are those of {@link Chunks}, in one list for all tensors, so that small ones share
 * a task and large ones are spread over the cores.
 */
public final class StepPass {

    private static final ThreadLocal<Piece> PIECE = ThreadLocal.withInitial(Piece::new);

    private StepPass() {}

    /** What a step does to a piece. */
    @FunctionalInterface
    public interface Work {

        /**
         * Does it. Pieces come in any order and on several threads.
         *
         * @param piece the piece, only for the time of the call
         */
        void run(Piece piece);
    }

    /**
     * Walks over tensors.
     *
     * @param step the tensors, all in the host's memory
     * @param works what is done to each piece, in this order
     */
    public static void over(List<Update> step, List<Work> works) {
        int[] ends = new int[step.size()];
        long weights = 0;
        int pieces = 0;
        for (int i = 0; i < ends.length; i++) {
            int size = step.get(i).size();
            weights += size;
            pieces += Chunks.count(size);
            ends[i] = pieces;
        }
        IntStream range = IntStream.range(0, pieces);
        (Chunks.isSpread(weights) ? range.parallel() : range)
                .forEach(number -> walk(step, ends, number, works));
    }

    private static void walk(List<Update> step, int[] ends, int number, List<Work> works) {
        int end = Arrays.binarySearch(ends, number);
        int tensor = end < 0 ? -end - 1 : end + 1;
        int chunk = number - (tensor == 0 ? 0 : ends[tensor - 1]);
        Update update = step.get(tensor);
        int from = chunk * Chunks.SIZE;
        Piece piece = PIECE.get();
        piece.begin(update, tensor, chunk, from, Math.min(update.size(), from + Chunks.SIZE));
        for (Work work : works) {
            work.run(piece);
        }
        piece.end();
    }
}
