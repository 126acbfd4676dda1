package io.flipout.rewiring;

import ai.djl.ndarray.NDArray;
import io.flipout.tensor.Chunks;
import io.flipout.tensor.Transfers;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.stream.LongStream;

/** Finds the few weights of a tensor that something holds of. */
final class Positions {

    private Positions() {}

    /** Something that holds of a weight or does not. */
    @FunctionalInterface
    interface Condition {
        boolean holds(int index, float value);
    }

    /** Returns the positions in ascending order, by one pass over the tensor's memory. */
    static int[] where(FloatBuffer memory, Condition condition) {
        int[][] found = new int[Chunks.count(memory.limit())][];
        Chunks.forEach(
                memory,
                (chunk, from, to, values) -> {
                    int count = 0;
                    for (int i = from; i < to; i++) {
                        count += condition.holds(i, values[i - from]) ? 1 : 0;
                    }
                    int[] positions = new int[count];
                    for (int i = from, next = 0; next < count; i++) {
                        if (condition.holds(i, values[i - from])) {
                            positions[next++] = i;
                        }
                    }
                    found[chunk] = positions;
                    return false;
                });
        return Arrays.stream(found).flatMapToInt(Arrays::stream).toArray();
    }

    /** Returns the positions in ascending order, read back from a device. */
    static int[] where(NDArray condition) {
        try (NDArray flat = condition.flatten();
                NDArray positions = flat.nonzero()) {
            return positions.isEmpty()
                    ? new int[0]
                    : LongStream.of(Transfers.longs(positions))
                            .mapToInt(Math::toIntExact)
                            .toArray();
        }
    }
}
