package io.flipout.djl;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.SplittableRandom;

/** Damages bytes as disks, transfers and attackers do. */
public final class Mutations {

    private static final int MOST = 4;
    private static final byte[] SIGNS = "0123456789-[]{},:\"eE".getBytes(StandardCharsets.US_ASCII);

    private Mutations() {}

    /** Returns changed bytes: some flipped, replaced, made huge, cut out, repeated or cut off. */
    public static byte[] of(byte[] bytes, SplittableRandom random) {
        byte[] mutated = bytes.clone();
        for (int n = random.nextInt(1, MOST + 1); n > 0 && mutated.length > 0; n--) {
            int at = random.nextInt(mutated.length);
            switch (random.nextInt(7)) {
                case 0 -> mutated[at] ^= (byte) (1 << random.nextInt(8));
                case 1 -> mutated[at] = (byte) random.nextInt(256);
                case 2 -> mutated = Arrays.copyOf(mutated, at);
                case 3 -> mutated = splice(mutated, at, random.nextInt(mutated.length), at);
                case 4 -> Arrays.fill(mutated, at, mutated.length, (byte) 0);
                case 5 -> enlarge(mutated, at, random);
                default -> mutated[at] = SIGNS[random.nextInt(SIGNS.length)];
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

    /** Makes a length of what may be one that is far too large, in either order of bytes. */
    private static void enlarge(byte[] bytes, int at, SplittableRandom random) {
        int end = Math.min(bytes.length, at + random.nextInt(1, 5));
        Arrays.fill(bytes, at, end, (byte) 0xff);
        if (random.nextBoolean()) {
            bytes[random.nextBoolean() ? at : end - 1] = 0x7f;
        }
    }
}
