package io.flipout.mask;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * Which weights of one tensor are alive: one byte a weight, 1 alive and 0 pruned, in row-major
 * order.
 *
 * <p>Prunings only shrink masks; weights come back where the method rewires them, and only there.
 * Sparsity is counted here and not as zeros in the weights, because a live weight may be exactly 0.
 */
public final class Mask {

    /** Eight bytes of an array at once. */
    private static final VarHandle EIGHT =
            MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.nativeOrder());

    private final byte[] alive;
    private int remaining;
    private int version;

    /**
     * Creates a mask in which every weight is alive.
     *
     * @param size the number of weights, at least 1
     */
    public Mask(int size) {
        if (size < 1) {
            throw new IllegalArgumentException("A mask needs at least one weight, got " + size);
        }
        alive = new byte[size];
        Arrays.fill(alive, (byte) 1);
        remaining = size;
    }

    /**
     * Returns the number of weights, alive or pruned.
     *
     * @return the number of weights
     */
    public int size() {
        return alive.length;
    }

    /**
     * Returns the number of weights that are alive.
     *
     * @return the number of weights alive, 0 to {@link #size()}
     */
    public int remaining() {
        return remaining;
    }

    /**
     * Tells whether nothing is pruned yet, so that masking can be skipped.
     *
     * @return true if every weight is alive
     */
    public boolean isDense() {
        return remaining == alive.length;
    }

    /**
     * Tells whether a weight is alive.
     *
     * @param index the weight's position, row-major
     * @return true if it is alive
     */
    public boolean isAlive(int index) {
        return alive[index] != 0;
    }

    /**
     * Prunes a weight, for good unless {@link #revive} brings it back. Pruning it again changes
     * nothing.
     *
     * @param index the weight's position, row-major
     */
    public void prune(int index) {
        if (alive[index] != 0) {
            alive[index] = 0;
            remaining--;
            version++;
        }
    }

    /**
     * Prunes some of the weights.
     *
     * @param goes for each weight 1 if it is pruned, else 0, in row-major order
     * @throws IllegalArgumentException if they are of another number
     */
    public void prune(byte[] goes) {
        if (goes.length != alive.length) {
            throw new IllegalArgumentException(
                    "A mask of " + alive.length + " weights cannot prune of " + goes.length);
        }
        int pruned = 0;
        int i = 0;
        for (; i <= goes.length - Long.BYTES; i += Long.BYTES) {
            long was = (long) EIGHT.get(alive, i);
            long goesNow = was & (long) EIGHT.get(goes, i);
            EIGHT.set(alive, i, was ^ goesNow);
            pruned += Long.bitCount(goesNow);
        }
        for (; i < goes.length; i++) {
            int goesNow = goes[i] & alive[i];
            alive[i] ^= (byte) goesNow;
            pruned += goesNow;
        }
        if (pruned > 0) {
            remaining -= pruned;
            version++;
        }
    }

    /**
     * Brings a pruned weight back, as methods do that rewire. Of a weight alive it changes nothing.
     *
     * @param index the weight's position, row-major
     */
    public void revive(int index) {
        if (alive[index] == 0) {
            alive[index] = 1;
            remaining++;
            version++;
        }
    }

    /**
     * Takes the weights that are 0 for pruned, and all others for alive, as it is where a method
     * learns which weights go.
     *
     * @param weights the weights, row-major
     * @throws IllegalArgumentException if they are of another number
     */
    public void read(float[] weights) {
        if (weights.length != alive.length) {
            throw new IllegalArgumentException(
                    "A mask of " + alive.length + " weights cannot tell of " + weights.length);
        }
        for (int i = 0; i < weights.length; i++) {
            if (weights[i] == 0) {
                prune(i);
            } else {
                revive(i);
            }
        }
    }

    /**
     * Returns this mask as bits.
     *
     * @return eight weights a byte, the first in the lowest bit; 1 is alive
     */
    public byte[] toBits() {
        byte[] bits = new byte[(alive.length + Byte.SIZE - 1) / Byte.SIZE];
        for (int i = 0; i < alive.length; i++) {
            bits[i / Byte.SIZE] |= (byte) (alive[i] << i % Byte.SIZE);
        }
        return bits;
    }

    /**
     * Takes over another mask.
     *
     * @param bits what {@link #toBits()} of a mask of this size returned
     * @throws IllegalArgumentException if it is of another size
     */
    public void setBits(byte[] bits) {
        if (bits.length != (alive.length + Byte.SIZE - 1) / Byte.SIZE) {
            throw new IllegalArgumentException(
                    "A mask of "
                            + alive.length
                            + " weights does not have "
                            + bits.length
                            + " bytes of bits.");
        }
        remaining = 0;
        for (int i = 0; i < alive.length; i++) {
            alive[i] = (byte) (bits[i / Byte.SIZE] >> i % Byte.SIZE & 1);
            remaining += alive[i];
        }
        version++;
    }

    /**
     * Returns the bytes behind this mask, for loops that cannot afford a call a weight. They are
     * not a copy and must not be written to.
     *
     * @return 1 for each weight alive, 0 for each pruned, in row-major order
     */
    public byte[] bytes() {
        return alive;
    }

    /**
     * Returns a number that changes whenever the mask does, so that copies on devices know when
     * they are stale.
     *
     * @return the version
     */
    public int version() {
        return version;
    }
}
