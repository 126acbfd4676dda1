package io.flipout.tensor;

import java.util.SplittableRandom;

/**
 * Random numbers by counter: a stream is named by numbers such as seed, step, tensor and piece, so
 * what is drawn does not depend on the order in which tensors come up, on devices or on threads.
 */
public final class Randoms {

    private Randoms() {}

    /**
     * Returns the stream of that name.
     *
     * @param seed the seed of the run
     * @param names the numbers that name the stream
     * @return the stream at its beginning
     */
    public static SplittableRandom stream(long seed, long... names) {
        return new SplittableRandom(key(seed, names));
    }

    /**
     * Mixes a seed and names into one well spread number.
     *
     * @param seed the seed of the run
     * @param names the numbers that name the stream
     * @return the key
     */
    public static long key(long seed, long... names) {
        long key = mix(seed);
        for (long name : names) {
            key = mix(key ^ mix(name + 0x9e3779b97f4a7c15L));
        }
        return key;
    }

    /** The finaliser of MurmurHash3 (64 bits): every bit in changes half of the bits out. */
    private static long mix(long z) {
        z = (z ^ (z >>> 33)) * 0xff51afd7ed558ccdL;
        z = (z ^ (z >>> 33)) * 0xc4ceb9fe1a85ec53L;
        return z ^ (z >>> 33);
    }
}
