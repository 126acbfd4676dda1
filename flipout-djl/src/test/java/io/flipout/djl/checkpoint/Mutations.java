package io.flipout.djl.checkpoint;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.SplittableRandom;

/** Damages bytes as disks, transfers and attackers do. */
final class Mutations {

    private static final int MOST = 4;

    private Mutations() {}

    /** Returns changed bytes: some flipped, replaced, cut out, repeated or cut off. */
    static byte[] of(byte[] bytes, SplittableRandom random) {
        byte[] mutated = bytes.clone();
        for (int n = random.nextInt(1, MOST + 1); n > 0 && mutated.length > 0; n--) {
            int at = random.nextInt(mutated.length);
            switch (random.nextInt(6)) {
                case 0 -> mutated[at] ^= (byte) (1 << random.nextInt(8));
                case 1 -> mutated[at] = (byte) random.nextInt(256);
                case 2 -> mutated = Arrays.copyOf(mutated, at);
                case 3 -> mutated = splice(mutated, at, random.nextInt(mutated.length), at);
                case 4 -> Arrays.fill(mutated, at, mutated.length, (byte) 0);
                default ->
                        mutated[at] =
                                "0123456789-[]{},:\"eE"
                                        .getBytes(StandardCharsets.US_ASCII)[random.nextInt(20)];
            }
        }
        return mutated;
    }

    /** Returns the bytes before one position, then those from another, in a new order. */
    private static byte[] splice(byte[] bytes, int end, int from, int length) {
        byte[] spliced = Arrays.copyOf(bytes, end + Math.min(length, bytes.length - from));
        System.arraycopy(bytes, from, spliced, end, spliced.length - end);
        return spliced;
    }
}
